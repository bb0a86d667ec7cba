"""Clocks: aware, in UTC, never backwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.clock import CREEP, MEMORY, Clock, ManualClock, ServerClock, ShiftedClock, SystemClock
from tests.fakes.machine import Machine, Server, SettableClock, alone, among_replicas

START = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("clock", [SystemClock(), ShiftedClock(HOUR), ManualClock(START)])
def test_every_clock_is_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now() <= clock.now()


def test_the_system_clock_goes_on_while_the_machine_is_set_back() -> None:
    clock = SystemClock()
    with time_machine.travel(START, tick=False) as traveller:
        assert clock.now() == START
        traveller.move_to(START - 2 * HOUR)
        assert START <= clock.now() < START + HOUR
        traveller.move_to(START + HOUR)
        assert clock.now() == START + HOUR


# Each row: what happens to the machine, and what the clock shows after it, in minutes since the start.
Happening = tuple[str, float, float]
STEPS: dict[str, list[Happening]] = {
    "left alone": [("runs", 1, 1), ("runs", 90, 91)],
    "set forward: followed at once": [("runs", 1, 1), ("set", 120, 121), ("runs", 5, 126)],
    "set back: half speed until it has caught up": [
        ("set", -120, 0), ("runs", 10, 5), ("runs", 220, 115), ("runs", 10, 120), ("runs", 10, 130),
    ],
    "set back by less than what passed": [("runs", 10, 10), ("set", -1, 10), ("runs", 1, 10.5), ("runs", 1, 11)],
    "set forward by mistake, and back": [
        ("set", 120, 120), ("runs", 1, 121), ("set", -120, 121), ("runs", 60, 151), ("runs", 180, 241),
        ("runs", 1, 242),
    ],
    "set back twice": [("set", -60, 0), ("set", -60, 0), ("runs", 2, 1), ("runs", 238, 120), ("runs", 1, 121)],
}  # fmt: skip


@pytest.mark.parametrize("happenings", STEPS.values(), ids=STEPS)
def test_the_system_clock_follows_the_machine(happenings: list[Happening]) -> None:
    machine = Machine(START)
    clock = SystemClock(wall=machine.wall, elapsed=machine.elapsed)
    assert clock.now() == START
    for what, minutes, shown in happenings:
        (machine.runs if what == "runs" else machine.is_set)(timedelta(minutes=minutes))
        assert clock.now() == START + timedelta(minutes=shown), (what, minutes)


def test_the_system_clock_tells_that_the_machine_was_set_back() -> None:
    machine = Machine(START)
    clock = SystemClock(wall=machine.wall, elapsed=machine.elapsed)
    assert clock.offset() == timedelta(0)
    machine.is_set(HOUR)
    assert clock.offset() == timedelta(0), "there is nobody who knows better"
    machine.is_set(-HOUR)
    assert clock.offset() == -HOUR
    machine.runs(HOUR)
    assert clock.offset() == -HOUR / 2
    machine.runs(HOUR)
    assert clock.offset() == timedelta(0)


@pytest.mark.parametrize(
    "ahead, starts, after_an_hour",
    [(-HOUR, 0 * HOUR, HOUR), (2 * HOUR, 2 * HOUR, 2.5 * HOUR), (MEMORY, MEMORY, MEMORY + HOUR / 2),
     (MEMORY + HOUR, 0 * HOUR, HOUR)],
)  # fmt: skip
def test_a_new_process_goes_on_where_the_last_one_had_come(
    ahead: timedelta, starts: timedelta, after_an_hour: timedelta
) -> None:
    machine = Machine(START)
    server = Server(machine)
    clocks: list[Clock] = [
        SystemClock(latest=START + ahead, wall=machine.wall, elapsed=machine.elapsed),
        ServerClock(server.ask, latest=START + ahead, wall=machine.wall, elapsed=machine.elapsed),
    ]
    assert [clock.now() for clock in clocks] == [START + starts] * 2
    machine.runs(HOUR)
    assert [clock.now() for clock in clocks] == [START + after_an_hour] * 2


def replica(ahead: timedelta = timedelta(0)) -> tuple[Machine, Server, ServerClock]:
    """A machine, a server whose clock is ahead of it, and the clock of a replica that follows the server's."""
    machine = Machine(START)
    server = Server(machine, ahead=ahead)
    return machine, server, ServerClock(server.ask, wall=machine.wall, elapsed=machine.elapsed)


@pytest.mark.parametrize("ahead", [timedelta(0), 2 * HOUR, -2 * HOUR])
def test_a_replica_shows_its_server_s_time_from_the_beginning(ahead: timedelta) -> None:
    machine, server, clock = replica(ahead)
    assert clock.now() == server.now() == START + ahead
    assert clock.offset() == -ahead
    machine.runs(HOUR)
    assert clock.now() == server.now()


@pytest.mark.parametrize("by", [2 * HOUR, -2 * HOUR])
def test_a_replica_does_not_care_what_is_done_to_its_machine(by: timedelta) -> None:
    machine, server, clock = replica(HOUR)
    machine.is_set(by)
    assert clock.now() == server.now()
    assert clock.offset() == by - HOUR
    clock.follow(server.ask)
    machine.runs(HOUR)
    assert clock.now() == server.now()


def test_a_replica_follows_its_server_forward_at_once_and_back_slowly() -> None:
    machine, server, clock = replica()
    server.is_set(2 * HOUR)
    assert clock.now() == START, "it has not asked yet"
    assert clock.follow(server.ask) == 2 * HOUR
    assert clock.now() == START + 2 * HOUR
    server.is_set(-2 * HOUR)
    assert clock.follow(server.ask) == -2 * HOUR
    assert clock.now() == START + 2 * HOUR
    machine.runs(HOUR)
    assert clock.now() == START + 2.5 * HOUR
    machine.runs(4 * HOUR)
    assert clock.now() == server.now()


MS = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
# How long each of the questions takes there and back; how far the server was set; by how much the clock is corrected.
ANSWERS: dict[str, tuple[list[tuple[timedelta, timedelta]], timedelta, timedelta]] = {
    "at once": ([], SECOND, SECOND),
    "quick, in the middle": ([(10 * MS, 10 * MS)] * 3, SECOND, SECOND),
    "quick, but lopsided: off by half of the difference": ([(20 * MS, 10 * MS)] * 3, SECOND, SECOND + 5 * MS),
    "the quickest of three counts": ([(SECOND, MS), (MS, MS), (MS, SECOND)], SECOND, SECOND),
    "slow: one second cannot be told": ([(2 * SECOND, SECOND)] * 3, SECOND, timedelta(0)),
    "slow: two hours can": ([(SECOND, SECOND)] * 3, 2 * HOUR, 2 * HOUR - SECOND),
    "slow: two hours back can": ([(SECOND, SECOND)] * 3, -2 * HOUR, -2 * HOUR + SECOND),
    "slow, and right all along": ([(SECOND, timedelta(0))] * 3, timedelta(0), timedelta(0)),
}


@pytest.mark.parametrize("trips, by, corrected", ANSWERS.values(), ids=ANSWERS)
def test_a_slow_answer_moves_the_clock_only_as_far_as_it_proves(
    trips: list[tuple[timedelta, timedelta]], by: timedelta, corrected: timedelta
) -> None:
    _, server, clock = replica()
    server.is_set(by)
    server.takes(*trips)
    assert clock.follow(server.ask) == corrected


def test_a_server_that_does_not_answer_leaves_the_clock_as_it_was() -> None:
    machine, server, clock = replica(HOUR)

    def is_away() -> datetime:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        clock.follow(is_away)
    machine.runs(HOUR)
    assert clock.now() == server.now()


LENGTHS = st.integers(0, 10**10).map(lambda number: timedelta(microseconds=number))
SETS = st.integers(-2 * 3600, 2 * 3600).map(lambda number: timedelta(seconds=number))
LIFE = st.lists(st.tuples(st.sampled_from(["runs", "machine", "server", "asks"]), LENGTHS, SETS), max_size=40)


@pytest.mark.parametrize("make", [alone, among_replicas])
@given(life=LIFE)
def test_whatever_is_set_time_never_runs_back_and_never_stands_still(
    make: Callable[[Machine, Server], Clock], life: list[tuple[str, timedelta, timedelta]]
) -> None:
    story = SettableClock(START, make)
    before = story.now()
    for what, length, by in life:
        passed = timedelta(0)
        match what:
            case "runs":
                story.machine.runs(passed := length)
            case "machine":
                story.machine.is_set(by)
            case "server":
                story.server.is_set(by)
            case _:
                story.follow()
        shown = story.now()
        assert shown - before >= passed * CREEP - MS, "half speed at least"
        before = shown


@given(life=LIFE)
def test_replicas_that_have_just_asked_and_caught_up_agree(
    life: list[tuple[str, timedelta, timedelta]],
) -> None:
    machines = [Machine(START), Machine(START + HOUR)]
    server = Server(machines[0])
    others = Server(machines[1], ahead=-HOUR)
    clocks = [
        ServerClock(one.ask, wall=machine.wall, elapsed=machine.elapsed)
        for one, machine in zip((server, others), machines, strict=True)
    ]
    for what, length, by in life:
        for machine, one, clock in zip(machines, (server, others), clocks, strict=True):
            if what == "runs":
                machine.runs(length)
            elif what == "server":
                one.is_set(by)
            elif what == "asks":
                clock.follow(one.ask)
        if what == "machine":
            machines[1].is_set(by)
    for machine, one, clock in zip(machines, (server, others), clocks, strict=True):
        clock.follow(one.ask)
        machine.runs(200 * 24 * HOUR)
    assert clocks[0].now() == clocks[1].now() == server.now()


def test_a_shifted_clock_follows_and_skips_ahead() -> None:
    base = ManualClock(START)
    clock = ShiftedClock(HOUR, base=base)
    assert clock.now() == START + HOUR
    clock.advance(HOUR)
    assert (clock.now(), clock.offset) == (START + 2 * HOUR, 2 * HOUR)
    base.advance(HOUR)
    assert clock.now() == START + 3 * HOUR


def test_a_shifted_clock_stands_still_when_its_offset_shrinks() -> None:
    base = ManualClock(START)
    clock = ShiftedClock(HOUR, base=base)
    clock.now()
    clock.shift(timedelta(0))
    assert clock.now() == START + HOUR
    base.advance(2 * HOUR)
    assert clock.now() == START + 2 * HOUR


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(START.astimezone(timezone(5 * HOUR)))
    assert clock.now() == START
    assert clock.advance(HOUR) == clock.now() == START + HOUR
    assert clock.set(START + 2 * HOUR) == START + 2 * HOUR


def test_a_manual_clock_refuses_to_go_back() -> None:
    clock = ManualClock(START)
    with pytest.raises(ValueError, match="never runs backwards"):
        clock.set(START - HOUR)
    with pytest.raises(ValueError, match="never runs backwards"):
        clock.advance(-HOUR)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        ManualClock(START.replace(tzinfo=None))
