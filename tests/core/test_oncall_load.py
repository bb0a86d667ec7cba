"""How the load is spread: hours by kind on the person's own clock, and pages by night."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.oncall.load import Duty, Hours, hours, is_night, nights, shared
from incident_bot.core.walltime import Span

BERLIN, SYDNEY, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Sydney"), ZoneInfo("UTC")
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Pacific/Apia", "UTC")
NAMES = ("weekday_day", "weekday_night", "weekend", "holiday")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Span:
    return at(start), at(end)


def figures(found: Hours) -> tuple[float, ...]:
    return tuple(getattr(found, name) / timedelta(hours=1) for name in NAMES)


# 2026-02-02 is a Monday.
@pytest.mark.parametrize(
    "start, end, zone, holidays, expected",
    [
        ("2026-02-02T09:00", "2026-02-02T17:00", UTC_ZONE, [], (8, 0, 0, 0)),
        ("2026-02-02T00:00", "2026-02-03T00:00", UTC_ZONE, [], (16, 8, 0, 0)),
        ("2026-02-02T21:00", "2026-02-03T07:00", UTC_ZONE, [], (2, 8, 0, 0)),
        ("2026-02-06T20:00", "2026-02-09T07:00", UTC_ZONE, [], (3, 8, 48, 0)),  # Friday evening to Monday
        ("2026-02-02T00:00", "2026-02-09T00:00", UTC_ZONE, [], (80, 40, 48, 0)),
        ("2026-02-02T00:00", "2026-02-03T00:00", UTC_ZONE, ["2026-02-02"], (0, 0, 0, 24)),
        ("2026-02-07T00:00", "2026-02-09T00:00", UTC_ZONE, ["2026-02-07"], (0, 0, 24, 24)),
        # Noon in London is night in Sydney, and Friday evening there is Saturday morning.
        ("2026-02-02T12:00", "2026-02-02T18:00", SYDNEY, [], (0, 6, 0, 0)),
        ("2026-02-06T13:00", "2026-02-06T15:00", SYDNEY, [], (0, 0, 2, 0)),
        ("2026-02-02T13:00", "2026-02-02T15:00", SYDNEY, ["2026-02-03"], (0, 0, 0, 2)),
        # The night in which the clock goes forward, Saturday to Sunday, and the one in which it goes back.
        ("2026-03-28T21:00", "2026-03-29T22:00", BERLIN, [], (0, 0, 25, 0)),
        ("2026-03-28T23:00", "2026-03-29T22:00", BERLIN, ["2026-03-29"], (0, 0, 0, 23)),
        ("2026-10-24T22:00", "2026-10-25T23:00", BERLIN, ["2026-10-25"], (0, 0, 0, 25)),
        ("2026-10-25T21:00", "2026-10-26T05:00", BERLIN, [], (0, 6, 2, 0)),
    ],
)  # fmt: skip
def test_hours_by_kind(
    start: str, end: str, zone: ZoneInfo, holidays: list[str], expected: tuple[float, ...]
) -> None:
    duty = Duty(spans=(span(start, end),), holidays=frozenset(map(date.fromisoformat, holidays)))
    assert figures(hours([duty], zone)) == expected


def test_nobody_has_no_hours() -> None:
    assert hours([], UTC_ZONE) == Hours()
    assert hours([Duty(spans=())], UTC_ZONE).total == timedelta(0)


def test_an_hour_on_two_schedules_counts_once_and_is_a_holiday_where_it_is_one_on_either() -> None:
    plain = Duty(spans=(span("2026-02-02T08:00", "2026-02-02T12:00"),))
    festive = Duty(
        spans=(span("2026-02-02T10:00", "2026-02-02T14:00"), span("2026-02-04T10:00", "2026-02-04T11:00")),
        holidays=frozenset({date(2026, 2, 2)}),
    )
    found = hours([plain, festive], UTC_ZONE)
    assert figures(found) == (3, 0, 0, 4)
    assert (found.total, found.unsocial) == (timedelta(hours=7), timedelta(hours=4))


@pytest.mark.parametrize(
    "instant, zone, expected",
    [
        ("2026-02-02T21:59", UTC_ZONE, False), ("2026-02-02T22:00", UTC_ZONE, True),
        ("2026-02-02T05:59", UTC_ZONE, True), ("2026-02-02T06:00", UTC_ZONE, False),
        ("2026-02-02T12:00", SYDNEY, True), ("2026-02-02T21:30", BERLIN, True),
    ],
)  # fmt: skip
def test_night_is_on_the_persons_clock(instant: str, zone: ZoneInfo, expected: bool) -> None:
    assert is_night(at(instant), zone) is expected


def test_nights_have_the_date_of_their_evening_and_follow_the_clock() -> None:
    found = dict(nights(BERLIN, at("2026-10-24T06:00"), at("2026-10-25T22:00")))
    assert found == {
        date(2026, 10, 24): span("2026-10-24T20:00", "2026-10-25T05:00"),  # nine hours
        date(2026, 10, 25): span("2026-10-25T21:00", "2026-10-26T05:00"),
    }
    early = [day for day, _ in nights(UTC_ZONE, at("2026-02-02T05:00"), at("2026-02-02T06:00"))]
    assert early == [date(2026, 2, 1)]


def test_what_each_carried_the_one_with_most_hours_first() -> None:
    duties = {
        "ana": [Duty(spans=(span("2026-02-02T08:00", "2026-02-02T11:00"),))],
        "ben": [Duty(spans=(span("2026-02-03T08:00", "2026-02-03T17:00"),))],
    }
    pages = {"ana": [at("2026-02-02T09:00"), at("2026-02-02T23:00")], "cleo": [at("2026-02-02T09:00")]}
    zones = {"ana": UTC_ZONE, "ben": UTC_ZONE, "cleo": SYDNEY}
    found = shared(duties, pages, zones)
    assert [(one.person, one.share, one.shifts, one.pages, one.night_pages) for one in found] == [
        ("ben", 0.75, 1, 0, 0),
        ("ana", 0.25, 1, 2, 1),
        ("cleo", 0.0, 0, 1, 0),
    ]


def test_where_nobody_was_on_call_nobody_has_a_share() -> None:
    (one,) = shared({}, {"ana": [at("2026-02-02T03:00")]}, {"ana": UTC_ZONE})
    assert (one.share, one.night_pages, one.hours) == (0.0, 1, Hours())


MINUTES = st.integers(0, 60 * 24 * 400)


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(MINUTES, min_size=2, max_size=8, unique=True),
    st.sets(st.integers(0, 400)),
)
def test_kinds_add_up_to_the_whole_time(zone: str, minutes: list[int], days: set[int]) -> None:
    start = at("2026-01-01T00:00")
    moments = [start + timedelta(minutes=minute) for minute in sorted(minutes)]
    spans = tuple(zip(moments[::2], moments[1::2], strict=False))
    holidays = frozenset(date(2026, 1, 1) + timedelta(days=day) for day in days)
    duty = Duty(spans=spans, holidays=holidays)
    whole = sum((end - begin for begin, end in spans), timedelta(0))
    once = hours([duty], ZoneInfo(zone))
    assert once.total == whole
    assert hours([duty, duty], ZoneInfo(zone)) == once
    assert hours([duty, Duty(spans=spans)], ZoneInfo(zone)) == once


@settings(deadline=None)
@given(st.sampled_from(ZONES), MINUTES)
def test_the_kind_of_an_hour_agrees_with_what_is_a_night(zone: str, minute: int) -> None:
    begin = at("2026-01-01T00:00") + timedelta(minutes=minute)
    found = hours([Duty(spans=((begin, begin + timedelta(minutes=1)),))], ZoneInfo(zone))
    dark = is_night(begin, ZoneInfo(zone))
    assert (found.weekday_night > timedelta(0)) is (dark and found.weekend == timedelta(0))
