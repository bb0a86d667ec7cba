"""Local times, windows and zones: one line a case, and properties over every zone (R3, R4, R10, R11)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core import walltime
from incident_bot.core.walltime import Window

BERLIN = ZoneInfo("Europe/Berlin")
CAIRO = ZoneInfo("Africa/Cairo")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")
NO_HOLIDAYS: frozenset[date] = frozenset()
SECOND = timedelta(seconds=1)
# Zones with every kind of oddity: half-hour and two-hour changes, changes at midnight and a minute after it,
# a skipped day, and more than two changes a year.
ODD = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """Give the days from 2005 to 2030 on which the zone's offset changes, as instants within a day of it."""
    zone = ZoneInfo(name)
    noons = [datetime(2005, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(26 * 365)]
    return tuple(
        noon
        for noon, later in pairwise(noons)
        if noon.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()
    )


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    name = draw(st.sampled_from(ODD))
    minutes = draw(st.integers(-2 * 24 * 60, 3 * 24 * 60))
    moment = draw(st.sampled_from(changes(name))) + timedelta(minutes=minutes)
    return ZoneInfo(name), moment.replace(tzinfo=None)


anywhere = st.tuples(
    st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
    st.datetimes(local("1975-01-01T00:00"), local("2090-01-01T00:00")).map(
        lambda at: at.replace(microsecond=0)
    ),
)


@pytest.mark.parametrize(
    "name, zone, text, first, second",
    [
        ("ordinary", BERLIN, "2026-07-01T12:00", "2026-07-01T10:00Z", "2026-07-01T10:00Z"),
        ("UTC", ZoneInfo("UTC"), "2026-07-01T12:00", "2026-07-01T12:00Z", "2026-07-01T12:00Z"),
        ("missing hour", BERLIN, "2026-03-29T02:30", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        ("start of the missing hour", BERLIN, "2026-03-29T02:00", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        ("end of the missing hour", BERLIN, "2026-03-29T03:00", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        ("hour that comes twice", BERLIN, "2026-10-25T02:30", "2026-10-25T00:30Z", "2026-10-25T01:30Z"),
        ("missing midnight", CAIRO, "2026-04-24T00:00", "2026-04-23T22:00Z", "2026-04-23T22:00Z"),
        ("missing half hour", LORD_HOWE, "2026-10-04T02:10", "2026-10-03T15:30Z", "2026-10-03T15:30Z"),
        ("missing day", APIA, "2011-12-30T12:00", "2011-12-30T10:00Z", "2011-12-30T10:00Z"),
    ],
)  # fmt: skip
def test_local_time_to_instant(name: str, zone: ZoneInfo, text: str, first: str, second: str) -> None:
    assert walltime.to_instant(local(text), zone) == utc(first)
    assert walltime.end_to_instant(local(text), zone) == utc(second)
    assert walltime.to_instant(local(text), zone).tzinfo is UTC


@given(st.one_of(near_a_change(), anywhere), st.integers(0, 3 * 24 * 60))
@settings(deadline=None, max_examples=300)
def test_instants_are_the_first_not_before_the_wanted_time_and_never_run_backwards(
    place: tuple[ZoneInfo, datetime], minutes: int
) -> None:
    zone, wanted = place
    first, second = walltime.to_instant(wanted, zone), walltime.end_to_instant(wanted, zone)
    assert first <= second
    for instant in (first, second):
        assert instant.astimezone(zone).replace(tzinfo=None) >= wanted
        assert (instant - SECOND).astimezone(zone).replace(tzinfo=None) < wanted
    later = wanted + timedelta(minutes=minutes)
    assert first <= walltime.to_instant(later, zone)
    assert second <= walltime.end_to_instant(later, zone)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/UTC"])
def test_zones_by_name(name: str) -> None:
    assert walltime.zone(name).key == name


@pytest.mark.parametrize(
    "name, text",
    [
        ("+02:00", "a fixed offset"),
        ("UTC+2", "a fixed offset"),
        ("Etc/GMT+2", "a fixed offset"),
        ("Etc/GMT-0", "a fixed offset"),
        ("GMT0", "a fixed offset"),
        ("EST", "a fixed offset"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Berlin", "did you mean Europe/Berlin?"),
        ("New York", "did you mean America/New_York?"),
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("Kathmandoo", "did you mean Asia/Kathmandu?"),
        ("Europe", "name a place"),
        ("right/Europe/Berlin", "unknown time zone"),
        ("posixrules", "unknown time zone"),
        ("../../etc/passwd", "name a place"),
        ("", "name a place"),
    ],
)
def test_refused_zones_say_what_to_write(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        walltime.zone(name)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("mon", {0}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("fri-mon", {4, 5, 6, 0}),
        ("mon,wed , Fri", {0, 2, 4}),
        ("sat-sun,wed", {5, 6, 2}),
        ("sun-sun", {6}),
        ("tue-mon", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_days(text: str, expected: set[int]) -> None:
    assert walltime.parse_days(text) == expected


@pytest.mark.parametrize("text", ["", "mon,", "monday", "mon-", "mon-fri-sat", "1"])
def test_refused_days(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown day .*; write mon, tue,"):
        walltime.parse_days(text)


@pytest.mark.parametrize(
    "text, end, expected",
    [
        ("00:00", False, timedelta(0)),
        ("09:30", False, timedelta(hours=9, minutes=30)),
        ("23:59", True, timedelta(hours=23, minutes=59)),
        ("24:00", True, timedelta(days=1)),
    ],
)
def test_clocks(text: str, end: bool, expected: timedelta) -> None:
    assert walltime.parse_clock(text, end=end) == expected


@pytest.mark.parametrize(
    "text, end, says",
    [
        ("9:00", False, "write 09:00"),
        ("24:00", False, "write 00:00 of the next day"),
        ("24:01", True, "write 00:00 to 23:59"),
        ("25:00", True, "write 00:00 to 23:59"),
        ("09:60", False, "write 00:00 to 23:59"),
        ("23:60", True, "write 00:00 to 23:59"),
        ("9am", False, "such as 09:00"),
        ("09:00:00", False, "such as 09:00"),
        ("٠٩:٠٠", False, "such as 09:00"),  # digits, but not ours
    ],
)
def test_refused_clocks_say_what_to_write(text: str, end: bool, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        walltime.parse_clock(text, end=end)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2026-01-12T05:00:00Z", "2026-01-12T05:00Z"),
        ("2026-01-12T05:00+02:00", "2026-01-12T03:00Z"),
        ("2026-01-12T05:00", "2026-01-12T04:00Z"),
        ("2026-01-12 05:00", "2026-01-12T04:00Z"),
        ("2026-03-29T02:30", "2026-03-29T01:00Z"),
        ("2026-10-25T02:30", "2026-10-25T00:30Z"),
    ],
)
def test_instants_with_an_offset_and_local_ones(text: str, expected: str) -> None:
    assert walltime.parse_instant(text, BERLIN) == utc(expected)


def test_local_times_are_naive() -> None:
    assert walltime.parse_local("2026-01-05T09:00") == local("2026-01-05T09:00")


@pytest.mark.parametrize(
    "text, says",
    [
        ("2026-01-05T09:00Z", "has an offset; write the local time alone, 2026-01-05T09:00"),
        ("2026-01-05", "write it as 2026-01-05T09:00"),
        ("2026-W02-1T09:00", "write it as 2026-01-05T09:00"),
        ("2026-02-30T09:00", "no date of the calendar"),
        ("1969-01-05T09:00", "write a year from 1970 to 2999"),
        ("9999-12-31T23:59", "write a year from 1970 to 2999"),
    ],
)
def test_refused_local_times(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        walltime.parse_local(text)


@pytest.mark.parametrize(
    "entry, says",
    [
        ({"from": "09:00", "to": "09:00"}, 'for the whole day write from: "00:00", to: "24:00"'),
        ({"from": "24:00", "to": "09:00"}, "24:00 can only end a window"),
        ({"start": "mon 24:00", "end": "tue 09:00"}, "24:00 can only end a window"),
        ({"start": "mon 09:00", "end": "mon 09:00"}, "leave the windows out"),
        ({"start": "mon 09:00", "end": "fri 18:00", "days": "mon"}, "take out days"),
        ({"start": "mon", "end": "fri 18:00"}, "write them as fri 18:00"),
        ({"start": "mon 09:00"}, "end is missing"),
        ({"end": "mon 09:00"}, "start is missing"),
        ({"days": "mon-fri", "from": "09:00"}, "to is missing"),
        ({}, "from is missing"),
        ({"from": 540, "to": "17:00"}, "from is not text"),
        ({"from": "09:00", "to": "17:00", "days": ["mon"]}, "days is not text"),
        ({"from": "09:00", "till": "17:00"}, "unknown key 'till' in a window; it may have days, from, to,"),
        ({"from": "09:00", "to": "17:00", "except_holidays": "yes"}, "write except_holidays: true"),
        (
            {"from": "09:00", "to": "17:00", "except_holidays": True, "only_holidays": True},
            "together never open",
        ),
    ],
)
def test_refused_windows_say_what_to_write(entry: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Window.parse(entry)


@pytest.mark.parametrize("opens, closes", [(-1, 5), (24, 30), (9, 9), (9, 8)])
def test_a_window_that_never_opens_cannot_be_made(opens: int, closes: int) -> None:
    with pytest.raises(ValueError, match=r"use Window\.parse"):
        Window(opens=timedelta(hours=opens), closes=timedelta(hours=closes))


NIGHTS: dict[str, object] = {"days": "mon-fri", "from": "22:00", "to": "06:00"}
WEEKEND: dict[str, object] = {"start": "fri 18:00", "end": "mon 09:00"}
OFFICE_ON_HOLIDAYS: dict[str, object] = {"from": "09:00", "to": "17:00", "only_holidays": True}
MONDAY_LESS: dict[str, object] = {"start": "mon 10:00", "end": "mon 09:00"}
MONDAY_REST: dict[str, object] = {"start": "mon 10:00", "end": "mon 24:00"}
SPRING: dict[str, object] = {"days": "sun", "from": "02:00", "to": "03:00"}
HOLIDAYS = frozenset({date(2026, 1, 1), date(2026, 1, 3)})  # a Thursday and a Saturday


@pytest.mark.parametrize(
    "name, entry, start, end, expected",
    [
        ("every day", {"from": "09:00", "to": "17:00"}, "2026-01-03T00:00Z", "2026-01-05T12:00Z",
         ["03T08:00 03T16:00", "04T08:00 04T16:00", "05T08:00 05T12:00"]),
        ("over midnight, owned by Friday", NIGHTS, "2026-01-02T12:00Z", "2026-01-05T12:00Z",
         ["02T21:00 03T05:00"]),
        ("cut at both ends", NIGHTS, "2026-01-02T22:00Z", "2026-01-03T04:00Z", ["02T22:00 03T04:00"]),
        ("over the weekend", WEEKEND, "2026-01-01T00:00Z", "2026-01-08T00:00Z", ["02T17:00 05T08:00"]),
        ("a week less an hour", MONDAY_LESS, "2026-01-04T00:00Z", "2026-01-13T00:00Z",
         ["04T00:00 05T08:00", "05T09:00 12T08:00", "12T09:00 13T00:00"]),
        ("within one weekday", MONDAY_REST, "2026-01-04T00:00Z", "2026-01-08T00:00Z",
         ["05T09:00 05T23:00"]),
        ("whole days touch", {"from": "00:00", "to": "24:00"}, "2026-01-04T00:00Z", "2026-01-08T00:00Z",
         ["04T00:00 08T00:00"]),
        ("the whole week", {"start": "mon 00:00", "end": "sun 24:00"}, "2026-01-04T00:00Z",
         "2026-01-28T00:00Z", ["04T00:00 28T00:00"]),
        ("not on holidays", {"from": "22:00", "to": "06:00", "except_holidays": True}, "2026-01-01T00:00Z",
         "2026-01-05T00:00Z", ["01T00:00 01T05:00", "02T21:00 03T05:00", "04T21:00 05T00:00"]),
        ("on holidays only", {"from": "22:00", "to": "06:00", "only_holidays": True}, "2026-01-01T00:00Z",
         "2026-01-05T00:00Z", ["01T21:00 02T05:00", "03T21:00 04T05:00"]),
        ("on holidays of these days", {**NIGHTS, "only_holidays": True}, "2026-01-01T00:00Z",
         "2026-01-05T00:00Z", ["01T21:00 02T05:00"]),
        ("within the missing hour", SPRING, "2026-03-28T00:00Z", "2026-03-30T00:00Z", []),
        ("within the hour that comes twice", SPRING, "2026-10-24T00:00Z", "2026-10-26T00:00Z",
         ["25T00:00 25T02:00"]),
    ],
)  # fmt: skip
def test_spans_in_berlin(
    name: str, entry: dict[str, object], start: str, end: str, expected: list[str]
) -> None:
    spans = walltime.window_spans([Window.parse(entry)], HOLIDAYS, BERLIN, utc(start), utc(end))
    assert [f"{opened:%dT%H:%M} {closed:%dT%H:%M}" for opened, closed in spans] == expected


def test_overlapping_windows_are_one_span() -> None:
    windows = [Window.daily("09:00", "12:00"), Window.daily("11:00", "17:00"), Window.daily("10:00", "11:00")]
    spans = walltime.window_spans(
        windows, NO_HOLIDAYS, BERLIN, utc("2026-01-05T00:00Z"), utc("2026-01-06T00:00Z")
    )
    assert spans == ((utc("2026-01-05T08:00Z"), utc("2026-01-05T16:00Z")),)


@pytest.mark.parametrize(
    "instant, expected",
    [
        ("2026-01-05T07:59:59Z", False),
        ("2026-01-05T08:00Z", True),
        ("2026-01-05T15:59:59Z", True),
        ("2026-01-05T16:00Z", False),
    ],
)
def test_windows_are_half_open(instant: str, expected: bool) -> None:
    assert walltime.covers([Window.daily("09:00", "17:00")], NO_HOLIDAYS, BERLIN, utc(instant)) is expected


@pytest.mark.parametrize(
    "name, entry, instant, expected",
    [
        ("open now", WEEKEND, "2026-01-03T12:00:01Z", "2026-01-03T12:00:01Z"),
        ("later today", NIGHTS, "2026-01-05T12:00Z", "2026-01-05T21:00Z"),
        ("after the weekend", NIGHTS, "2026-01-03T05:00Z", "2026-01-05T21:00Z"),
        ("next week", {"start": "mon 10:00", "end": "mon 11:00"}, "2026-01-05T10:00Z", "2026-01-12T09:00Z"),
        ("on the next holiday", OFFICE_ON_HOLIDAYS, "2026-01-01T16:00Z",
         "2026-01-03T08:00Z"),
        ("never again", OFFICE_ON_HOLIDAYS, "2026-01-03T16:00Z", None),
        ("within 400 days", OFFICE_ON_HOLIDAYS, "2024-11-27T08:00Z",
         "2026-01-01T08:00Z"),
        ("a second beyond them", OFFICE_ON_HOLIDAYS, "2024-11-27T07:59:59Z", None),
    ],
)  # fmt: skip
def test_next_opening_in_berlin(
    name: str, entry: dict[str, object], instant: str, expected: str | None
) -> None:
    opening = walltime.next_opening([Window.parse(entry)], HOLIDAYS, BERLIN, utc(instant))
    assert opening == (None if expected is None else utc(expected))


def test_no_window_is_never_open() -> None:
    instant = utc("2026-01-03T12:00Z")
    assert not walltime.covers([], NO_HOLIDAYS, BERLIN, instant)
    assert walltime.next_opening([], NO_HOLIDAYS, BERLIN, instant) is None


def test_needs_holidays() -> None:
    assert not Window.daily("09:00", "17:00").needs_holidays
    assert Window.daily("09:00", "17:00", except_holidays=True).needs_holidays
    assert Window.weekly("fri 18:00", "mon 09:00", only_holidays=True).needs_holidays


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@given(st.one_of(near_a_change(), anywhere), st.sets(st.integers(0, 24 * 60 - 1), min_size=2, max_size=5))
@settings(deadline=None, max_examples=100)
def test_abutting_windows_leave_no_hole_in_any_zone(place: tuple[ZoneInfo, datetime], cuts: set[int]) -> None:
    zone, near = place
    edges = sorted(cuts)
    daily = [Window.daily(clock(start), clock(end)) for start, end in pairwise([*edges, edges[0]])]
    days = [f"{day} {clock(edges[0])}" for day in walltime.WEEKDAYS]
    weekly = [Window.weekly(start, end) for start, end in pairwise([*days, days[0]])]
    start = near.replace(tzinfo=UTC) - timedelta(days=3)
    end = start + timedelta(days=9)
    for windows in (daily, weekly):
        assert walltime.window_spans(windows, NO_HOLIDAYS, zone, start, end) == ((start, end),)


@given(near_a_change(), st.integers(0, 6), st.integers(0, 24 * 60 - 1), st.integers(1, 7 * 24 * 60 - 1))
@settings(deadline=None, max_examples=100)
def test_next_opening_agrees_with_the_spans(
    place: tuple[ZoneInfo, datetime], day: int, opens: int, length: int
) -> None:
    zone, near = place
    instant = near.replace(tzinfo=UTC)
    start = timedelta(minutes=opens)
    windows = [Window(days=frozenset({day}), opens=start, closes=start + timedelta(minutes=length))]
    ahead = walltime.window_spans(windows, NO_HOLIDAYS, zone, instant, instant + timedelta(days=30))
    assert walltime.next_opening(windows, NO_HOLIDAYS, zone, instant) == ahead[0][0]
    assert walltime.covers(windows, NO_HOLIDAYS, zone, ahead[0][0])
    assert walltime.covers(windows, NO_HOLIDAYS, zone, instant) is (ahead[0][0] == instant)
