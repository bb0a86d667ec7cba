"""An alert that begins and ends again and again pages once, and not for each of its turns (I11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.alertmanager import Firing
from tests.plugins.story import Story, on_every_database

TELL = Callable[..., Story]
on_files = pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)


def flap(story: Story, turns: int = 2, *, on: float = 1, off: float = 1, **labels: Any) -> None:
    """Fire and end so many times; the last end is the end of the story so far."""
    for turn in range(turns):
        story.fires(**labels)
        story.advance(minutes=on)
        story.resolves(**labels)
        if turn < turns - 1:
            story.advance(minutes=off)


@on_every_database
def test_the_fourth_change_in_half_an_hour_makes_it_flap_and_is_told_once(tell: TELL) -> None:
    story = tell(announce='[{channel: "#all"}]')
    flap(story)
    assert story.incident().flapping_since == story.clock.now()
    assert "flapping" in story.alert().flags
    assert story.kinds().count("flapping") == 1
    story.advance(minutes=1)
    flap(story)
    story.pump()
    assert story.said_to("#all").count("flapping") == 1
    assert story.kinds().count("flapping") == 1
    assert "Flapping: since" in story.says("info")


@on_every_database
def test_its_end_is_held_ten_minutes_and_not_ninety_seconds(tell: TELL) -> None:
    story = tell()
    flap(story)
    story.advance(minutes=9, seconds=59)
    assert story.incident().escalation == "triggered"
    story.advance(seconds=1)
    assert story.incident().escalation == "resolved"


@on_every_database
def test_a_re_fire_after_the_hold_opens_it_again_and_pages_nobody(tell: TELL) -> None:
    story = tell()
    flap(story)
    story.says("ack")
    story.advance(minutes=12)
    assert story.incident().escalation == "resolved"
    before = story.paged()
    story.fires()
    assert story.incident().escalation == "triggered"
    assert story.kinds().count("reopened") == 1
    story.advance(minutes=5)
    story.resolves()
    story.advance(minutes=11)
    assert story.incident().escalation == "resolved"
    assert story.paged() == before


@on_every_database
def test_one_that_then_fires_on_is_paged_for_after_half_an_hour(tell: TELL) -> None:
    story = tell()
    flap(story)
    story.says("ack")
    story.advance(minutes=12)
    story.fires()
    at = story.minute(story.clock.now())
    before = story.paged()
    story.advance(minutes=29)
    assert story.paged() == before
    story.advance(minutes=1)
    assert story.paged() == [*before, ("ana", at + 30)]
    assert story.incident().flapping_since is None
    assert "it fires on" in story.entry("flapping_over").text


@on_every_database
def test_it_flaps_no_longer_after_half_an_hour_without_a_change(tell: TELL) -> None:
    story = tell()
    flap(story)
    story.advance(minutes=29, seconds=59)
    assert story.incident().flapping_since is not None
    story.advance(seconds=1)
    assert story.incident().flapping_since is None
    assert story.alert().flags == ()
    assert "nothing of it fires" in story.entry("flapping_over").text
    story.advance(minutes=5)
    before = len(story.paged())
    story.fires()
    assert len(story.paged()) == before + 1


@on_files
def test_a_restart_and_another_replica_know_of_it(tell: TELL) -> None:
    story = tell()
    story.fires()
    story.advance(minutes=1)
    story.resolves()
    story.restart()
    story.advance(minutes=1)
    story.fires()
    story.advance(minutes=1)
    if "sqlite" not in story.url:
        story.application = story.replica()
    story.resolves()
    assert story.incident().flapping_since == story.clock.now()
    story.restart()
    story.advance(minutes=30)
    assert story.incident().flapping_since is None


@on_every_database
def test_a_body_that_comes_again_is_no_change(tell: TELL) -> None:
    story = tell()
    story.fires()
    story.repeat()
    story.advance(minutes=1)
    story.resolves()
    for _ in range(5):
        story.repeat()
    story.advance(minutes=1)
    story.fires()
    story.repeat()
    assert story.incident().flapping_since is None
    assert "flapping" not in story.alert().flags


def test_late_and_swapped_deliveries_make_the_same_changes(tell: TELL) -> None:
    story = tell()
    start = story.clock.now()
    minute = [start.replace(minute=number) for number in range(6)]
    labels = {"alertname": "HighErrorRate", "severity": "critical"}
    first = Firing(labels, {}, minute[0])
    over = Firing(labels, {}, minute[0], minute[1])
    again = Firing(labels, {}, minute[2])
    last = Firing(labels, {}, minute[2], minute[3])
    story.advance(minutes=5)
    for told in (again, first, over, last):
        story.told(told)
    assert "flapping" in story.alert().flags
    assert story.incident().flapping_since == story.clock.now()


def test_changes_far_apart_do_not_flap(tell: TELL) -> None:
    story = tell()
    flap(story, 4, on=16, off=16)
    assert story.incident().flapping_since is None
    assert "flapping" not in story.kinds()


def test_re_fires_whose_ends_were_never_told_count(tell: TELL) -> None:
    story = tell()
    story.fires()
    story.says("ack")
    for _ in range(2):
        story.advance(minutes=5)
        story.fires()
    assert story.incident().flapping_since == story.clock.now()
    assert story.incident().escalation == "acknowledged"


def test_two_servers_that_saw_it_seconds_apart_are_no_flapping(tell: TELL) -> None:
    story = tell()
    for seconds in (0, 20, 40):
        story.fires(since=story.clock.now())
        story.advance(seconds=20)
        assert seconds >= 0
    story.resolves()
    assert story.incident().flapping_since is None


def test_a_worse_severity_pages_though_it_flaps(tell: TELL) -> None:
    story = tell()
    story.fires(severity="high", instance="a")
    story.says("ack")
    story.advance(minutes=1)
    story.resolves(severity="high", instance="a")
    story.advance(minutes=1)
    flap(story, 1, severity="high", instance="a")
    assert story.incident().flapping_since is not None
    before = len(story.paged())
    story.fires(severity="high", instance="a")
    assert len(story.paged()) == before
    story.fires(severity="critical", instance="a")
    assert len(story.paged()) == before + 1


def test_another_alert_that_does_not_flap_pages_at_once(tell: TELL) -> None:
    story = tell()
    flap(story, instance="a")
    story.says("ack")
    story.advance(minutes=12)
    story.fires(instance="a")
    before = len(story.paged())
    story.advance(minutes=1)
    story.fires(instance="b")
    assert len(story.paged()) == before + 1


def test_a_snooze_that_ends_while_it_fires_pages_as_ever(tell: TELL) -> None:
    story = tell()
    flap(story)
    story.fires()
    story.says("snooze 5m")
    before = len(story.paged())
    story.advance(minutes=5)
    assert len(story.paged()) == before + 1


def test_whoever_has_it_keeps_it_and_is_not_paged_for_each_turn(tell: TELL) -> None:
    story = tell(rules="repage: always")
    story.fires()
    story.says("ack")
    story.advance(minutes=1)
    story.resolves()
    story.advance(minutes=1)
    flap(story, 1)
    story.says("ack")
    before = len(story.paged())
    flap(story, 3)
    assert len(story.paged()) == before
    assert story.incident().acknowledged_by == "ana"


@pytest.mark.parametrize(
    "more, route",
    [("flapping: off", ""), ("", ", flapping: off"), ("flapping: {transitions: 6}", "")],
    ids=["off for all", "off for the route", "more turns"],
)
def test_the_rule_is_the_route_s(tell: TELL, more: str, route: str) -> None:
    story = tell(more=more, routes=f"[{{match: ['alertname=\"HighErrorRate\"'], team: web{route}}}]")
    flap(story)
    assert story.incident().flapping_since is None
    story.advance(minutes=2)
    assert story.incident().escalation == "resolved"


def test_why_says_so(tell: TELL) -> None:
    story = tell()
    flap(story)
    assert "flapping: re-fires of it page nobody" in story.says("why")
    assert "4 times or more within 30 min" in story.says("why")
