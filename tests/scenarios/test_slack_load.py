"""Quiet under load: no call of Slack's Web API is one too many, the worst goes first, and in the end all is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from incident_bot.core.lanes import Lane, Pace
from incident_bot.flow.slack.pacing import LaneFull, Queue
from incident_bot.store import rooms
from tests.fakes.slack.workspace import limited
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import START, on_every_database
from tests.scenarios.ways import burst

Begin = Callable[..., SlackStory]
NO_STORM = {"more": "storm: off"}
SECOND = timedelta(seconds=1)


def many(story: SlackStory, count: int) -> None:
    """So many incidents at once, of all severities that have a place in Slack."""
    burst(story, count, severities=("warning", "high", "critical"))


def test_sixty_incidents_at_once_never_go_too_fast(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(announce='[{channel: "#web"}]', **NO_STORM)
    many(story, 60)
    story.advance(minutes=20)
    assert story.workspace.limited == []
    assert len(story.incidents()) == 60
    own = [one for one in story.workspace.channels.values() if one.name.startswith("inc-")]
    assert len(own) == 40
    for room in own:
        assert room.pins
        assert room.topic
    made = [int(room.name.split("-")[1]) for room in own]
    severities = [story.incident(number).severity for number in made]
    assert severities == sorted(severities), "the worst first"
    told = [story.read(message) for message in story.web.live() if message.thread is None]
    for number in range(1, 61):
        assert any(re.search(rf"INC-{number}\b", text) for text in told), number
    with story.context.store.read() as tx:
        found = rooms.of(tx, range(1, 61))
    assert [room.error for room in found.values()] == [None] * 60


@on_every_database
def test_a_channel_hears_one_message_a_second_whoever_tells_it(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(announce='[{channel: "#web"}]', **NO_STORM)
    many(story, 6)
    story.advance(minutes=2)
    assert story.workspace.limited == []
    instants = sorted(float(message.ts) for message in story.web.live())
    assert len(instants) >= 8, "announcements, and the cards of those that live in its threads"
    assert all(after - before >= 0.95 for before, after in pairwise(instants))


def test_what_slack_asks_of_one_holds_for_every_replica(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(**NO_STORM)
    story.workspace.fail("conversations.create", limited(40))
    burst(story, 3)
    assert story.workspace.channels_made == 0
    story.restart()
    story.fires(alertname="Late")
    story.advance(seconds=35)
    assert story.workspace.channels_made == 0
    story.advance(minutes=2)
    assert story.workspace.channels_made == 4
    assert story.workspace.limited == []


@pytest.mark.parametrize("others", [0, 1, 9])
def test_a_page_is_not_held_up_by_rooms(slack_story: Begin, others: int) -> None:  # noqa: F811
    story = slack_story(**NO_STORM)
    many(story, others)
    story.advance(seconds=3)
    before = story.clock.now()
    story.fires(alertname="Now", team="data")
    story.advance(seconds=2)
    page = story.workspace.direct("U0DAN" if story.incident().team == "data" else "U0ANA").live()[-1]
    assert float(page.ts) - before.timestamp() <= 1.1


def test_a_full_lane_gives_each_a_turn_of_its_own_and_the_worst_the_first() -> None:
    queue = Queue()
    lane = Lane("slack#pins.add", Pace(every=SECOND))
    full = LaneFull("pins.add", lane, START + SECOND, now=START)
    turns = [queue.turn(full, rank, now=START) for rank in (1, 1, 0, 1)]
    assert [(at - START).total_seconds() for at in turns] == [1, 2, 1, 4]
    assert queue.turn(full, 1, now=START + 10 * SECOND) == full.until, "whose turn has come is forgotten"
