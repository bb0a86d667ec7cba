"""What a change of the rotations means to each person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.oncall import Absence, Cover, Layer, Rotation, Schedule, Slot, Turn, Unit, who
from incident_bot.core.oncall.diff import Change, Side, compare, length, spans_of
from incident_bot.core.walltime import Span

UTC_ZONE = ZoneInfo("UTC")
START = datetime(2026, 2, 2, 9, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
END = START + 12 * DAY


def schedule(*people: str, name: str = "primary", covers: tuple[Cover, ...] = (), away: str = "") -> Schedule:
    anchor = datetime.fromisoformat("2026-01-05T09:00")
    slots = tuple(Slot(people=tuple(who.split("+"))) for who in people)
    rotation = Rotation(turn=Turn(unit=Unit.DAYS, anchor=anchor), slots=slots)
    absences = (Absence(person=away, start=START, end=END),) if away else ()
    layer = Layer(name="week", priority=10, zone=UTC_ZONE, says=rotation)
    return Schedule(name=name, zone=UTC_ZONE, layers=(layer,), overrides=covers, absences=absences)


def side(*schedules: Schedule, inactive: frozenset[str] = frozenset()) -> Side:
    return Side(schedules={one.name: one for one in schedules}, inactive=inactive)


def told(changes: tuple[Change, ...]) -> list[tuple[str, str, float, float]]:
    return [(one.schedule, one.person, one.gained / DAY, one.lost / DAY) for one in changes]


def days(*numbers: int) -> tuple[Span, ...]:
    return tuple((START + number * DAY, START + (number + 1) * DAY) for number in numbers)


def test_nothing_changes_where_the_same_people_answer() -> None:
    old = schedule("ana", "ben")
    assert compare(side(old), side(old), START, END) == ()
    # Another reason is no change: the cover puts on whose turn it is.
    cover = Cover(people=("ana",), start=START, end=START + DAY)
    assert compare(side(old), side(schedule("ana", "ben", covers=(cover,))), START, END) == ()


def test_a_third_person_takes_some_from_both() -> None:
    changes = compare(
        side(schedule("ana", "ben")), side(schedule("ana", "ben", "cleo")), START, START + 6 * DAY
    )
    # From the 28th turn on ana, ben, ana, ben, ana, ben become ben, cleo, ana, ben, cleo, ana.
    assert told(changes) == [("primary", "ana", 1, 2), ("primary", "ben", 1, 2), ("primary", "cleo", 2, 0)]
    assert [one.gains for one in changes] == [days(5), days(0), days(1, 4)]


def test_a_stretch_is_told_once_and_only_as_far_as_it_changes() -> None:
    cover = Cover(people=("cleo",), start=START + DAY / 2, end=START + 3 * DAY)
    (ana, ben, cleo) = compare(
        side(schedule("ana", "ben")), side(schedule("ana", "ben", covers=(cover,))), START, END
    )
    assert cleo.gains == ((START + DAY / 2, START + 3 * DAY),)
    assert ana.loses == ((START + DAY / 2, START + DAY), (START + 2 * DAY, START + 3 * DAY))
    assert (ben.loses, ben.gains) == (days(1), ())


def test_what_remains_around_a_cover() -> None:
    cover = Cover(people=("cleo",), start=START + DAY, end=START + 2 * DAY)
    (ana, _) = compare(side(schedule("ana", covers=(cover,))), side(schedule("ana")), START, END)
    assert ana.gains == days(1)
    back = compare(side(schedule("ana")), side(schedule("ana", covers=(cover,))), START, END)
    assert back[0].loses == days(1)


def test_a_schedule_that_only_one_side_has() -> None:
    new = side(schedule("ana"), schedule("ben", name="other"))
    assert told(compare(side(schedule("ana")), new, START, END)) == [("other", "ben", 12, 0)]
    assert told(compare(new, side(schedule("ana")), START, END)) == [("other", "ben", 0, 12)]


def test_who_is_inactive_counts_by_each_side() -> None:
    cover = Cover(people=("zed",), start=START, end=START + DAY)
    one = schedule("ana", covers=(cover,))
    changes = compare(side(one), side(one, inactive=frozenset({"zed"})), START, END)
    assert told(changes) == [("primary", "ana", 1, 0), ("primary", "zed", 0, 1)]


def test_two_people_of_one_slot_have_their_own_stretches() -> None:
    found = spans_of(schedule("ana+ben", "ana"), START, START + 2 * DAY)
    assert found == {"ana": ((START, START + 2 * DAY),), "ben": days(0)}


RINGS = st.lists(st.sampled_from(["ana", "ben", "cleo", "ana+ben"]), min_size=1, max_size=4)
AWAY = st.sampled_from(["", "ana", "ben"])


@settings(deadline=None)
@given(RINGS, RINGS, AWAY, st.integers(0, 12 * 24 * 60))
def test_gains_and_losses_are_what_differs_at_every_instant(
    old_ring: list[str], new_ring: list[str], away: str, minute: int
) -> None:
    old, new = schedule(*old_ring), schedule(*new_ring, away=away)
    changes = compare(side(old), side(new), START, END)
    instant = START + timedelta(minutes=minute)
    had, has = ({answer.person for answer in who(one, (), instant)} for one in (old, new))

    def within(spans: tuple[Span, ...]) -> bool:
        return any(start <= instant < end for start, end in spans)

    if instant < END:
        assert {one.person for one in changes if within(one.gains)} == has - had
        assert {one.person for one in changes if within(one.loses)} == had - has
    back = compare(side(new), side(old), START, END)
    assert [(one.person, one.gains, one.loses) for one in back] == [
        (one.person, one.loses, one.gains) for one in changes
    ]
    assert all(length(one.gains) + length(one.loses) > timedelta(0) for one in changes)
