"""Who answered when the configuration changed in between: each instant by the version in force then (R15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.oncall import (
    Add,
    Cover,
    Empty,
    Gap,
    Layer,
    Mode,
    Override,
    Rotation,
    Schedule,
    Shift,
    Slot,
    Turn,
    Unit,
    history,
)
from incident_bot.core.oncall.history import Version

ANCHOR = datetime.fromisoformat("2026-01-01T00:00")
TICK = timedelta.resolution


def day(number: float) -> datetime:
    """Midnight of a day of January 2026, UTC."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number - 1)


def schedule(people: str, *, empty: Empty = Empty.FALLTHROUGH, days: int = 1, name: str = "l") -> Schedule:
    """Read `a b -`: a turn of so many days each from 1 January on, UTC; the third is nobody's."""
    slots = tuple(Slot(people=() if slot == "-" else tuple(slot.split("+"))) for slot in people.split())
    turn = Turn(unit=Unit.DAYS, every=days, anchor=ANCHOR)
    says = Rotation(turn=turn, slots=slots, empty=empty)
    layer = Layer(name=name, priority=1, zone=ZoneInfo("UTC"), says=says)
    return Schedule(name="p", zone=ZoneInfo("UTC"), layers=(layer,))


def version(people: str | None, start: float, *, inactive: str = "") -> Version:
    return Version(
        schedule=None if people is None else schedule(people),
        inactive=frozenset(inactive.split()),
        revision=f"r{start:g}",
        start=day(start),
    )


def cover(person: str, start: float, end: float) -> Cover:
    return Cover(people=(person,), start=day(start), end=day(end), id="7")


def names(versions: list[Version], instant: datetime, *overrides: Override) -> str:
    return " ".join(answer.person for answer in history.who(versions, overrides, instant))


@pytest.mark.parametrize(
    "versions, instant, expected",
    [
        pytest.param([("a", 10)], 11, "a", id="one version"),
        pytest.param([("a", 10)], 2, "a", id="the first answers for all time before it"),
        pytest.param([("a", 10), ("b", 20)], 19.99, "a", id="before an activation the one before it"),
        pytest.param([("a", 10), ("b", 20)], 20, "b", id="from its instant on the new one"),
        pytest.param([(None, 5), ("a", 10)], 6, "a", id="the first that has the schedule, not the first"),
        pytest.param([("a", 10), (None, 20)], 20, "", id="taken out: nobody"),
        pytest.param([("a", 10), (None, 20), ("b", 30)], 25, "", id="nobody until it comes back"),
        pytest.param([("a", 10), (None, 20), ("b", 30)], 30, "b", id="it comes back"),
        pytest.param([("a", 10), ("b", 10)], 10, "b", id="of two at one instant the later"),
        pytest.param([("a", 10), ("b", 10)], 1, "a", id="of two at one instant the first still was first"),
        pytest.param([(None, 10)], 11, "", id="no version has it"),
        pytest.param([], 11, "", id="no version"),
    ],
)
def test_the_version_in_force_answers(
    versions: list[tuple[str | None, float]], instant: float, expected: str
) -> None:
    assert names([version(*one) for one in versions], day(instant)) == expected


def test_the_reason_names_the_revision_in_force() -> None:
    versions = [version("a", 10), version("a", 20)]
    (before,), (after,) = (history.who(versions, (), day(at)) for at in (19, 21))
    assert before.why == "p: layer l, turn 18 (revision r10)"
    assert after.why == "p: layer l, turn 20 (revision r20)"


def test_overrides_apply_under_every_version_by_the_people_of_its_time() -> None:
    versions = [version("a", 10, inactive="z"), version("b", 20)]
    z = cover("z", 18, 22)
    assert [names(versions, day(at), z) for at in (17, 19, 20, 22)] == ["a", "a", "z", "b"]


def test_shifts_go_on_over_an_activation_that_leaves_the_people() -> None:
    versions = [version("a", 5), version("a", 8), version("a b", 10)]
    found = history.shifts(versions, (), day(2), day(13))
    assert [(one.start, one.end, one.people) for one in found] == [
        (day(2), day(10), ("a",)),
        (day(10), day(11), ("b",)),
        (day(11), day(12), ("a",)),
        (day(12), day(13), ("b",)),
    ]
    assert found[0].why == "p: layer l, turns 1 to 8"


def test_shifts_tell_both_sides_of_an_activation() -> None:
    renamed = Version(schedule=schedule("a", name="new"), start=day(8))
    (shift,) = history.shifts([version("a", 5), renamed], (), day(7), day(9))
    assert shift == Shift(
        start=day(7), end=day(9), people=("a",), why="p: layer l, turn 6; p: layer new, turn 7"
    )


def test_gaps_are_told_apart_by_their_reason() -> None:
    blocking = Version(schedule=schedule("a -", empty=Empty.BLOCK), start=day(4))
    versions = [version("a -", 1), blocking, version(None, 6), version("a", 8)]
    found = history.gaps(versions, (), day(2), day(9))
    assert found == (
        Gap(start=day(2), end=day(3), deliberate=False, why="p: no layer answers"),
        Gap(start=day(4), end=day(5), deliberate=True, why="p: layer l, turn 3"),
        Gap(start=day(6), end=day(8), deliberate=False, why="p: there was no such schedule then"),
    )


def test_where_no_version_has_the_schedule_nothing_is_told() -> None:
    versions = [version(None, 1)]
    assert history.shifts(versions, (), day(1), day(9)) == ()
    assert history.gaps(versions, (), day(1), day(9)) == ()
    assert history.gaps([version("-", 1)], (), day(9), day(9)) == ()


@pytest.mark.parametrize(
    "versions, overrides, expected",
    [
        pytest.param([("a b", 1)], [], (9, 10), id="one turn"),
        pytest.param([("a b", 1), ("a b c", 2), ("a b", 9.25)], [], (9.25, 10), id="cut by an activation"),
        pytest.param([("a b", 1), ("a b", 9.25)], [], (9, 10), id="an activation that changes nothing"),
        pytest.param([("a b", 1), ("a", 9.75)], [], (9, 10), id="an activation that leaves the turn"),
        pytest.param([("a b", 1), ("c", 9.75)], [], (9, 9.75), id="until the activation"),
        pytest.param([("a b", 1), (None, 9.75)], [], (9, 9.75), id="until it is taken out"),
        pytest.param([("a b", 1)], [cover("z", 8, 9.25)], (9.25, 10), id="after an override"),
        pytest.param(
            [("c d", 1), ("c", 9)], [cover("a", 3, 80)], (3, 80), id="an override over an activation"
        ),
    ],
)
def test_the_stretch_for_one_reason(
    versions: list[tuple[str | None, float]], overrides: list[Override], expected: tuple[float, float]
) -> None:
    found = history.stretch([version(*one) for one in versions], overrides, day(9.5), "a")
    assert found == (day(expected[0]), day(expected[1]))


def test_a_stretch_without_an_end_near_by() -> None:
    forever = Version(schedule=schedule("a", days=30_000), start=day(5))
    assert history.stretch([forever], (), day(1000), "a") == (None, None)


def test_there_is_no_stretch_of_somebody_who_is_not_on_call() -> None:
    with pytest.raises(ValueError, match="b is not on call for p"):
        history.stretch([version("a", 1)], (), day(9), "b")
    with pytest.raises(ValueError, match="a is not on call"):
        history.stretch([version(None, 1)], (), day(9), "a")


RINGS = st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "c+a", "-"]), min_size=1).map(" ".join))
STARTS = st.integers(0, 40).map(lambda quarter: 1 + quarter / 4)
OVERRIDES = st.builds(
    lambda kind, person, start, length: kind(people=(person,), start=day(start), end=day(start + length)),
    st.sampled_from([Cover, Add]),
    st.sampled_from("abz"),
    STARTS,
    st.integers(1, 12).map(lambda quarter: quarter / 4),
)
VERSIONS = st.lists(st.builds(version, RINGS, STARTS, inactive=st.sampled_from(["", "z"])), max_size=5).map(
    lambda found: sorted(found, key=lambda one: one.start)
)


@given(VERSIONS, st.builds(version, RINGS, STARTS), st.lists(OVERRIDES, max_size=4), st.integers(0, 200))
@settings(deadline=None, max_examples=200)
def test_no_answer_before_an_activation_changes_when_it_is_applied(
    versions: list[Version], newest: Version, overrides: list[Override], hours: int
) -> None:
    before = [one for one in versions if one.start <= newest.start]
    instant = newest.start - timedelta(hours=hours) - TICK
    if any(one.schedule for one in before):
        assert history.who([*before, newest], overrides, instant) == history.who(before, overrides, instant)
    else:
        assert history.in_force([*before, newest], instant) in (newest, None)


@given(VERSIONS, st.lists(OVERRIDES, max_size=4), st.floats(0, 1, exclude_max=True))
@settings(deadline=None, max_examples=200)
def test_shifts_and_gaps_tile_the_span_and_agree_with_who(
    versions: list[Version], overrides: list[Override], within: float
) -> None:
    manned = history.shifts(versions, overrides, day(0), day(16))
    empty = history.gaps(versions, overrides, day(0), day(16))
    tiles = sorted(
        [(one.start, one.end, one.people) for one in manned] + [(one.start, one.end, ()) for one in empty]
    )
    if not any(one.schedule for one in versions):
        assert not tiles
        return
    assert (tiles[0][0], tiles[-1][1]) == (day(0), day(16))
    assert all(one[1] == other[0] for one, other in pairwise(tiles))
    for start, end, people in tiles:
        for instant in (start, min(start + within * (end - start), end - TICK), end - TICK):
            answers = history.who(versions, overrides, instant)
            assert {answer.person for answer in answers} == set(people)
            for person in people:
                since, until = history.stretch(versions, overrides, instant, person)
                assert since is None or since <= instant
                assert until is None or until > instant


def test_add_layers_are_part_of_a_version() -> None:
    ring = Rotation(turn=Turn(unit=Unit.DAYS, anchor=ANCHOR), slots=(Slot(people=("z",)),))
    extra = Layer(name="extra", priority=2, zone=ZoneInfo("UTC"), says=ring, mode=Mode.ADD)
    base = schedule("a")
    both = Schedule(name="p", zone=base.zone, layers=(*base.layers, extra))
    assert names([version("a", 1), Version(schedule=both, start=day(5))], day(5)) == "a z"
