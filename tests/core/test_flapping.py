"""When an alert flaps, as a table and by properties (I11, P8, P9)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from incident_bot.core.flapping import KEPT_MOST, changes_of, flaps, joined, told_by, transitions
from incident_bot.core.model import Alert, Change, Episode, FlappingRule, Status

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = FlappingRule()


def at(minutes: float, *, firing: bool) -> Change:
    return Change(at=NOW + minutes * MINUTE, firing=firing)


def changes(written: str) -> tuple[Change, ...]:
    """Read `+0 -5 +7`: beginnings and ends with their minutes."""
    return joined((), (at(float(word[1:]), firing=word[0] == "+") for word in written.split()))


def alert(start: float, end: float | None = None) -> Alert:
    return Alert(
        source="am", key="k", fingerprint="f", labels={}, annotations={},
        status=Status.FIRING if end is None else Status.RESOLVED,
        starts_at=NOW + start * MINUTE, ends_at=None if end is None else NOW + end * MINUTE,
    )  # fmt: skip


EPISODE = Episode(
    source="am", key="k", fingerprint="f", labels={}, annotations={}, status=Status.FIRING,
    starts_at=NOW, opened_at=NOW, updated_at=NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    "written,count",
    [
        ("", 0),
        ("+0", 1),
        ("+0 -5", 2),
        ("+0 -5 +7 -9", 4),
        ("-5", 1),
        ("+0 +0.5 +1", 1),
        ("+0 +5", 3),
        ("+0 +5 -6", 4),
        ("+0 -5 -5.5 -7", 2),
        ("+0 -5 +5 -6", 4),
        ("+0 -0 +20", 3),
    ],
)
def test_transitions(written: str, count: int) -> None:
    assert len(transitions(changes(written))) == count


@pytest.mark.parametrize("instant", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_time_are_instants_like_others(instant: datetime) -> None:
    came = [Change(at=instant, firing=True), Change(at=instant, firing=False)]
    assert len(joined((), came, span=RULE.within)) == 2
    assert not flaps(joined((), came), RULE)


@pytest.mark.parametrize(
    "written,before,expected",
    [
        ("", False, False),
        ("+0 -5 +7", False, False),
        ("+0 -5 +7 -9", False, True),
        ("+0 -5 +7 -29.9", False, True),
        ("+0 -5 +7 -30", False, False),
        ("+0 -5 +7 -30", True, True),
        ("+0 -5 +7 -37", True, False),
        ("+0", True, False),
    ],
)
def test_flaps(written: str, before: bool, expected: bool) -> None:
    assert flaps(changes(written), RULE, before=before) is expected
    assert not flaps(changes(written), None, before=before)


def test_an_alert_tells_when_it_began_and_when_it_ended() -> None:
    assert told_by(alert(1), now=NOW) == changes("+1")
    assert told_by(alert(1, 3), now=NOW) == changes("+1 -3")
    assert told_by(alert(3, 1), now=NOW) == (at(3, firing=True), at(3, firing=False))
    endless = replace(alert(1, 2), ends_at=None)
    assert told_by(endless, now=NOW + 9 * MINUTE) == changes("+1 -9")


def test_a_first_episode_says_it_all_itself() -> None:
    assert changes_of(EPISODE) == changes("+0")
    assert changes_of(replace(EPISODE, ends_at=NOW + MINUTE)) == changes("+0 -1")
    known = changes("+0 -1 +2")
    assert changes_of(replace(EPISODE, changes=known)) == known


def test_only_the_newest_are_kept() -> None:
    many = [at(number, firing=number % 2 == 0) for number in range(100)]
    assert joined((), many) == tuple(many[-KEPT_MOST:])
    assert joined((), many, span=5 * MINUTE) == tuple(many[-5:])
    assert joined((), (), span=MINUTE) == ()


told = st.lists(st.builds(at, st.integers(0, 300).map(lambda n: n / 4), firing=st.booleans()), max_size=30)


shuffled = told.flatmap(lambda came: st.tuples(st.just(came), st.permutations([*came, *came])))


@given(shuffled, st.integers(1, 5))
def test_order_and_repetition_change_nothing(orders: tuple[list[Change], list[Change]], parts: int) -> None:
    came, again = orders
    span = max(RULE.within, RULE.quiet)
    expected = joined((), came, span=span)
    known: tuple[Change, ...] = ()
    for start in range(0, len(again), parts):
        known = joined(known, again[start : start + parts], span=span)
    assert known == expected
    assert flaps(known, RULE) is flaps(expected, RULE)
    assert joined(expected, expected, span=span) == expected


@given(told)
def test_more_changes_never_make_fewer_transitions_than_alternations(came: list[Change]) -> None:
    ordered = joined((), came)
    found = transitions(ordered)
    assert found == sorted(found)
    # What begins and ends at one instant is put into the order that fits what was before.
    assume(len({change.at for change in ordered}) == len(ordered))
    alternations = sum(first.firing is not second.firing for first, second in itertools.pairwise(ordered))
    assert len(found) >= alternations + bool(ordered)
