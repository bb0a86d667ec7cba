"""Random schedules: a naive solver agrees, and the four questions agree with each other (R1, R4 to R13)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.oncall import Cover, Empty, Layer, Schedule, Turn, Unit, gaps, shifts, stretch, who
from incident_bot.core.walltime import Window

SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


QUARTER = timedelta(minutes=15)
# Half-hour and two-hour changes, changes at midnight; every one of them on a quarter of an hour.
ZONES = (
    "UTC",
    "Africa/Cairo",
    "America/New_York",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Europe/Berlin",
)
# The days around which their clocks change in 2026.
CHANGES = tuple(
    utc(f"2026-{day}T00:00Z") for day in ("03-08", "03-29", "04-05", "04-24", "10-04", "10-25", "11-01")
)
STEPS = 6 * 24 * 4


@cache
def local_clock(zone: ZoneInfo, instant: datetime) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def quarters_around(local: datetime) -> Iterator[datetime]:
    start = local.replace(tzinfo=UTC) - timedelta(hours=16)
    return (start + step * QUARTER for step in range(32 * 4))


@cache
def naive_start(zone: ZoneInfo, local: datetime) -> datetime:
    return next(at for at in quarters_around(local) if local_clock(zone, at) >= local)


@cache
def naive_end(zone: ZoneInfo, local: datetime) -> datetime:
    return max(at for at in quarters_around(local) if local_clock(zone, at) < local) + QUARTER


def naive_open(of: Layer, holidays: frozenset[date], instant: datetime) -> bool:
    for window in of.windows:
        for back in range(-1, 9):
            midnight = local_clock(of.zone, instant).replace(hour=0, minute=0) - timedelta(days=back)
            day = midnight.date()
            allowed = not (window.except_holidays and day in holidays)
            allowed = allowed and not (window.only_holidays and day not in holidays)
            if day.weekday() in window.days and allowed:
                opened = naive_start(of.zone, midnight + window.opens)
                if opened <= instant < naive_end(of.zone, midnight + window.closes):
                    return True
    return not of.windows


def naive_who(of: Schedule, covers: tuple[Cover, ...], instant: datetime) -> tuple[str, ...]:
    for made in reversed(covers):
        if made.start <= instant < made.end:
            return made.people
    for one in sorted(of.layers, key=lambda one: -one.priority):
        number = -1
        while naive_start(one.zone, one.turn.anchor + (number + 1) * one.turn.length) <= instant:
            number += 1
        if number < 0 or not naive_open(one, of.holidays, instant):
            continue
        slot = one.people[number % len(one.people)]
        if slot or one.empty is Empty.BLOCK:
            return slot
    return ()


def clocks(most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(0, most).map(lambda quarters: quarters * QUARTER)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    opens = draw(clocks(95))
    holidays = draw(st.sampled_from([{}, {"except_holidays": True}, {"only_holidays": True}]))
    length = draw(st.one_of(clocks(95), clocks(7 * 96 - 2))) + QUARTER
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return Window(days=days, opens=opens, closes=opens + length, **holidays)


@st.composite
def layers(draw: st.DrawFn, start: datetime, priority: int) -> Layer:
    # Half of the anchors lie within the days looked at, so that the time before them is seen too.
    back = draw(st.integers(-4 * 96, 20 * 96))
    slots = st.lists(st.sampled_from("abcd"), max_size=2, unique=True).map(tuple)
    turn = Turn(
        unit=draw(st.sampled_from(Unit)),
        every=draw(st.integers(1, 2)),
        anchor=(start - back * QUARTER).replace(tzinfo=None),
    )
    return Layer(
        name=f"l{priority}",
        priority=priority,
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        turn=turn,
        people=tuple(draw(st.lists(slots, min_size=1, max_size=4))),
        empty=draw(st.sampled_from(Empty)),
        windows=tuple(draw(st.lists(windows(), max_size=2))),
    )


@st.composite
def covers_near(draw: st.DrawFn, start: datetime) -> Cover:
    begin = start + draw(st.integers(-96, STEPS)) * QUARTER
    people = draw(st.lists(st.sampled_from("xyz"), max_size=2, unique=True).map(tuple))
    end = begin + draw(st.integers(1, 3 * 96)) * QUARTER
    return Cover(people=people, start=begin, end=end, reason="r", nobody=not people)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Schedule, tuple[Cover, ...], datetime]:
    start = draw(st.sampled_from(CHANGES)) - timedelta(days=3)
    priorities = draw(st.lists(st.integers(1, 9), max_size=3, unique=True))
    of = Schedule(
        name="p",
        zone=ZoneInfo("UTC"),
        layers=tuple(draw(layers(start, priority)) for priority in priorities),
        holidays=frozenset({start.date(), start.date() + timedelta(days=2)}),
    )
    return of, tuple(draw(st.lists(covers_near(start), max_size=3))), start


@given(questions())
@settings(deadline=None, max_examples=60)
def test_a_naive_solver_agrees_at_every_quarter_of_an_hour(
    question: tuple[Schedule, tuple[Cover, ...], datetime],
) -> None:
    of, covers, start = question
    grid = [start + step * QUARTER for step in range(STEPS)]
    answered: dict[datetime, tuple[str, ...]] = dict.fromkeys(grid, ()) | {
        at: shift.people
        for shift in shifts(of, covers, start, start + STEPS * QUARTER)
        for at in grid
        if shift.start <= at < shift.end
    }
    assert answered == {at: naive_who(of, covers, at) for at in grid}


@given(questions(), st.integers(0, 6 * 24 * 3600 - 1))
@settings(deadline=None, max_examples=60)
def test_shifts_and_gaps_tile_the_span_and_agree_with_who(
    question: tuple[Schedule, tuple[Cover, ...], datetime], second: int
) -> None:
    of, covers, start = question
    end = start + STEPS * QUARTER
    tiles = [(shift.start, shift.end, shift.people) for shift in shifts(of, covers, start, end)]
    tiles = sorted([*tiles, *((gap.start, gap.end, ()) for gap in gaps(of, covers, start, end))])
    assert (tiles[0][0], tiles[-1][1]) == (start, end)
    for before, after in pairwise(tiles):
        assert before[1] == after[0]
        assert before[2] != after[2] or not before[2]
    for begin, finish, people in tiles:
        inside = begin + timedelta(seconds=second) % (finish - begin)
        for instant in (begin, begin + SECOND, inside, finish - SECOND, finish - timedelta.resolution):
            answers = who(of, covers, instant)
            assert tuple(answer.person for answer in answers) == people
            for answer in answers:
                since, until = stretch(of, covers, instant, answer.person)
                assert since is None or since <= instant
                assert until is None or until > instant


@given(
    st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
    st.datetimes(datetime.fromisoformat("1972-01-01"), datetime.fromisoformat("2080-01-01")),
    st.sampled_from(Unit),
    st.integers(1, 60),
)
@settings(deadline=None, max_examples=60)
def test_boundaries_never_decrease_and_somebody_always_holds_the_turn(
    zone: ZoneInfo, anchor: datetime, unit: Unit, every: int
) -> None:
    turn = Turn(unit=unit, every=every, anchor=anchor.replace(second=0, microsecond=0))
    boundaries = [turn.boundary(number, zone) for number in range(60)]
    assert all(before <= after for before, after in pairwise(boundaries))
    for number, (begin, finish) in enumerate(pairwise(boundaries)):
        if begin < finish:
            assert turn.at(begin, zone) == turn.at(finish - SECOND, zone) == number
    one = Layer(name="l", priority=1, zone=zone, turn=turn, people=(("a",), ("b",), ("c",)))
    of = Schedule(name="p", zone=zone, layers=(one,))
    begin, end = boundaries[0] - timedelta(days=1), boundaries[-1]
    assert [gap.end for gap in gaps(of, (), begin, end)] == [boundaries[0]]
    assert all(len(shift.people) == 1 for shift in shifts(of, (), begin, end))
