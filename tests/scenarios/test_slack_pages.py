"""Pages in Slack: one message each, answered by its buttons, and brought up to date for everybody once answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from incident_bot.core.model import Verdict
from tests.fakes.slack.blockkit import actions_of
from tests.fakes.slack.state import Message
from tests.fakes.slack.workspace import answers, limited, loses_the_answer
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database
from tests.scenarios.ways import burst

Begin = Callable[..., SlackStory]
TWO = {"matrix": {"P1": "[{page: [on_call, person/dan]}, {after: 15m, page: [lead]}]"}}


def page(story: SlackStory, user: str = "U0ANA", which: int = -1) -> Message:
    return story.workspace.direct(user).live()[which]


def buttons(message: Message) -> list[str]:
    return [element["action_id"] for _, element in actions_of(message.blocks)]


def pressed(story: SlackStory, user: str, action: str, which: int = -1) -> str:
    return pressed_on(story, user, page(story, user, which), action)


def pressed_on(story: SlackStory, user: str, message: Message, action: str) -> str:
    answered = story.slack_client.click(user, message, action)
    assert answered.status == 200
    said = json.dumps(story.workspace.response(answered.response_url))
    story.pump()
    return said


@on_every_database
def test_a_page_says_what_to_do_and_changes_for_everybody_once_it_is_taken(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(**TWO)
    story.fires(instance="a")
    story.advance(seconds=5)
    mine = story.read(page(story))
    for part in ("INC-1", "Look at the newest deploy", "Why you: "):
        assert part in mine
    assert (
        buttons(page(story)) == buttons(page(story, "U0DAN")) == ["page:ack", "page:escalate", "page:cannot"]
    )
    assert "You have" in pressed(story, "U0ANA", "page:ack")
    story.advance(seconds=10)
    for user in ("U0ANA", "U0DAN"):
        (message,) = story.workspace.direct(user).live()
        assert "Taken by <@U0ANA> at" in story.read(message)
        assert "Taken by <@U0ANA>" in message.text
        assert (buttons(message), message.edits) == ([], 1)
    story.resolves(instance="a")
    story.says("resolve")
    story.advance(seconds=10)
    assert "Resolved at" in story.read(page(story, "U0DAN"))
    assert len(buttons(page(story, "U0DAN"))) == len(Verdict)
    calls = len(story.workspace.calls)
    story.restart()
    story.advance(minutes=5)
    assert len(story.workspace.calls) == calls, "what is up to date is left alone"


@pytest.mark.parametrize("verb", ["snooze 30m", "unack", "cancel a test", "escalate"])
def test_every_way_in_which_paging_goes_on_or_ends_is_said(slack_story: Begin, verb: str) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(seconds=5)
    if verb == "unack":
        story.says("ack")
        story.advance(seconds=5)
    story.says(verb)
    story.advance(seconds=10)
    first = page(story, which=0)
    assert buttons(first) == []
    said = {"snooze 30m": "Snoozed until", "cancel a test": "Cancelled at"}.get(verb, "Out of date")
    assert said in story.read(first)


def test_a_press_on_a_page_of_before_pages_nobody(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(**TWO)
    story.fires()
    story.advance(seconds=5)
    shown = copy(page(story, "U0DAN"))
    pressed(story, "U0ANA", "page:escalate")
    story.advance(seconds=5)
    assert "nothing was done" in pressed_on(story, "U0DAN", shown, "page:escalate")
    assert story.kinds().count("escalated") == 1


def test_who_cannot_take_it_says_so_and_is_told_who_is_paged_next(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(seconds=5)
    assert "Paged now: Ben Example." in pressed(story, "U0ANA", "page:cannot")
    story.advance(seconds=10)
    assert buttons(page(story)) == []
    assert buttons(page(story, "U0BEN"))[0] == "page:ack"


def test_whoever_has_it_is_asked_and_answers_with_a_button(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(ack_timeout="{high: 10m}")
    story.fires()
    story.says("ack")
    story.advance(minutes=11)
    assert "Still on it?" in story.read(page(story))
    assert buttons(page(story)) == ["page:ack", "page:unack"]
    pressed(story, "U0ANA", "page:ack")
    story.advance(seconds=10)
    assert "Answered: <@U0ANA> has it" in story.read(page(story))
    story.advance(minutes=10)
    pressed(story, "U0ANA", "page:unack")
    assert story.kinds().count("unacknowledged") == 1


@on_every_database
def test_several_in_one_message_are_taken_with_one_button(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(more="storm: off")
    burst(story, 1)
    burst(story, 4, first=2)
    story.advance(seconds=10)
    assert len(story.workspace.direct("U0ANA").live()) == 2
    many = copy(page(story))
    assert "4 incidents" in story.read(many)
    story.says("ack", incident=3, by="ben")
    story.advance(seconds=10)
    assert "Taken by <@U0BEN>" in story.read(page(story))
    assert buttons(page(story)) == ["page:ack", "inc:open"]
    said = pressed(story, "U0ANA", "page:ack")
    assert "Acknowledged: INC-2, INC-4, INC-5." in said
    story.advance(seconds=30)
    assert buttons(page(story)) == []
    assert story.read(page(story)).count("Taken by") == 4
    assert "has all of them already" in pressed_on(story, "U0ANA", many, "page:ack")


def copy(message: Message) -> Message:
    """A message as somebody still has it on their screen."""
    return Message(**{**vars(message), "blocks": list(message.blocks)})


@pytest.mark.parametrize(
    "fault", [limited(5), answers(500), loses_the_answer], ids=["limited", "500", "lost"]
)
def test_an_edit_that_goes_wrong_is_made_again(slack_story: Begin, fault: Any) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(seconds=5)
    story.workspace.fail("chat.update", fault)
    story.says("ack")
    story.advance(minutes=2)
    assert "Taken by <@U0ANA>" in story.read(page(story))


def test_a_page_that_its_reader_deleted_is_not_written_again(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(seconds=5)
    page(story).deleted = True
    story.says("ack")
    story.advance(minutes=90)
    assert story.workspace.direct("U0ANA").live() == []
    assert "message_failed" not in story.kinds()


def test_a_page_on_its_way_when_somebody_took_it_says_so(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.fail("chat.postMessage", loses_the_answer)
    story.fires()
    story.types("ack", by="ben")
    story.advance(minutes=3)
    told = story.workspace.direct("U0ANA").live()
    assert told
    assert [buttons(message) for message in told] == [[]] * len(told)


def test_what_is_to_be_typed_has_its_slash_command(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    assert "(revision" not in story.read(page(story))
    assert "Why you: on call, web" in story.read(page(story))
    story.types("ack")
    story.types("resolve rolled back")
    story.advance(minutes=15)
    told = story.workspace.direct("U0ANA").live()[-1]
    assert "Type `/incident reopen INC-1` if it is not over." in told.text


@on_every_database
def test_whoever_was_paged_is_asked_once_what_the_page_was_worth(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(**TWO)
    story.fires(instance="a")
    story.fires(alertname="SlowDisk", instance="b")
    story.advance(seconds=5)
    for number in (1, 2):
        story.says("ack", incident=number)
        story.says("resolve it was the deploy", incident=number)
    story.advance(seconds=10)
    first, second = (story.workspace.direct("U0ANA").live()[which] for which in (0, 1))
    late = copy(story.workspace.direct("U0DAN").live()[0])
    assert "Was this page actionable?" in story.read(first)
    assert buttons(first) == [f"page:verdict:{one.value}" for one in Verdict]
    assert "Noted for INC-1: HighErrorRate" in pressed_on(story, "U0ANA", first, "page:verdict:noise")
    assert "nothing changed" in pressed_on(story, "U0DAN", late, "page:verdict:noise")
    story.advance(seconds=10)
    for user in ("U0ANA", "U0DAN"):
        told = story.workspace.direct(user).live()[0]
        assert "*Noise* (says <@U0ANA>): HighErrorRate" in story.read(told)
        assert buttons(told) == []
    # What is said elsewhere, and said again after another word, stands there as well.
    for word, shown in (("duplicate", "Duplicate"), ("noise it was me", "Noise")):
        story.says(f"verdict {word}", incident=1)
        story.advance(seconds=10)
        assert f"*{shown}* (says <@U0ANA>): HighErrorRate" in story.read(
            story.workspace.direct("U0ANA").live()[0]
        )
    assert "Was this page actionable?" in story.read(second)
    story.says("reopen it is back", incident=2)
    story.advance(seconds=10)
    assert buttons(story.workspace.direct("U0ANA").live()[1]) == []


def test_what_had_no_alert_is_not_asked_about(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.says("new Payments fail", incident=0)
    story.advance(seconds=5)
    story.says("resolve it was nothing")
    story.advance(seconds=10)
    messages = story.workspace.direct("U0ANA").live()
    assert not [name for one in messages for name in buttons(one)]
