"""The machine's clock, or the database server's, is set by two hours while somebody is being paged (P16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident_bot.clock import Clock
from tests.fakes.machine import Machine, Server, SettableClock, alone, among_replicas
from tests.plugins.story import START, Story

Tell = Callable[..., Story]
Make = Callable[[Machine, Server], Clock]
Setting = Callable[[SettableClock, timedelta], None]

TWO_HOURS = timedelta(hours=2)
FIRST, SECOND, THIRD = ("ana", 0), ("ben", 15), ("cleo", 30)


def machine(clock: SettableClock, by: timedelta) -> None:
    clock.machine.is_set(by)


def server(clock: SettableClock, by: timedelta) -> None:
    clock.server.is_set(by)
    clock.follow()


# What a clock step is felt as, on each kind of database: SQLite goes by the machine, PostgreSQL by the server.
felt = pytest.mark.parametrize(
    "story_url, make, sets",
    [("sqlite", alone, machine), ("postgresql", among_replicas, server)],
    indirect=["story_url"],
    ids=["sqlite", "postgresql"],
)


@felt
def test_set_back_the_steps_go_on_in_order_and_none_twice(tell: Tell, make: Make, sets: Setting) -> None:
    clock = SettableClock(START, make)
    story = tell(clock=clock)
    story.fires()
    story.advance(minutes=5)
    sets(clock, -TWO_HOURS)
    story.pump()
    story.advance(minutes=39)
    assert story.paged() == [FIRST, SECOND, THIRD]
    assert max(heard_keys(story).values()) == 1


@felt
def test_set_back_nobody_waits_for_hours(tell: Tell, make: Make, sets: Setting) -> None:
    clock = SettableClock(START, make)
    story = tell(clock=clock)
    story.fires()
    sets(clock, -TWO_HOURS)
    clock.machine.runs(timedelta(minutes=30))
    story.pump()
    assert story.paged() == [FIRST, SECOND], "fifteen minutes take thirty, not two hours and fifteen minutes"


@felt
def test_set_forward_the_step_that_is_due_runs_once_and_the_next_waits(
    tell: Tell, make: Make, sets: Setting
) -> None:
    clock = SettableClock(START, make)
    story = tell(clock=clock)
    story.fires()
    story.advance(minutes=5)
    sets(clock, TWO_HOURS)
    story.pump()
    assert story.paged() == [FIRST, ("ben", 125)], "one step, no burst"
    story.advance(minutes=14)
    assert len(story.paged()) == 2
    story.advance(minutes=2)
    assert story.paged() == [FIRST, ("ben", 125), ("cleo", 140)], "and none is skipped"


@felt
def test_set_forward_and_back_again_nothing_comes_twice(tell: Tell, make: Make, sets: Setting) -> None:
    clock = SettableClock(START, make)
    story = tell(clock=clock)
    story.fires()
    sets(clock, TWO_HOURS)
    story.pump()
    sets(clock, -TWO_HOURS)
    story.pump()
    story.says("ack", by="ben")
    story.advance(minutes=20)
    assert story.paged() == [FIRST, ("ben", 120)]
    assert story.incident().escalation == "acknowledged"


@pytest.mark.parametrize("story_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("by", [TWO_HOURS, -TWO_HOURS])
def test_a_replica_s_own_clock_does_not_matter(tell: Tell, by: timedelta) -> None:
    clock = SettableClock(START, among_replicas)
    story = tell(clock=clock)
    story.fires()
    machine(clock, by)
    story.advance(minutes=14)
    assert story.paged() == [FIRST]
    story.advance(minutes=16)
    assert story.paged() == [FIRST, SECOND, THIRD]


def heard_keys(story: Story) -> dict[str, int]:
    keys = [heard.message.key for heard in story.taken("page")]
    return {key: keys.count(key) for key in keys}
