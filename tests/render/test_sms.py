"""Segments as a network counts them, and that a text of a page never takes more than it may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.render.sms import plainer, segments, short


@pytest.mark.parametrize(
    "text, count",
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 76 of two places fill 152 of 153, and the last place of each segment stays empty.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("é" * 160, 1),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("🔥" * 35, 1),
        ("🔥" * 36, 2),
        # 33 of two units fill 66 of 67.
        ("🔥" * 66, 2),
        ("🔥" * 67, 3),
        ("a" * 69 + "я", 1),
        ("a" * 70 + "я", 2),
    ],
)
def test_segments_are_counted_as_the_network_does(text: str, count: int) -> None:
    assert segments(text) == count


def test_typographic_characters_do_not_double_the_cost() -> None:
    assert plainer("“a” – b… → ‘c’ ≥ 5 `d`") == "\"a\" - b... -> 'c' >= 5 'd'"
    assert plainer("Größe \ud800") == "Größe ?"


def test_the_first_line_is_cut_so_that_the_rest_stays() -> None:
    text = short(["P1 INC-1: " + "long " * 100, "Reply 1", "https://bot.example.com/incidents/INC-1"], most=2)
    first, *rest = text.splitlines()
    assert first.startswith("P1 INC-1: long")
    assert first.endswith("...")
    assert rest == ["Reply 1", "https://bot.example.com/incidents/INC-1"]
    assert segments(text) == 2
    assert len(text) > 290, "no room is wasted"


def test_an_address_that_leaves_no_room_is_given_up() -> None:
    text = short(["P1 INC-1: checkout fails for everybody", "Reply 1", f"https://x/{'y' * 400}"], most=2)
    assert text == "P1 INC-1: checkout fails for everybody\nReply 1"


def test_what_is_wanted_comes_as_far_as_it_fits() -> None:
    assert short(["a"], ["b" * 400, "", "c"], most=2) == "a\nc"
    assert short(["a" * 100], ["я" * 50], most=2) == "a" * 100, "it would make the whole of it dear"


@given(
    st.lists(st.text(max_size=400), max_size=4),
    st.lists(st.text(max_size=200), max_size=4),
    st.integers(1, 3),
)
def test_no_text_takes_more_than_it_may(needed: list[str], wanted: list[str], most: int) -> None:
    assert segments(short(needed, wanted, most=most)) <= most
