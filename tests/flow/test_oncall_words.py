"""The words of `/oncall`: how a line is cut up, and which instant a time means on which clock (R4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.errors import Refused
from incident_bot.flow.oncall import times
from incident_bot.flow.oncall.grammar import CHANGING, FIRST_WORDS, USAGES, Line, Verb, parse

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
"""A Tuesday; 04:00 in Berlin."""


@pytest.mark.parametrize(
    "text, verb, rest, number",
    [
        ("", Verb.WHO, "", 0),
        ("/oncall", Verb.WHO, "", 0),
        ("/oncall web tomorrow 18:00", Verb.WHO, "web tomorrow 18:00", 0),
        ("payments", Verb.WHO, "payments", 0),
        ("who web", Verb.WHO, "web", 0),
        ("ME 8w", Verb.ME, "8w", 0),
        ("here", Verb.HERE, "", 0),
        ("override @dan fri 18:00 mon 09:00", Verb.OVERRIDE, "@dan fri 18:00 mon 09:00", 0),
        ("override list web", Verb.OVERRIDES, "web", 0),
        ("override end #7", Verb.END, "", 7),
        ("swap", Verb.SWAPS, "", 0),
        ("swap list", Verb.SWAPS, "", 0),
        ("swap web 2026-12-24 with @dan", Verb.OFFER, "web 2026-12-24 with @dan", 0),
        ("swap accept 7", Verb.ACCEPT, "", 7),
        ("take 7", Verb.ACCEPT, "", 7),
        ("swap decline 7", Verb.DECLINE, "", 7),
        ("swap withdraw 7", Verb.WITHDRAW, "", 7),
        ("cover web 2026-12-24", Verb.COVER, "web 2026-12-24", 0),
        ("cover me fri 18:00 8h", Verb.ASK, "fri 18:00 8h", 0),
        ("help", Verb.HELP, "", 0),
        ("?", Verb.HELP, "", 0),
    ],
)
def test_a_line_is_cut_up(text: str, verb: Verb, rest: str, number: int) -> None:
    assert parse(text) == Line(verb=verb, rest=tuple(rest.split()), number=number)


@pytest.mark.parametrize(
    "text, told",
    [
        ("swap accept", "Type `swap accept 7` with its number; `swap` shows the numbers"),
        ("take it", "Type `swap accept 7`"),
        ("override end last", "Type `override end 7` with its number; `override list` shows the numbers"),
        ("x" * 1001, "longer than 1000 characters"),
    ],
)
def test_a_missing_number_is_asked_for(text: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        parse(text)


def test_help_lists_every_verb_and_every_verb_has_a_word() -> None:
    assert set(USAGES) == set(Verb)
    assert not CHANGING - set(Verb)
    assert {parse(f"{word} 7").verb for word in FIRST_WORDS} <= set(Verb)


def local(text: str) -> datetime:
    """An instant as Berlin's clock shows it, the first of two."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    "text, start, end, used",
    [
        ("now", "2026-03-03T04:00", None, 1),
        ("in 3h", "2026-03-03T07:00", None, 2),
        ("in 1d12h web", "2026-03-04T16:00", None, 2),
        ("20:00", "2026-03-03T20:00", None, 1),
        ("3:59", "2026-03-04T03:59", None, 1),
        ("04:00", "2026-03-04T04:00", None, 1),
        ("tomorrow 18:00 please", "2026-03-04T18:00", None, 2),
        ("Tomorrow", "2026-03-04T00:00", "2026-03-05T00:00", 1),
        ("today", "2026-03-03T00:00", "2026-03-04T00:00", 1),
        ("yesterday 23:00", "2026-03-02T23:00", None, 2),
        ("fri 20:00", "2026-03-06T20:00", None, 2),
        ("Friday", "2026-03-06T00:00", "2026-03-07T00:00", 1),
        ("tue", "2026-03-03T00:00", "2026-03-04T00:00", 1),
        ("tue 03:00", "2026-03-10T03:00", None, 2),
        ("tue 05:00", "2026-03-03T05:00", None, 2),
        ("2026-12-24", "2026-12-24T00:00", "2026-12-25T00:00", 1),
        ("2026-12-24 20:00", "2026-12-24T20:00", None, 2),
        ("2026-12-24T20:00", "2026-12-24T20:00", None, 1),
        ("2026-12-24t20:00:00z", "2026-12-24T21:00", None, 1),
        ("2026-12-24T20:00:00+05:30", "2026-12-24T15:30", None, 1),
        # The clock jumps from 02:00 to 03:00: a missing time is the jump itself (R4) …
        ("2026-03-29 02:30", "2026-03-29T03:00", None, 2),
        ("2026-03-29", "2026-03-29T00:00", "2026-03-30T00:00", 1),
        # … and of two the first counts.
        ("2026-10-25 02:30", "2026-10-25T02:30", None, 2),
    ],
)
def test_a_time_is_read_on_the_askers_clock(text: str, start: str, end: str | None, used: int) -> None:
    found = times.read(text.split(), BERLIN, now=NOW)
    assert found is not None
    when, taken = found
    assert (when.start, when.end, taken) == (local(start), local(end) if end else None, used)


def test_days_over_a_clock_change_are_as_long_as_they_are() -> None:
    for text, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        found = times.read([text], BERLIN, now=NOW)
        assert found is not None
        assert found[0].end is not None
        assert found[0].end - found[0].start == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "web", "in", "with @dan", "8h", "nowhere", "fright"])
def test_what_is_no_time_is_left_alone(text: str) -> None:
    assert times.read(text.split(), BERLIN, now=NOW) is None


@pytest.mark.parametrize(
    "text, told",
    [
        ("2026-02-30", "'2026-02-30' is no date; write it as 2026-12-24"),
        ("24.12.", "is no date"),
        ("12/24", "is no date"),
        ("0999-01-01", "is no date"),
        ("2999-12-24", "is no date"),
        ("fri 25:00", "'25:00' is no time of day; write it as 18:00"),
        ("8pm", "is no time of day"),
        ("9.30", "is no time of day"),
        ("in soon", "is not a length of time; write for example 30m, 8h or 3d"),
        ("in 0h", "A length of nothing"),
        ("2026-12-24T25:00", "is no instant"),
    ],
)
def test_what_looks_like_a_time_and_is_none_is_refused(text: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        times.read(text.split(), BERLIN, now=NOW)


FRIDAY = local("2026-03-06T18:00")


@pytest.mark.parametrize(
    "text, end, used",
    [
        ("mon 09:00", "2026-03-09T09:00", 2),
        ("to mon 09:00 web", "2026-03-09T09:00", 3),
        ("until 20:00", "2026-03-06T20:00", 2),
        ("09:00", "2026-03-07T09:00", 1),
        ("8h", "2026-03-07T02:00", 1),
        ("for 8h", "2026-03-07T02:00", 2),
        ("+2d", "2026-03-08T18:00", 1),
        ("fri", "2026-03-07T00:00", 1),
        ("fri 17:00", "2026-03-13T17:00", 2),
        ("2026-03-08", "2026-03-09T00:00", 1),
        ("tomorrow", "2026-03-08T00:00", 1),
    ],
)
def test_an_end_is_the_next_such_time_after_the_beginning(text: str, end: str, used: int) -> None:
    assert times.read_end(text.split(), BERLIN, start=FRIDAY) == (local(end), used)


def test_an_end_before_the_beginning_is_refused_and_none_is_none() -> None:
    with pytest.raises(Refused, match="would end before it begins; write the end as a length, `8h`"):
        times.read_end(["2026-03-05"], BERLIN, start=FRIDAY)
    assert times.read_end(["because"], BERLIN, start=FRIDAY) is None
    assert times.read_end([], BERLIN, start=FRIDAY) is None


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none_or_refused(text: str) -> None:
    try:
        parse(text)
        found = times.read(text.split(), BERLIN, now=NOW)
        ended = times.read_end(text.split(), BERLIN, start=NOW)
    except Refused as refused:
        said = str(refused)
        if not said.endswith("."):
            raise
    else:
        assert found is None or 0 < found[1] <= 2
        assert ended is None or ended[0] > NOW
