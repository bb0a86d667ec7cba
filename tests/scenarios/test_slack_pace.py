"""What goes before a message keeps Slack's pace, too, and what Slack asks to wait does not keep a page waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fakes.slack.workspace import limited
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import START, on_every_database
from tests.plugins.story_files import PEOPLE

Begin = Callable[..., SlackStory]
MANY = 60
CROWD = "".join(f"  c{number}: {{name: Crowd {number}, slack: U0C{number:03d}}}\n" for number in range(MANY))
ALL = "[" + ", ".join(f"c{number}" for number in range(MANY)) + "]"
LAYERS = f"""
  - {{name: all, priority: 10, turn: {{unit: weeks, every: 1, anchor: "2026-01-05T09:00"}}, people: [{ALL}]}}
"""
BOTH = "{high: [{by: slack}, {by: sms, after: 5m}], low: [{by: slack}]}"


def test_sixty_people_who_were_never_written_to_are_paged_in_step(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(people=f"{PEOPLE}{CROWD}", layers=LAYERS)
    for number in range(MANY):
        story.workspace.person(f"U0C{number:03d}", f"Crowd {number}")
    story.fires()
    story.advance(minutes=3)
    assert story.workspace.limited == []
    paged = [len(story.workspace.direct(f"U0C{number:03d}").live()) for number in range(MANY)]
    assert paged == [1] * MANY
    methods = [method for method, _ in story.workspace.calls]
    assert methods.count("conversations.open") == MANY


def test_sixty_pins_by_people_nobody_knows_are_read_in_step(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    room = story.room()
    for number in range(MANY):
        story.workspace.person(f"U0S{number:03d}", f"Stranger {number}")
        message = story.slack_client.says(f"U0S{number:03d}", room, f"I see {number} errors")
        story.slack_client.reacts(f"U0S{number:03d}", message, "pushpin")
    story.advance(minutes=6)
    assert story.workspace.limited == []
    assert story.kinds().count("note") == MANY


@on_every_database
@pytest.mark.parametrize("method", ["chat.postMessage", "conversations.open"])
def test_a_page_that_slack_asks_to_wait_takes_the_next_channel_at_once(
    slack_story: Begin,  # noqa: F811
    method: str,
) -> None:
    story = slack_story(notify=BOTH, severities="\n  P1: {aliases: [critical], urgency: high}\n"
                        "  P2: {urgency: high}\n  P3: {urgency: low}\n  P4: {urgency: low}\n")  # fmt: skip
    story.workspace.fail(method, limited(90))
    story.fires()
    story.advance(minutes=4)
    assert story.paged() == [("ana", 0)], "by sms, five minutes early"
    assert any(entry.data.get("waits") == "slack" for entry in story.timeline())
    (page,) = story.workspace.direct("U0ANA").live()
    assert float(page.ts) - START.timestamp() == pytest.approx(90, abs=2), "and in Slack when it may"
    story.says("ack")
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0)]


def test_a_short_wait_keeps_to_the_persons_order(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(notify=BOTH)
    story.workspace.fail("chat.postMessage", limited(4))
    story.fires()
    story.advance(minutes=1)
    assert story.paged() == []
    page = story.workspace.direct("U0ANA").live()[-1]
    assert timedelta(seconds=float(page.ts) - START.timestamp()) < timedelta(seconds=20)
    assert not any(entry.data.get("waits") for entry in story.timeline())
