"""Marks upon a message: twice is once, older changes nothing, any order ends the same."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.rooms import ChatRules
from incident_bot.core.rooms.heard import GONE, PIN, Mark, first_on, kept_by, marked, marks_of, written

CHANGES = st.lists(
    st.tuples(st.sampled_from(["pin", "timeline:U1", "timeline:U2", "gone"]), st.booleans()),
    max_size=5,
)


def after(changes: list[tuple[str, Mark]]) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    for key, mark in changes:
        marks = marked(marks, key, mark)
    return marks


@given(CHANGES)
def test_every_order_ends_the_same(changes: list[tuple[str, bool]]) -> None:
    numbered = [(key, Mark(at=f"{number}.5", on=on)) for number, (key, on) in enumerate(changes)]
    expected = after(numbered)
    for order in permutations(numbered):
        assert after([*order, *order]) == expected


def test_marks_are_written_and_read() -> None:
    marks = {PIN: Mark(at="1.5", on=False, by="U1"), "timeline:U1": Mark(at="2.5", by="U1")}
    assert marks_of(written(marks)) == marks
    assert marks_of({"pin": "nonsense"}) == {}


@pytest.mark.parametrize(
    "marks, by",
    [
        ({}, None),
        ({PIN: Mark(at="1", by="U1")}, "U1"),
        ({PIN: Mark(at="1", on=False, by="U1")}, None),
        ({PIN: Mark(at="2", by="U1"), "timeline:U2": Mark(at="1", by="U2")}, "U2"),
        ({"done:U1": Mark(at="1", by="U1")}, None),
        ({"shortcut": Mark(at="1", by="U1"), GONE: Mark(at="2")}, None),
        ({"shortcut": Mark(at="1", by="U1"), GONE: Mark(at="2", on=False)}, "U1"),
    ],
)
def test_what_keeps_a_message(marks: dict[str, Mark], by: str | None) -> None:
    found = kept_by(marks)
    assert (found.by if found else None) == by


def test_the_first_of_a_kind_that_stands() -> None:
    marks = {
        "done:U1": Mark(at="1", on=False, by="U1"),
        "done:U2": Mark(at="3", by="U2"),
        "done:U3": Mark(at="2", by="U3"),
    }
    first = first_on(marks, "done")
    assert first is not None
    assert first.by == "U3"
    assert first_on(marks, "task") is None


@pytest.mark.parametrize("at", ["", "soon", "NaN", "Infinity"])
def test_a_time_that_is_none_is_the_oldest(at: str) -> None:
    known = {PIN: Mark(at="0.000001", by="U1")}
    assert marked(known, PIN, Mark(at=at, on=False)) == known


@pytest.mark.parametrize(
    "reaction, meaning",
    [("pushpin", "timeline"), ("white_check_mark", "done"), ("arrow_right", "followup"), ("tada", None)],
)
def test_reactions_have_meanings(reaction: str, meaning: str | None) -> None:
    assert ChatRules().meaning(reaction) == meaning


def test_a_tone_of_skin_changes_no_meaning() -> None:
    assert ChatRules(done="ok_hand").meaning("ok_hand::skin-tone-3") == "done"
