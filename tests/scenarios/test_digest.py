"""The weekly digest: once a team and week, whoever restarts; with a rule's change that is worth it; nothing private."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from incident_bot.flow.digest import Digests, digests, due_at, zone_of
from tests.plugins.story import Story
from tests.plugins.story_files import documents

MONDAY = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
"""The Monday after the story began, after nine wherever its teams are."""


def flap(story: Story, name: str, *, times: int) -> None:
    """An alert comes and goes by itself within four minutes, again and again."""
    for _ in range(times):
        story.fires(alertname=name)
        story.advance(minutes=4)
        story.resolves(alertname=name)
        story.advance(hours=2)


def told(story: Story) -> list[tuple[str, str]]:
    return [(heard.message.recipient, heard.message.text) for heard in story.taken("digest")]


@pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
def test_on_monday_at_nine_each_team_is_told_once(story: Story) -> None:
    flap(story, "Flappy", times=4)
    story.fires(alertname="Real")
    story.says("ack")
    story.says("verdict actionable")
    context = story.context
    web = context.live.current.revision.teams["web"]
    monday = due_at(context, web, now=MONDAY)
    assert (monday.astimezone(zone_of(context, web)).hour, monday.weekday()) == (9, 0)
    story.until(monday.replace(hour=monday.hour - 1))
    assert Digests(context).step(now=story.clock.now()) == 0
    story.until(monday)
    keeper = Digests(context)
    assert [keeper.step(now=monday), keeper.step(now=monday)] == [1, 0]
    story.restart()
    assert Digests(story.context).step(now=monday) == 0
    story.pump()
    ((channel, text),) = told(story)
    assert channel == "#web"
    assert "Alerts of web, the week to Sun 8 Mar" in text
    assert "1. Flappy: 4 pages" in text
    assert "fired 4 times, acted upon in 0 of 4, lasts 4 min" in text
    assert "4 of 4 pages of the last 28 days would not have happened" in text
    assert "- alert: Flappy" in text
    assert "actionable 1" in text
    assert "/insights?team=web" in text


def test_a_bot_that_was_down_is_late_but_not_a_week_late(story: Story) -> None:
    flap(story, "Flappy", times=1)
    story.until(MONDAY)
    late = MONDAY.replace(day=10)
    assert Digests(story.context).step(now=MONDAY.replace(day=12)) == 0
    assert Digests(story.context).step(now=late) == 1


def test_a_quiet_week_and_a_team_that_wants_none_are_not_told(story: Story) -> None:
    story.until(MONDAY)
    assert Digests(story.context).step(now=MONDAY) == 0
    flap(story, "Flappy", times=1)
    files = documents()
    files = {
        **files,
        "rotations/teams.yaml": files["rotations/teams.yaml"].replace(
            "lead: ben,", "lead: ben, digest: false,"
        ),
    }
    assert story.reload(files).ok
    later = MONDAY.replace(day=16)
    story.until(later)
    assert Digests(story.context).step(now=later) == 0
    without = {
        **documents(),
        "rotations/teams.yaml": documents()["rotations/teams.yaml"].replace('slack_channel: "#web", ', ""),
    }
    assert story.reload(without).ok
    assert Digests(story.context).step(now=later) == 1
    story.pump()
    assert [recipient for recipient, _ in told(story)] == ["ben"]


def test_nothing_private_is_in_a_digest(story: Story) -> None:
    story.fires(alertname="Quokka")
    story.says("private")
    story.fires(alertname="Known")
    story.advance(minutes=5)
    (data, web) = digests(story.context, now=story.clock.now())
    assert data.empty
    assert "Known" in web.text
    assert "Quokka" not in web.text
