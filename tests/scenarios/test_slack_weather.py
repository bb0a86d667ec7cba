"""A storm, a 429 storm and a time without Slack: nothing too fast, twice or out of order, and pages first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.scenarios.slack_weather import BOTH, look, minutes, quiet, storm, told, work

Begin = Callable[..., SlackStory]
ALONE = {"more": "storm: off", "notify": BOTH, "announce": '[{channel: "#web"}]'}
ADOPTED = {"more": "storm: {openings: 20, within: 5m}", "notify": BOTH, "announce": '[{channel: "#web"}]'}


def test_a_storm_is_told_in_one_room_and_pages_go_first(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(**ADOPTED)
    storm(story, 150)
    quiet(story, most=30)
    found = look(story)
    assert found.trouble == {}
    assert found.incidents <= 25
    assert found.last_page_s < 60
    assert found.pages_after_first_room == 0


def test_without_storms_each_incident_gets_its_room_at_slacks_pace(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(**ALONE)
    storm(story, 45)
    quiet(story, most=60)
    found = look(story)
    assert found.trouble == {}
    assert found.incidents == 45
    assert found.calls["conversations.create"] == 30
    assert found.last_page_s < 60
    assert found.pages_after_first_room == 0
    before = found.calls.get("chat.update", 0)
    for number in range(1, 13):
        for phase in ("investigating", "mitigating", "monitoring"):
            story.types(f"status {phase}", incident=number)
            story.types(f"title Checkout is slow, {phase}", incident=number)
    quiet(story, most=60)
    after = look(story)
    assert after.trouble == {}
    assert after.calls["chat.update"] - before <= 12 * 4, (
        "of six changes of a card, and of an announcement, the last counts"
    )


@pytest.mark.parametrize("asked", [90, 20])
def test_for_minutes_slack_answers_nothing_but_429(slack_story: Begin, asked: int) -> None:  # noqa: F811
    story = slack_story(**ALONE)
    ends = story.clock.now().timestamp() + 240
    story.workspace.busy = lambda: asked if story.clock.now().timestamp() < ends else None
    storm(story, 15)
    minutes(story, 5)
    assert [person for person, minute in story.paged() if minute <= 0.5] == ["ana"], "by the next channel"
    quiet(story, most=60)
    found = look(story)
    assert found.trouble == {}
    assert found.calls["conversations.create"] == 10
    # Each channel and method asks again when it may, and not before.
    assert 0 < found.turned_away <= 60 * 240 / asked


def test_a_time_without_slack_is_filled_in_order_and_nothing_comes_twice(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(**ALONE)
    storm(story, 3)
    minutes(story, 2)
    story.workspace.down = True
    for number in range(4, 8):
        story.fires(alertname=f"Dark{number:03}", severity=("warning", "high", "critical")[number % 3])
    minutes(story, 5)
    work(story, range(2, 8), pause=2)
    minutes(story, 5)
    assert story.workspace.channels_made == 2
    story.workspace.down = False
    quiet(story, most=90)
    found = look(story)
    assert found.trouble == {}
    assert found.incidents == 7
    for number in range(4, 8):
        if story.incident(number).severity == "P3":
            continue
        room = story.room(number)
        live = [message for message in room.live() if message.ts not in room.pins]
        places = told(live, f"We look at number {number}", f"number {number} is rolled back")
        assert -1 not in places, number
        assert places == sorted(places), number
        assert any("Told late" in story.read(message) for message in live), number
    # A message is changed in its place when its own next try comes.
    minutes(story, 15)
    asked = [
        message for message in story.workspace.direct("U0ANA").live() if "page:ack" in str(message.blocks)
    ]
    assert asked == [], "nobody is asked for what they have taken"
