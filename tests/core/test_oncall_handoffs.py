"""Hand-offs: where who is on call changes, what is one person's, what moved, and how a stretch changes hands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from incident_bot.core.oncall import (
    Add,
    Cover,
    Layer,
    Mode,
    Override,
    Remove,
    Replace,
    Rotation,
    Schedule,
    Slot,
    Turn,
    Unit,
    shifts,
    who,
)
from incident_bot.core.oncall.handoffs import Change, Moved, changes, held, moved, transfer

ANCHOR = datetime.fromisoformat("2026-01-01T00:00")
HOUR = timedelta(hours=1)
ALL = (datetime(2025, 12, 20, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC))


def day(number: float) -> datetime:
    """Midnight of a day of January 2026, UTC."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number - 1)


def layer(people: str, *, priority: int = 1, mode: Mode = Mode.REPLACE) -> Layer:
    """Read `a b+c -`: a day each from 1 January on, UTC."""
    slots = tuple(Slot(people=() if slot == "-" else tuple(slot.split("+"))) for slot in people.split())
    turn = Turn(unit=Unit.DAYS, every=1, anchor=ANCHOR)
    return Layer(
        name=f"l{priority}",
        priority=priority,
        zone=ZoneInfo("UTC"),
        mode=mode,
        says=Rotation(turn=turn, slots=slots),
    )


def schedule(people: str, adding: str = "") -> Schedule:
    layers = (layer(people), *([layer(adding, priority=2, mode=Mode.ADD)] if adding else []))
    return Schedule(name="p", zone=ZoneInfo("UTC"), layers=layers)


def said(found: list[Change]) -> list[str]:
    """Write hand-offs as `2: a > b`, with the day of January."""
    return [f"{one.at.day}: {'+'.join(one.before)} > {'+'.join(one.after)}" for one in found]


@pytest.mark.parametrize(
    "people, expected",
    [
        ("a b", ["2: a > b", "3: b > a", "4: a > b"]),
        ("a", []),
        ("a -", ["2: a > ", "3:  > a", "4: a > "]),
        ("- a", ["2:  > a", "3: a > ", "4:  > a"]),
        ("a+b b+a", []),
        ("a+b b", ["2: a+b > b", "3: b > a+b", "4: a+b > b"]),
    ],
    ids=["turns", "one person", "into a gap and out", "beginning in a gap", "mere order", "one of two goes"],
)
def test_where_who_is_on_call_changes(people: str, expected: list[str]) -> None:
    found = list(changes(shifts(schedule(people), (), day(1), day(5)), day(1), day(5)))
    assert said(found) == expected


def test_a_change_names_who_comes_and_who_goes() -> None:
    change = Change(at=day(1), before=("a", "b"), after=("b", "c"))
    assert (change.came, change.went) == (("c",), ("a",))


def test_nobody_before_and_after_is_no_hand_off() -> None:
    assert list(changes((), day(1), day(5))) == []


def test_what_is_one_persons_goes_on_while_others_come_and_go() -> None:
    found = shifts(schedule("a a b", adding="x y z"), (), day(1), day(7))
    assert held(found, "a") == ((day(1), day(3)), (day(4), day(6)))
    assert held(found, "nobody") == ()


def of(*hands: tuple[float, str, str]) -> list[Change]:
    return [Change(at=day(at), before=tuple(before), after=tuple(after)) for at, before, after in hands]


WAS = of((2, "a", "b"), (3, "b", "c"), (4, "c", "a"))


@pytest.mark.parametrize(
    "now, expected",
    [
        (WAS, []),
        (
            of((2, "a", "b"), (3 + 1 / 24, "b", "c"), (4, "c", "a")),
            [Moved(was=day(3), now=day(3) + HOUR, people=("c",))],
        ),
        (of((2, "a", "b"), (3, "b", "a")), [
            Moved(was=day(3), now=None, people=("c",)),
            Moved(was=None, now=day(3), people=("a",)),
            Moved(was=day(4), now=None, people=("a",)),
        ]),
        (of((-1, "b", "a"), (2, "a", "b"), (3, "b", "c"), (4, "c", "a"), (6.5, "a", "b")), []),
        (of((1 - 1 / 24, "a", "b"), (3, "b", "c"), (4, "c", "a")), [
            Moved(was=day(2), now=day(1) - HOUR, people=("b",)),
        ]),
    ],
    ids=["nothing", "one by an hour", "others", "those beyond the ends do not count", "over the beginning"],
)  # fmt: skip
def test_what_moved(now: list[Change], expected: list[Moved]) -> None:
    assert list(moved(WAS, now, day(1), day(8))) == expected


def given_away(
    overrides: tuple[Override, ...], *, people: str = "a b", adding: str = "", taker: str = "z"
) -> tuple[Override, ...]:
    return transfer(
        schedule(people, adding), overrides, (day(1), day(2)), giver="a", taker=taker, reason="offer 7"
    )


def test_what_the_layers_give_is_replaced_in_one_piece() -> None:
    expected = Replace(person="a", by="z", start=day(1), end=day(2), reason="offer 7")
    assert given_away(()) == (expected,)
    assert given_away((), adding="x y") == (expected,)


def test_overrides_do_not_chain_so_whom_the_giver_stands_in_for_is_replaced_anew() -> None:
    stand_in = Replace(person="b", by="a", start=day(1), end=day(2), id="3")
    assert given_away((stand_in,), people="b") == (
        Replace(person="b", by="z", start=day(1), end=day(2), reason="offer 7"),
    )


def test_who_gets_a_shift_back_is_put_on_with_the_others() -> None:
    stand_in = Replace(person="b", by="a", start=day(1), end=day(2), id="3")
    found = given_away((stand_in,), people="b+c", taker="b")
    assert found == (Cover(people=("b", "c"), start=day(1), end=day(2), reason="offer 7"),)


def test_a_cover_is_covered_anew() -> None:
    cover = Cover(people=("a", "c"), start=day(1) + HOUR, end=day(1) + 2 * HOUR, id="3")
    assert given_away((cover,), people="b") == (
        Cover(people=("z", "c"), start=day(1) + HOUR, end=day(1) + 2 * HOUR, reason="offer 7"),
    )


def test_every_reason_for_a_place_is_undone() -> None:
    stand_in = Replace(person="b", by="a", start=day(1), end=day(2), id="3")
    found = given_away((stand_in,), people="a+b")
    assert [(one.person, one.by) for one in found if isinstance(one, Replace)] == [("a", "z"), ("b", "z")]
    assert [one.person for one in who(schedule("a+b"), (stand_in, *found), day(1))] == ["z"]


def test_what_is_nobodys_to_give_gives_nothing() -> None:
    assert given_away((), people="b") == ()


def test_who_was_added_cannot_be_replaced() -> None:
    added = Add(people=("a",), start=day(1), end=day(2), id="3")
    with pytest.raises(ValueError, match="a was added by override 3; end that one and add z instead"):
        given_away((added,), people="b")
    with pytest.raises(ValueError, match="a was added by override; end that one"):
        given_away((Add(people=("a",), start=day(1), end=day(2)),), people="b")


def test_who_is_on_call_then_already_cannot_take_it() -> None:
    with pytest.raises(ValueError, match="z is on call for p in that time already"):
        given_away((), people="a+z")


PEOPLE = st.sampled_from("abcd")
SPANS = st.tuples(st.integers(0, 100), st.integers(1, 40)).map(
    lambda one: {"start": day(1) + one[0] * HOUR, "end": day(1) + (one[0] + one[1]) * HOUR}
)
COVERS = st.builds(
    lambda span, people: Cover(people=tuple(people), **span),
    SPANS,
    st.lists(PEOPLE, min_size=1, max_size=2, unique=True),
)
OVERRIDES = st.lists(
    st.one_of(
        COVERS,
        st.builds(
            lambda span, pair: Replace(person=pair[0], by=pair[1], **span), SPANS, st.permutations("abcd")
        ),
        st.builds(lambda span, person: Remove(person=person, **span), SPANS, PEOPLE),
        st.builds(lambda span, person: Add(people=(person,), **span), SPANS, PEOPLE),
    ),
    max_size=5,
).map(tuple)


@settings(max_examples=40, deadline=None)
@given(overrides=OVERRIDES, begins=st.integers(0, 90), lasts=st.integers(1, 60), taker=st.sampled_from("zbd"))
def test_the_taker_has_exactly_what_the_giver_had(
    overrides: tuple[Override, ...], begins: int, lasts: int, taker: str
) -> None:
    plan = schedule("a b+a c -", adding="- d")
    span = (day(1) + begins * HOUR, day(1) + (begins + lasts) * HOUR)
    try:
        made = transfer(plan, overrides, span, giver="a", taker=taker)
    except ValueError:
        reject()
    for number in range(-2, 170, 3):
        instant = day(1) + number * HOUR
        before = {one.person for one in who(plan, overrides, instant)}
        after = {one.person for one in who(plan, (*overrides, *made), instant)}
        within = span[0] <= instant < span[1]
        assert after == ({taker if one == "a" else one for one in before} if within else before)
