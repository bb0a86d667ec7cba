"""Random schedules: a naive solver agrees, and the four questions agree with each other (R1, R4 to R13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.oncall import (
    Layer,
    Rotation,
    Schedule,
    Slot,
    Turn,
    Unit,
    gaps,
    shifts,
    stretch,
    who,
)
from incident_bot.core.oncall.turns import Steps
from incident_bot.core.walltime import Window, to_instant, window_spans
from tests.core.naive_oncall import NaiveSchedule
from tests.core.oncall_documents import RandomSchedule, schedules
from tests.core.oncall_reading import overrides_of, schedule_of
from tests.core.test_naive_oncall import CASES

SECOND = timedelta(seconds=1)
EVERY_ZONE = sorted(available_timezones())


def people(schedule: Schedule, overrides: Any, instant: datetime, inactive: frozenset[str]) -> list[str]:
    return [answer.person for answer in who(schedule, overrides, instant, inactive=inactive)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']}: {case['name']}")
def test_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    inactive = frozenset(case.get("inactive", ()))
    schedule = schedule_of(case["schedule"], case.get("holidays", {}), inactive)
    overrides = overrides_of(case.get("runtime", ()), case["schedule"]["time_zone"])
    for text, expected in case["at"].items():
        instant = datetime.fromisoformat(text)
        assert people(schedule, overrides, instant, inactive) == expected, text
        answering = shifts(schedule, overrides, instant, instant + SECOND, inactive=inactive)
        assert set(answering[0].people if answering and answering[0].start == instant else ()) == set(
            expected
        )


@given(schedules(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_a_naive_solver_agrees_one_second_around_every_change(drawn: RandomSchedule, random: Any) -> None:
    naive = NaiveSchedule(
        drawn.document, holidays=drawn.holidays, inactive=drawn.inactive, runtime=drawn.runtime
    )
    schedule = schedule_of(drawn.document, drawn.holidays, drawn.inactive)
    overrides = overrides_of(drawn.runtime, drawn.document["time_zone"])
    inactive = frozenset(drawn.inactive)
    points = naive.change_points(drawn.start, drawn.end)
    found = shifts(schedule, overrides, drawn.start, drawn.end, inactive=inactive)
    for point in random.sample(points, min(len(points), 12)):
        for instant in (point - SECOND, point, point + SECOND):
            expected = naive.who(instant)
            assert people(schedule, overrides, instant, inactive) == expected, instant
            if drawn.start <= instant < drawn.end:
                at = [set(shift.people) for shift in found if shift.start <= instant < shift.end]
                assert at == ([set(expected)] if expected else []), instant


@given(schedules(), st.integers(0, 40 * 24 * 3600))
@settings(deadline=None, max_examples=40)
def test_shifts_and_gaps_tile_the_span_and_agree_with_who(drawn: RandomSchedule, second: int) -> None:
    schedule = schedule_of(drawn.document, drawn.holidays, drawn.inactive)
    overrides = overrides_of(drawn.runtime, drawn.document["time_zone"])
    inactive = frozenset(drawn.inactive)
    start, end = drawn.start, min(drawn.end, drawn.start + timedelta(days=60))
    manned = shifts(schedule, overrides, start, end, inactive=inactive)
    empty = gaps(schedule, overrides, start, end, inactive=inactive)
    tiles = sorted(
        [(shift.start, shift.end, frozenset(shift.people)) for shift in manned]
        + [(gap.start, gap.end, frozenset[str]()) for gap in empty],
        key=lambda tile: tile[0],
    )
    assert (tiles[0][0], tiles[-1][1]) == (start, end)
    for before, after in pairwise(tiles):
        assert before[1] == after[0]
        assert before[2] != after[2] or not before[2]
    for begin, finish, expected in tiles[:40]:
        inside = begin + timedelta(seconds=second) % (finish - begin)
        for instant in (begin, inside, finish - timedelta.resolution):
            answers = who(schedule, overrides, instant, inactive=inactive)
            assert {answer.person for answer in answers} == expected
            assert all(answer.why for answer in answers)
    for begin, _, expected in tiles[:6]:
        for person in expected:
            since, until = stretch(schedule, overrides, begin, person, inactive=inactive)
            assert since is None or since <= begin
            assert until is None or until > begin


def one_layer(zone: ZoneInfo, turn: Turn) -> Schedule:
    slots = (Slot(people=("a",)), Slot(people=("b",)), Slot(people=("c",)))
    layer = Layer(name="l", priority=1, zone=zone, says=Rotation(turn=turn, slots=slots))
    return Schedule(name="p", zone=zone, layers=(layer,))


@given(
    st.sampled_from(EVERY_ZONE).map(ZoneInfo),
    st.datetimes(datetime.fromisoformat("1972-01-01"), datetime.fromisoformat("2080-01-01")),
    st.sampled_from(Unit),
    st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24]),
)
@settings(deadline=None, max_examples=60)
def test_boundaries_never_decrease_and_somebody_always_holds_the_turn(
    zone: ZoneInfo, anchor: datetime, unit: Unit, every: int
) -> None:
    turn = Turn(unit=unit, every=every, anchor=anchor.replace(second=0, microsecond=0))
    steps = Steps(turn, zone)
    boundaries = [steps.boundary(number) for number in range(60)]
    assert all(before <= after for before, after in pairwise(boundaries))
    assert steps.at(boundaries[0] - SECOND) == -1
    for number, (begin, finish) in enumerate(pairwise(boundaries)):
        if begin < finish:
            assert steps.at(begin) == steps.at(finish - SECOND) == number
    begin, end = boundaries[0] - timedelta(days=1), boundaries[-1]
    of = one_layer(zone, turn)
    assert [gap.end for gap in gaps(of, (), begin, end)] == [boundaries[0]]
    assert all(len(shift.people) == 1 for shift in shifts(of, (), begin, end))


@given(st.sampled_from(EVERY_ZONE).map(ZoneInfo), st.integers(2000, 2036), st.integers(1, 23))
@settings(deadline=None, max_examples=25)
def test_abutting_windows_leave_no_hole_in_any_zone(zone: ZoneInfo, year: int, hour: int) -> None:
    windows = (Window.daily("00:00", f"{hour:02}:00"), Window.daily(f"{hour:02}:00", "24:00"))
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    assert window_spans(windows, frozenset(), zone, start, end) == ((start, end),)


def transitions(zone: ZoneInfo, first: int, last: int) -> list[datetime]:
    """Give the instants at which the zone's offset changes, to the second, by halving days."""
    found: list[datetime] = []
    day, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last, 1, 1, tzinfo=UTC)
    # Two changes that cancel each other within two days would be missed; there are none in those years.
    step = timedelta(days=2)
    while day < end:
        low, high = int(day.timestamp()), int((day + step).timestamp())
        if _offset(zone, low) != _offset(zone, high):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, low) else (low, middle)
            found.append(datetime.fromtimestamp(high, UTC))
        day += step
    return found


def _offset(zone: ZoneInfo, second: int) -> timedelta | None:
    return datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()


@pytest.mark.parametrize("part", range(4))
def test_local_times_never_run_backwards_over_any_change_of_any_zone(part: int) -> None:
    """Every change of 2000 to 2037, brute force; zones of the same clocks are looked at once (R4, R5)."""
    seen: set[tuple[datetime, ...]] = set()
    for name in EVERY_ZONE[part::4]:
        zone = ZoneInfo(name)
        changes = tuple(transitions(zone, 2000, 2038))
        if not changes or changes in seen:
            continue
        seen.add(changes)
        for change in changes:
            _around(zone, change)


def _around(zone: ZoneInfo, change: datetime) -> None:
    before = (change - SECOND).astimezone(zone).replace(tzinfo=None) + SECOND
    after = change.astimezone(zone).replace(tzinfo=None)
    low, high = min(before, after) - timedelta(minutes=30), max(before, after) + timedelta(minutes=30)
    steps = [
        low + minutes * timedelta(minutes=15) for minutes in range((high - low) // timedelta(minutes=15))
    ]
    instants = [to_instant(local, zone) for local in steps]
    assert all(earlier <= later for earlier, later in pairwise(instants)), (zone, change)
    for local, instant in zip(steps, instants, strict=True):
        shown = instant.astimezone(zone).replace(tzinfo=None)
        if before <= local < after:
            assert instant == change, (zone, local)
        else:
            assert (shown, instant.astimezone(zone).fold) == (local, 0), (zone, local)


@given(schedules(), st.sampled_from("abcdefgh"), st.integers(0, 200))
@settings(deadline=None, max_examples=30)
def test_a_slot_from_a_later_date_changes_nothing_before_it(
    drawn: RandomSchedule, person: str, days: int
) -> None:
    later = drawn.start + timedelta(days=days)
    grown = {
        **drawn.document,
        "layers": [
            {
                **layer,
                "people": [
                    *layer["people"],
                    {"who": [person], "from": f"{later + timedelta(days=2):%Y-%m-%dT%H:%M}"},
                ],
            }
            for layer in drawn.document["layers"]
        ],
    }
    before = schedule_of(drawn.document, drawn.holidays, drawn.inactive)
    after = schedule_of(grown, drawn.holidays, drawn.inactive)
    end = min(drawn.end, later)
    assert shifts(before, (), drawn.start, end) == shifts(after, (), drawn.start, end)
