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
