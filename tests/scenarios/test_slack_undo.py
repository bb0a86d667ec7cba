"""Undo stands under the answer to what can be taken back, for a minute, and means that one command."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.flow.commands import VERBS
from tests.fakes.slack.client import Answered
from tests.fakes.slack.state import Message
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)

Begin = Callable[..., SlackStory]
THERE = any(verb.name == "undo" for verb in VERBS)


@pytest.fixture(autouse=True)
def with_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The button is offered whether or not the grammar has its verb."""
    monkeypatch.setattr("incident_bot.flow.slack.undoing.can", lambda _: True)


def answer_in(story: SlackStory, answered: Answered) -> Message:
    """What was answered, as it stands in the room."""
    return story.workspace.add_message(
        story.room(), "U0BOT", answered.said["text"], blocks=answered.said["blocks"]
    )


def said_last(story: SlackStory) -> str:
    return str(list(story.workspace.responses.values())[-1])


def begun(begin: Begin) -> SlackStory:
    story = begin()
    story.fires()
    story.advance(minutes=1)
    return story


def test_what_was_said_is_taken_back_once(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = answer_in(story, story.slack_client.slash("U0ANA", "impact nobody can pay", story.room()))
    for _ in range(2):
        story.slack_client.click("U0ANA", message, "inc:undo")
    if THERE:
        assert story.incident().impact is None
    else:
        assert "I do not know 'undo'" in said_last(story)


def test_after_a_minute_it_stays(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = answer_in(story, story.slack_client.slash("U0ANA", "impact nobody can pay", story.room()))
    story.advance(seconds=61)
    story.slack_client.click("U0ANA", message, "inc:undo")
    assert "more than a minute ago" in said_last(story)
    assert story.incident().impact == "nobody can pay"


def test_a_later_command_is_not_taken_back_by_an_earlier_button(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = answer_in(story, story.slack_client.slash("U0ANA", "impact nobody can pay", story.room()))
    story.slack_client.slash("U0ANA", "sev P2", story.room())
    story.slack_client.click("U0ANA", message, "inc:undo")
    assert "you did something else since" in said_last(story)
    assert story.incident().severity == "P2"


@pytest.mark.parametrize("text", ["escalate", "update we look", "info", "page cleo"])
def test_what_people_read_or_were_paged_for_has_no_undo(slack_story: Begin, text: str) -> None:  # noqa: F811
    story = begun(slack_story)
    assert "inc:undo" not in str(story.slack_client.slash("U0ANA", text, story.room()).said)


def test_without_the_verb_there_is_no_button(
    slack_story: Begin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = begun(slack_story)
    monkeypatch.setattr("incident_bot.flow.slack.undoing.can", lambda _: False)
    assert "inc:undo" not in str(story.slack_client.slash("U0ANA", "impact none", story.room()).said)


def whispered(story: SlackStory, answered: Answered) -> Message:
    """What a button answered to the one who pressed it, as it stands before them."""
    said = story.workspace.response(answered.response_url)[-1]
    return story.workspace.add_message(story.room(), "U0BOT", said["text"], blocks=said["blocks"])


@pytest.mark.parametrize("where", ["card", "page"])
def test_an_acknowledgement_by_button_is_taken_back(slack_story: Begin, where: str) -> None:  # noqa: F811
    story = begun(slack_story)
    if where == "card":
        answered = story.slack_client.click("U0ANA", story.card(), "inc:ack")
    else:
        page = story.workspace.direct("U0ANA").live()[-1]
        answered = story.slack_client.click("U0ANA", page, "page:ack")
    assert story.incident().acknowledged_by == "ana"
    story.slack_client.click("U0ANA", whispered(story, answered), "inc:undo")
    assert story.incident().acknowledged_by is None
    assert story.kinds()[-1] != "acknowledged"


@pytest.mark.parametrize("action", ["inc:escalate", "inc:reopen"])
def test_a_button_that_cannot_be_undone_offers_it_not(slack_story: Begin, action: str) -> None:  # noqa: F811
    story = begun(slack_story)
    if action == "inc:reopen":
        story.resolves()
        story.says("resolve it is over")
        story.advance(minutes=1)
    answered = story.slack_client.click("U0ANA", story.card(), action)
    assert "inc:undo" not in str(story.workspace.response(answered.response_url))


def test_who_joins_an_acknowledgement_has_nothing_to_take_back(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.slack_client.slash("U0BEN", "ack", story.room())
    story.advance(seconds=5)
    answered = story.slack_client.click("U0ANA", story.card(), "inc:ack")
    assert "inc:undo" not in str(story.workspace.response(answered.response_url))
    assert story.incident().acknowledged_by == "ben"


def test_what_changed_nothing_does_not_take_back_what_was_said_before(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.slack_client.slash("U0ANA", "impact nobody can pay", story.room())
    first = story.slack_client.slash("U0ANA", "ack", story.room())
    assert "inc:undo" in str(first.said)
    for line in ("ack", "sev P1"):
        assert "inc:undo" not in str(story.slack_client.slash("U0ANA", line, story.room()).said), line


def test_the_home_takes_back_too(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.slack_client.opens_home("U0ANA")
    story.slack_client.click("U0ANA", story.workspace.homes["U0ANA"], "home:ack")
    assert story.incident().acknowledged_by == "ana"
    story.slack_client.click("U0ANA", story.workspace.homes["U0ANA"], "home:undo")
    assert story.incident().acknowledged_by is None
    assert "home:undo" not in str(story.workspace.homes["U0ANA"].view)
    story.slack_client.opens_home("U0ANA")
    assert "Pages that wait for you" in str(story.workspace.homes["U0ANA"].view), "it asks again"
