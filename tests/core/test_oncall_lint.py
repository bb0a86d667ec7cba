"""What lint finds in the time ahead (R16): a table of one schedule each, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.oncall import (
    Absence,
    Add,
    Booking,
    Cover,
    Layer,
    Mode,
    Override,
    Rotation,
    Schedule,
    Slot,
    Turn,
    Unit,
    gaps,
    who,
)
from incident_bot.core.oncall.lint import Finding, Kind, Look, lint
from incident_bot.core.walltime import Window, to_instant

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ring(*people: str, unit: Unit = Unit.DAYS, anchor: str = "2026-01-05T09:00", **more: object) -> Rotation:
    """Slots of one person each; `-` is nobody's, `a+b` is of two."""
    slots = tuple(Slot(people=() if names == "-" else tuple(names.split("+"))) for names in people)
    rotation = Rotation(turn=Turn(unit=unit, anchor=local(anchor)), slots=slots)
    return replace(rotation, **more)  # type: ignore[arg-type]  # whatever the case sets


def layer(
    says: Rotation | tuple[Booking, ...],
    *windows: Window,
    name: str = "week",
    priority: int = 10,
    zone: ZoneInfo = BERLIN,
    mode: Mode = Mode.REPLACE,
    holidays: Iterable[date] = (),
) -> Layer:
    return Layer(
        name=name,
        priority=priority,
        zone=zone,
        says=says,
        mode=mode,
        windows=windows,
        holidays=frozenset(holidays),
    )


def schedule(
    *layers: Layer,
    name: str = "primary",
    overrides: Sequence[Override] = (),
    absences: Sequence[Absence] = (),
) -> Schedule:
    return Schedule(
        name=name, zone=BERLIN, layers=layers, overrides=tuple(overrides), absences=tuple(absences)
    )


def found(*schedules: Schedule, days: int = 60, start: datetime = NOON, **more: object) -> list[Finding]:
    look = Look(schedules=schedules, start=start, end=start + timedelta(days=days))
    return list(lint(replace(look, **more)))  # type: ignore[arg-type]  # whatever the case sets


def only(
    kind: Kind, *schedules: Schedule, days: int = 60, start: datetime = NOON, **more: object
) -> list[Finding]:
    return found(*schedules, days=days, start=start, kinds=frozenset({kind}), **more)


WEEKLY = layer(ring("alice", "bob", unit=Unit.WEEKS))


def test_a_schedule_in_order_has_no_findings() -> None:
    assert found(schedule(layer(ring("alice", "bob"), zone=UTC_ZONE)), zones={"alice": BERLIN}) == []


# gaps and holidays


def test_a_gap_is_found_with_its_span() -> None:
    one = schedule(layer(ring("alice"), Window.daily("09:00", "17:00"), zone=UTC_ZONE))
    (first, second) = only(Kind.GAPS, one, days=2)
    assert (first.start, first.end) == (at("2026-02-02T17:00"), at("2026-02-03T09:00"))
    assert (first.kind, first.schedule, first.person) == (Kind.GAPS, "primary", None)
    assert second.end == at("2026-02-04T09:00")


def test_what_is_written_empty_to_block_is_no_gap() -> None:
    cover = Cover(people=(), nobody=True, reason="closed", start=NOON, end=NOON + DAY)
    assert only(Kind.GAPS, schedule(WEEKLY, overrides=[cover])) == []


def test_a_holiday_with_a_gap_in_it() -> None:
    days = [date(2026, 2, 5), date(2026, 2, 8), date(2025, 1, 1), date(2099, 1, 1)]
    windows = Window.daily("09:00", "17:00", except_holidays=True), Window.daily("00:00", "24:00", "sun")
    low = layer(ring("bob"), Window.daily("17:00", "09:00", "mon-sat"), name="low", priority=1)
    one = schedule(layer(ring("alice"), *windows, holidays=days), replace(low, holidays=frozenset(days)))
    (finding,) = only(Kind.HOLIDAYS, one)
    # Thursday 09:00 to 17:00 in Berlin: the office is closed and nobody else is there.
    assert (finding.start, finding.end) == (at("2026-02-05T08:00"), at("2026-02-05T16:00"))
    assert finding.date == date(2026, 2, 5)


def test_without_gaps_holidays_are_fine() -> None:
    assert only(Kind.HOLIDAYS, schedule(replace(WEEKLY, holidays=frozenset({date(2026, 2, 5)})))) == []


# unreachable


def test_who_cannot_be_reached_is_found_where_on_call() -> None:
    unreachable = frozenset({"bob", "zoe"})
    findings = only(Kind.UNREACHABLE, schedule(WEEKLY), days=28, unreachable=unreachable)
    assert [(one.person, one.start) for one in findings] == [
        ("bob", at("2026-02-09T08:00")),
        ("bob", at("2026-02-23T08:00")),
    ]


# consecutive


@pytest.mark.parametrize(
    "rotation, absences, people",
    [
        (ring("alice", "bob", unit=Unit.WEEKS), [], []),
        (ring("alice", unit=Unit.WEEKS), [], []),
        (ring("alice", "alice", unit=Unit.WEEKS), [], []),  # one person, however often
        (ring("alice", "bob", "alice", unit=Unit.WEEKS), [], ["alice"]),
        (ring("alice", "bob", "alice+carol", unit=Unit.WEEKS), [], ["alice"]),
        (ring("alice", "bob", "-", unit=Unit.WEEKS), [], []),
        (ring("alice", "bob", unit=Unit.WEEKS, turns_per_slot=2), [], []),
        (ring("alice", "bob", "alice", unit=Unit.WEEKS, turns_per_slot=2), [], ["alice"]),
        # bob's week of 9 February goes to carol, whose own comes next
        (
            ring("alice", "bob", "carol", unit=Unit.WEEKS),
            [Absence(person="bob", start=at("2026-02-09T00:00"), end=at("2026-02-18T00:00"))],
            ["carol"],
        ),
    ],
)  # fmt: skip
def test_two_turns_in_a_row(rotation: Rotation, absences: list[Absence], people: list[str]) -> None:
    findings = only(Kind.CONSECUTIVE, schedule(layer(rotation), absences=absences), days=42)
    assert sorted({str(one.person) for one in findings}) == people
    assert all(one.layer == "week" for one in findings)


def test_a_second_turn_in_a_row_has_its_span() -> None:
    # Turns begin at 09:00 in Berlin; on 5 January alice's first, so hers on the 4th of February follows hers.
    (first, *_) = only(Kind.CONSECUTIVE, schedule(layer(ring("alice", "bob", "alice"))), days=5)
    assert (first.start, first.end) == (at("2026-02-04T08:00"), at("2026-02-05T08:00"))


def test_the_last_one_in_the_ring_cannot_help_it() -> None:
    slots = (
        Slot(people=("alice",)),
        Slot(people=("bob",), until=local("2026-02-16T09:00")),
    )
    rotation = Rotation(turn=Turn(unit=Unit.WEEKS, anchor=local("2026-01-05T09:00")), slots=slots)
    assert only(Kind.CONSECUTIVE, schedule(layer(rotation))) == []


def test_bookings_have_no_turns() -> None:
    booked = layer((Booking(people=("alice",), start=NOON, end=NOON + 60 * DAY),))
    assert found(schedule(booked), zones={}) == []


# leave


def test_an_override_puts_on_somebody_who_is_absent() -> None:
    absence = Absence(person="bob", start=at("2026-02-10T00:00"), end=at("2026-02-20T00:00"))
    overrides: list[Override] = [
        Add(people=("carol",), start=NOON, end=NOON + DAY),
        Cover(people=("carol", "bob"), start=at("2026-02-18T00:00"), end=at("2026-02-25T00:00")),
        Cover(people=("bob",), start=at("2026-01-10T00:00"), end=at("2026-01-12T00:00")),
        Cover(people=("bob", "zed"), start=at("2026-02-11T00:00"), end=at("2026-02-12T00:00")),
    ]
    one = schedule(layer(ring("alice", "bob", unit=Unit.WEEKS)), overrides=overrides, absences=[absence])
    (finding,) = only(Kind.LEAVE, one, inactive=frozenset({"zed"}))
    assert (finding.override, finding.person) == (1, "bob")
    assert (finding.start, finding.end) == (at("2026-02-18T00:00"), at("2026-02-20T00:00"))


def test_a_turn_falls_into_leave_and_nobody_stands_in() -> None:
    absences = [
        Absence(person="wes", start=at("2026-02-03T10:00"), end=at("2026-02-04T12:00")),
        Absence(person="wes", start=at("2026-01-01T00:00"), end=at("2026-01-02T00:00")),
        Absence(person="else", start=at("2026-02-03T10:00"), end=at("2026-02-04T12:00")),
    ]
    office = layer(ring("wes"), Window.daily("09:00", "17:00"), name="office", priority=20, zone=UTC_ZONE)
    findings = only(Kind.LEAVE, schedule(WEEKLY, office, absences=absences))
    assert [(one.start, one.end, one.layer, one.person) for one in findings] == [
        (at("2026-02-03T10:00"), at("2026-02-03T17:00"), "office", "wes"),
        (at("2026-02-04T09:00"), at("2026-02-04T12:00"), "office", "wes"),
    ]


def test_where_somebody_stands_in_leave_is_fine() -> None:
    absence = Absence(person="bob", start=at("2026-02-09T00:00"), end=at("2026-02-12T00:00"))
    assert only(Kind.LEAVE, schedule(WEEKLY, absences=[absence])) == []


def test_leave_of_both_leaves_nobody_in_the_middle() -> None:
    absences = [
        Absence(person="alice", start=at("2026-02-09T00:00"), end=at("2026-02-20T00:00")),
        Absence(person="bob", start=at("2026-02-10T00:00"), end=at("2026-02-12T00:00")),
    ]
    (finding,) = only(Kind.LEAVE, schedule(WEEKLY, absences=absences))
    assert (finding.start, finding.end, finding.person) == (
        at("2026-02-10T00:00"), at("2026-02-12T00:00"), "bob",
    )  # fmt: skip


# nights


@pytest.mark.parametrize(
    "unit, most, runs",
    [
        # Weekly turns have seven nights.
        (Unit.WEEKS, 7, []),
        (Unit.WEEKS, 6, [("alice", 7), ("alice", 7), ("bob", 7), ("bob", 7)]),
        (Unit.DAYS, 1, []),
    ],
)
def test_nights_in_a_row(unit: Unit, most: int, runs: list[tuple[str, int]]) -> None:
    zones = {"alice": BERLIN, "bob": BERLIN}
    one = schedule(layer(ring("alice", "bob", unit=unit)))
    start = at("2026-02-02T08:00")
    findings = only(Kind.NIGHTS, one, start=start, days=28, zones=zones, nights_most=most)
    assert [(one.person, one.nights) for one in findings] == runs


def test_a_night_counts_where_half_of_it_is_on_call() -> None:
    zones = {"alice": UTC_ZONE, "bob": UTC_ZONE}
    even = schedule(layer(ring("alice", "bob", "carol", anchor="2026-01-05T02:00"), zone=UTC_ZONE))
    later = schedule(layer(ring("alice", "bob", "carol", anchor="2026-01-05T02:01"), zone=UTC_ZONE))
    # A turn from 02:00 to 02:00 has half of two nights, one minute later it has less than half of the second.
    by_start = [only(Kind.NIGHTS, one, days=10, zones=zones, nights_most=1) for one in (even, later)]
    assert [max((one.nights for one in findings), default=0) for findings in by_start] == [2, 0]


def test_nights_of_two_schedules_are_one_row() -> None:
    booked = [
        layer((Booking(people=("alice",), start=NOON + n * 4 * DAY, end=NOON + (n + 1) * 4 * DAY),))
        for n in range(2)
    ]
    schedules = [schedule(one, name=f"s{n}") for n, one in enumerate(booked)]
    (finding,) = only(Kind.NIGHTS, *schedules, zones={"alice": UTC_ZONE})
    assert (finding.nights, finding.schedule) == (8, "s1")
    assert (finding.start, finding.end) == (at("2026-02-02T22:00"), at("2026-02-10T06:00"))


def test_a_row_of_nights_may_reach_the_end_of_the_look() -> None:
    (finding,) = only(Kind.NIGHTS, schedule(layer(ring("alice"))), days=20, zones={"alice": UTC_ZONE})
    assert finding.nights == 20


# overlaps


def test_on_call_for_two_schedules_at_once() -> None:
    other = schedule(layer(ring("carol", "alice", unit=Unit.WEEKS)), name="other")
    third = schedule(layer(ring("alice", "dan", unit=Unit.WEEKS)), name="third")
    assert only(Kind.OVERLAPS, schedule(WEEKLY), other, days=28) == []
    findings = only(Kind.OVERLAPS, schedule(WEEKLY), other, third, days=13)
    assert [(one.person, one.schedule, one.other) for one in findings] == [("alice", "third", "primary")]
    assert (findings[0].start, findings[0].end) == (NOON, at("2026-02-09T08:00"))


def test_the_first_schedule_with_the_same_person_is_named() -> None:
    short = schedule(layer((Booking(people=("alice",), start=NOON, end=NOON + HOUR),)), name="short")
    long = schedule(layer((Booking(people=("alice",), start=NOON + DAY, end=NOON + 3 * DAY),)), name="long")
    last = schedule(
        layer((Booking(people=("alice",), start=NOON + 2 * DAY, end=NOON + 4 * DAY),)), name="last"
    )
    (finding,) = only(Kind.OVERLAPS, short, long, last)
    assert (finding.other, finding.start, finding.end) == ("long", NOON + 2 * DAY, NOON + 3 * DAY)


AUTUMN = at("2026-10-20T00:00")
SPRING = at("2026-03-20T00:00")


def test_both_windows_speak_as_an_hour_comes_twice() -> None:
    night = layer(ring("alice"), Window.daily("20:00", "02:30"), name="night", priority=1)
    day = layer(ring("bob"), Window.daily("02:30", "20:00"), name="day", priority=2)
    (finding,) = only(Kind.OVERLAPS, schedule(night, day), start=AUTUMN, days=10)
    assert (finding.layer, finding.other, finding.window, finding.clock) == ("night", "day", 0, time(2, 30))
    # 02:30 is at 00:30 and at 01:30 UTC: the night ends at the second, the day begins at the first (R4).
    assert (finding.start, finding.end) == (at("2026-10-25T00:30"), at("2026-10-25T01:30"))
    assert only(Kind.OVERLAPS, schedule(night, day), start=SPRING, days=20) == []
    apart = schedule(night, replace(day, windows=(Window.daily("02:45", "20:00"),)))
    assert only(Kind.OVERLAPS, apart, start=AUTUMN, days=10) == []


# clock changes


@pytest.mark.parametrize(
    "unit, anchor, start, expected",
    [
        # 29 March 2026: 02:00 to 03:00 is missing in Berlin, at 01:00 UTC; 25 October: it comes twice.
        (Unit.DAYS, "2026-01-05T02:30", SPRING, [("2026-03-29T01:00", "02:30", False)]),
        (Unit.DAYS, "2026-01-05T03:00", SPRING, []),
        (Unit.DAYS, "2026-01-05T01:59", SPRING, []),
        (Unit.DAYS, "2026-01-05T02:00", AUTUMN, [("2026-10-25T00:00", "02:00", True)]),
        (Unit.DAYS, "2026-01-05T03:00", AUTUMN, []),
        (Unit.WEEKS, "2026-01-04T02:15", SPRING, [("2026-03-29T01:00", "02:15", False)]),
        (Unit.WEEKS, "2026-01-05T02:15", SPRING, []),
        (Unit.MONTHS, "2026-01-29T02:15", SPRING, [("2026-03-29T01:00", "02:15", False)]),
        (Unit.HOURS, "2026-01-05T00:00", SPRING, [("2026-03-29T01:00", "02:00", False)]),
        (Unit.ELAPSED_HOURS, "2026-01-05T02:30", SPRING, []),
    ],
)  # fmt: skip
def test_a_hand_off_within_a_clock_change(
    unit: Unit, anchor: str, start: datetime, expected: list[tuple[str, str, bool]]
) -> None:
    one = schedule(layer(ring("alice", "bob", unit=unit, anchor=anchor)))
    findings = only(Kind.CLOCK_CHANGES, one, start=start, days=15)
    assert [(one.start, one.clock, one.twice) for one in findings] == [
        (at(instant), time.fromisoformat(clock), twice) for instant, clock, twice in expected
    ]


def test_who_hands_over_to_themselves_has_no_hand_off() -> None:
    one = schedule(layer(ring("alice", anchor="2026-01-05T02:30")))
    assert only(Kind.CLOCK_CHANGES, one, start=SPRING) == []
    assert only(Kind.CLOCK_WEEKS, one, start=SPRING) == []


def test_a_turn_counted_in_turns_of_two_hours() -> None:
    turn = Turn(unit=Unit.HOURS, every=2, anchor=local("2026-01-05T01:00"))
    rotation = Rotation(turn=turn, slots=(Slot(people=("alice",)), Slot(people=("bob",))))
    # Turns begin at odd hours: at three o'clock as written, not moved.
    assert only(Kind.CLOCK_CHANGES, schedule(layer(rotation)), start=SPRING, days=15) == []


@pytest.mark.parametrize(
    "window, start, expected",
    [
        (Window.daily("02:30", "09:00"), SPRING, [("2026-03-29T01:00", False)]),
        (Window.daily("22:00", "02:30"), SPRING, [("2026-03-29T01:00", False)]),
        (Window.daily("02:30", "09:00"), AUTUMN, [("2026-10-25T00:30", True)]),
        (Window.daily("22:00", "02:30"), AUTUMN, [("2026-10-25T01:30", True)]),
        (Window.daily("02:30", "09:00", "mon-fri"), SPRING, []),
        (Window.weekly("fri 18:00", "sun 02:30"), AUTUMN, [("2026-10-25T01:30", True)]),
        (Window.daily("09:00", "17:00"), SPRING, []),
    ],
)
def test_a_window_within_a_clock_change(
    window: Window, start: datetime, expected: list[tuple[str, bool]]
) -> None:
    one = schedule(layer(ring("alice"), window))
    findings = only(Kind.CLOCK_CHANGES, one, start=start, days=15)
    assert [(one.start, one.twice, one.window) for one in findings] == [
        (at(instant), twice, 0) for instant, twice in expected
    ]


@pytest.mark.parametrize(
    "one, start, expected",
    [
        (layer(ring("alice", "bob", unit=Unit.WEEKS)), SPRING, [("2026-03-23T08:00", -1)]),
        (layer(ring("alice", "bob", unit=Unit.WEEKS)), AUTUMN, [("2026-10-19T07:00", 1)]),
        (layer(ring("alice", "bob", unit=Unit.WEEKS), zone=UTC_ZONE), SPRING, []),
        (layer(ring("alice", "bob", unit=Unit.WEEKS), Window.daily("09:00", "17:00")), SPRING, []),
        (layer(ring("alice", "bob"), Window.daily("22:00", "08:00")), SPRING, [("2026-03-28T08:00", -1)]),
        (layer(ring("alice", "bob", unit=Unit.ELAPSED_HOURS)), SPRING, []),
        (layer(ring("alice", "bob", anchor="2030-01-01T00:00")), SPRING, []),
    ],
)  # fmt: skip
def test_a_turn_is_longer_or_shorter_as_the_clock_changes(
    one: Layer, start: datetime, expected: list[tuple[str, int]]
) -> None:
    findings = only(Kind.CLOCK_WEEKS, schedule(one), start=start, days=15)
    assert [(one.start, one.by) for one in findings] == [(at(instant), by * HOUR) for instant, by in expected]


def test_a_turn_with_two_changes_is_as_long_as_the_others() -> None:
    rotation = ring("alice", "bob", unit=Unit.MONTHS, anchor="2026-01-05T09:00")
    yearly = replace(rotation, turn=replace(rotation.turn, every=12))
    assert only(Kind.CLOCK_WEEKS, schedule(layer(yearly)), days=300) == []
    # One that ends in another winter than it began in is longer once, though the clock changes in it three times.
    longer = replace(rotation, turn=replace(rotation.turn, every=18))
    assert len(only(Kind.CLOCK_WEEKS, schedule(layer(longer)), days=500)) == 1


# what holds for all


PEOPLE = st.sampled_from(["alice", "bob", "carol", "-"])
WINDOWS = st.sampled_from(
    [(), (Window.daily("09:00", "17:00"),), (Window.daily("22:00", "06:00", "fri-mon"),)]
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    says = ring(*draw(st.lists(PEOPLE, min_size=1, max_size=4)), unit=draw(st.sampled_from(list(Unit)[:2])))
    away = draw(st.lists(st.tuples(PEOPLE, st.integers(-3, 30), st.integers(1, 10)), max_size=3))
    absences = [
        Absence(person=person, start=NOON + start * DAY, end=NOON + (start + days) * DAY)
        for person, start, days in away
    ]
    return schedule(layer(says, *draw(WINDOWS)), absences=absences)


@settings(deadline=None)
@given(schedules())
def test_findings_lie_in_the_span_and_gaps_are_those_of_the_rules(one: Schedule) -> None:
    end = NOON + 30 * DAY
    findings = found(one, days=30, zones={"alice": BERLIN, "bob": UTC_ZONE}, nights_most=3)
    for finding in findings:
        assert finding.start <= finding.end
        if finding.kind not in (Kind.NIGHTS, Kind.CLOCK_WEEKS):
            assert NOON <= finding.start <= finding.end <= end
    told = [(gap.start, gap.end) for gap in gaps(one, (), NOON, end) if not gap.deliberate]
    assert [(gap.start, gap.end) for gap in findings if gap.kind is Kind.GAPS] == told


@settings(deadline=None)
@given(schedules())
def test_where_a_turn_has_nobody_to_stand_in_its_layer_is_silent(one: Schedule) -> None:
    for finding in only(Kind.LEAVE, one, days=30):
        middle = finding.start + (finding.end - finding.start) / 2
        assert who(one, (), middle) == ()
        without = replace(one, absences=())
        assert finding.person in {answer.person for answer in who(without, (), middle)}


@settings(deadline=None)
@given(schedules())
def test_what_is_not_asked_for_is_not_found(one: Schedule) -> None:
    every = found(one, days=30, zones={"alice": BERLIN}, nights_most=2)
    for kind in Kind:
        asked = only(kind, one, days=30, zones={"alice": BERLIN}, nights_most=2)
        assert asked == [finding for finding in every if finding.kind is kind]


HOT = (
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Havana",
    "Pacific/Apia",
    "Asia/Beirut",
)
STEPS = {Unit.DAYS: DAY, Unit.WEEKS: 7 * DAY, Unit.HOURS: HOUR}


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(HOT),
    st.sampled_from(list(STEPS)),
    st.sampled_from([1, 2, 3]),
    st.integers(0, 7 * 24 * 4 - 1),
    st.integers(2008, 2025),
)
def test_hand_offs_in_a_clock_change_are_those_that_the_calendar_shows(
    name: str, unit: Unit, every: int, quarter: int, year: int
) -> None:
    zone = ZoneInfo(name)
    anchor = local("2007-01-01T00:00") + quarter * timedelta(minutes=15)
    turn = Turn(unit=unit, every=every, anchor=anchor)
    one = layer(Rotation(turn=turn, slots=(Slot(people=("alice",)), Slot(people=("bob",)))), zone=zone)
    start = datetime(year, 1, 1, tzinfo=UTC)
    expected: set[tuple[datetime, bool]] = set()
    step = every * STEPS[unit]
    number = (start.replace(tzinfo=None) - anchor) // step - 1
    while (wanted := anchor + number * step) < start.replace(tzinfo=None) + 366 * DAY:
        number += 1
        first, second = (wanted.replace(tzinfo=zone, fold=fold).utcoffset() or DAY for fold in (0, 1))
        if first != second:
            instant = to_instant(wanted, zone)
            if start < instant < start + 365 * DAY:
                expected.add((instant, first > second))
    found_there = only(Kind.CLOCK_CHANGES, schedule(one), start=start, days=365)
    assert {(edge.start, edge.twice) for edge in found_there} == expected
