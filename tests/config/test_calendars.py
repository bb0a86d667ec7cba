"""What an iCalendar books: series, exceptions, zones, whole days, and whom an event names (RFC 5545)."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from incident_bot.config.calendars import AHEAD, BACK, BOOKINGS_MOST
from tests.config.calendar_texts import NOW, event, read, spans, whole

OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Our own rules
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""
NINE = "DTSTART;TZID=Europe/Berlin:20260302T090000"
FIVE = "DTEND;TZID=Europe/Berlin:20260302T170000"
ALICE = "SUMMARY:alice"

BOOKED: Mapping[str, tuple[str, list[str]]] = {
    "one event in UTC": (
        event("DTSTART:20260302T080000Z", "DTEND:20260302T160000Z", ALICE),
        ["03-02T08:00–16:00 alice"],
    ),
    "a duration in place of an end": (
        event(NINE, "DURATION:PT90M", ALICE),
        ["03-02T08:00–09:30 alice"],
    ),
    "a series keeps its local time over the change of clocks": (
        event(NINE, FIVE, "RRULE:FREQ=WEEKLY;COUNT=5", ALICE),
        [
            "03-02T08:00–16:00 alice",
            "03-09T08:00–16:00 alice",
            "03-16T08:00–16:00 alice",
            "03-23T08:00–16:00 alice",
            "03-30T07:00–15:00 alice",
        ],
    ),
    "a shift over the change of clocks ends at its local time": (
        event(
            "DTSTART;TZID=Europe/Berlin:20260328T220000", "DTEND;TZID=Europe/Berlin:20260329T060000", ALICE
        ),
        ["03-28T21:00–03-29T04:00 alice"],
    ),
    "a missing local time is the moment of the change (R4)": (
        event("DTSTART;TZID=Europe/Berlin:20260329T023000", "DURATION:PT3H", ALICE),
        ["03-29T01:00–03:30 alice"],
    ),
    "an excluded date": (
        event(NINE, FIVE, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Europe/Berlin:20260303T090000", ALICE),
        ["03-02T08:00–16:00 alice", "03-04T08:00–16:00 alice"],
    ),
    "an excluded whole day": (
        event(NINE, FIVE, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260303", ALICE),
        ["03-02T08:00–16:00 alice", "03-04T08:00–16:00 alice"],
    ),
    "an added date": (
        event(NINE, FIVE, "RDATE;TZID=Europe/Berlin:20260310T100000", ALICE),
        ["03-02T08:00–16:00 alice", "03-10T09:00–17:00 alice"],
    ),
    "an added period": (
        event(NINE, FIVE, "RDATE;VALUE=PERIOD:20260310T100000Z/PT1H", ALICE),
        ["03-02T08:00–16:00 alice", "03-10T10:00–11:00 alice"],
    ),
    "one of a series moved, and to somebody else": (
        event(NINE, FIVE, "RRULE:FREQ=DAILY;COUNT=3", ALICE)
        + event(
            "RECURRENCE-ID;TZID=Europe/Berlin:20260303T090000",
            "DTSTART;TZID=Europe/Berlin:20260303T120000",
            "DTEND;TZID=Europe/Berlin:20260303T180000",
            "SUMMARY:bob",
        ),
        ["03-02T08:00–16:00 alice", "03-03T11:00–17:00 bob", "03-04T08:00–16:00 alice"],
    ),
    "one of a series called off": (
        event(NINE, FIVE, "RRULE:FREQ=DAILY;COUNT=3", ALICE)
        + event(
            "RECURRENCE-ID;TZID=Europe/Berlin:20260303T090000",
            "DTSTART;TZID=Europe/Berlin:20260303T090000",
            "DTEND;TZID=Europe/Berlin:20260303T170000",
            "STATUS:CANCELLED",
            ALICE,
        ),
        ["03-02T08:00–16:00 alice", "03-04T08:00–16:00 alice"],
    ),
    "this one and all that follow": (
        event(NINE, FIVE, "RRULE:FREQ=DAILY;COUNT=3", ALICE)
        + event(
            "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260303T090000",
            "DTSTART;TZID=Europe/Berlin:20260303T100000",
            "DTEND;TZID=Europe/Berlin:20260303T180000",
            ALICE,
        ),
        ["03-02T08:00–16:00 alice", "03-03T09:00–17:00 alice", "03-04T09:00–17:00 alice"],
    ),
    "an event called off": (event(NINE, FIVE, "STATUS:CANCELLED", ALICE), []),
    "a tentative one counts": (event(NINE, FIVE, "STATUS:TENTATIVE", ALICE), ["03-02T08:00–16:00 alice"]),
    "a whole day is the layer's": (
        event("DTSTART;VALUE=DATE:20260329", ALICE),
        ["03-28T23:00–03-29T22:00 alice"],
    ),
    "whole days end before their end": (
        event("DTSTART;VALUE=DATE:20260302", "DTEND;VALUE=DATE:20260305", ALICE),
        ["03-01T23:00–03-04T23:00 alice"],
    ),
    "a floating time is the layer's": (
        event("DTSTART:20260302T090000", "DTEND:20260302T170000", ALICE),
        ["03-02T08:00–16:00 alice"],
    ),
    "a Windows name, as Outlook writes it": (
        event('DTSTART;TZID="Eastern Standard Time":20260302T090000', "DURATION:PT1H", ALICE),
        ["03-02T14:00–15:00 alice"],
    ),
    "a name behind a maker's prefix": (
        event(
            "DTSTART;TZID=/freeassociation.sourceforge.net/America/New_York:20260302T090000",
            "DURATION:PT1H",
            ALICE,
        ),
        ["03-02T14:00–15:00 alice"],
    ),
    "the file's own zone": (
        OWN_ZONE
        + event(
            "DTSTART;TZID=Our own rules:20260328T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2", ALICE
        ),
        ["03-28T08:00–09:00 alice", "03-29T07:00–08:00 alice"],
    ),
    "a known name wins over what the file says of it": (
        OWN_ZONE.replace("Our own rules", "America/New_York")
        + event("DTSTART;TZID=America/New_York:20260302T090000", "DURATION:PT1H", ALICE),
        ["03-02T14:00–15:00 alice"],
    ),
    "until, with a date alone": (
        event(NINE, FIVE, "RRULE:FREQ=DAILY;UNTIL=20260303T235959Z", ALICE),
        ["03-02T08:00–16:00 alice", "03-03T08:00–16:00 alice"],
    ),
    "two weekdays": (
        event(NINE, FIVE, "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", ALICE),
        ["03-02T08:00–16:00 alice", "03-04T08:00–16:00 alice", "03-09T08:00–16:00 alice"],
    ),
    "the last Friday of the month": (
        event("DTSTART:20260327T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", ALICE),
        ["03-27T09:00–10:00 alice", "04-24T09:00–10:00 alice"],
    ),
    "every twelve hours": (
        event("DTSTART:20260302T080000Z", "DURATION:PT12H", "RRULE:FREQ=HOURLY;INTERVAL=12;COUNT=2", ALICE),
        ["03-02T08:00–20:00 alice", "03-02T20:00–03-03T08:00 alice"],
    ),
    "alarms, attachments and what nobody knows": (
        "X-WR-CALNAME:Team\r\n"
        + event(
            NINE,
            FIVE,
            ALICE,
            "ATTACH;ENCODING=BASE64;VALUE=BINARY:!!",
            "GEO:nowhere",
            "X-NEW;A=b:c",
            "BEGIN:VALARM",
            "TRIGGER:-PT15M",
            "ACTION:DISPLAY",
            "END:VALARM",
        ),
        ["03-02T08:00–16:00 alice"],
    ),
    "a folded line, and line ends of another system": (
        event(NINE, FIVE, "SUMMARY:al\r\n ice").replace("\r\n", "\n"),
        ["03-02T08:00–16:00 alice"],
    ),
    "an event without an identifier": (
        event(NINE, FIVE, ALICE).replace("UID:one@example.com\r\n", ""),
        ["03-02T08:00–16:00 alice"],
    ),
}


@pytest.mark.parametrize("case", BOOKED)
def test_what_is_booked(case: str) -> None:
    text, expected = BOOKED[case]
    assert spans(whole(text)) == expected


def test_two_files_may_call_different_rules_by_one_name() -> None:
    there = event("DTSTART;TZID=Our own rules:20260302T090000", "DURATION:PT1H", ALICE)
    other = OWN_ZONE.replace("+0200", "+0700").replace("+0100", "+0600")
    assert spans(whole(OWN_ZONE, there)) == ["03-02T08:00–09:00 alice"]
    assert spans(whole(other, there)) == ["03-02T03:00–04:00 alice"]
    assert spans(whole(OWN_ZONE, there)) == ["03-02T08:00–09:00 alice"]


def test_it_reaches_from_400_days_back_to_800_ahead() -> None:
    found, problems = read(
        whole(event("DTSTART:20200101T000000Z", "DURATION:P1D", "RRULE:FREQ=DAILY", ALICE))
    )
    assert not problems
    assert found[0].start <= NOW - BACK < found[0].end
    assert found[-1].start < NOW + AHEAD <= found[-1].end
    assert len(found) == (AHEAD + BACK).days + 1


NAMED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "by address": (("ATTENDEE:mailto:alice@example.com", "SUMMARY:Night duty"), ("alice",)),
    "by address, whatever its case": (("ATTENDEE:MAILTO:bob.builder@EXAMPLE.com",), ("bob",)),
    "both, in order": (
        ("ATTENDEE:mailto:bob.builder@example.com", "ATTENDEE:mailto:alice@example.com"),
        ("bob", "alice"),
    ),
    "who declined is not meant": (
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:bob.builder@example.com", "ATTENDEE:mailto:alice@example.com"),
        ("alice",),
    ),
    "rooms are nobody": (
        ("ATTENDEE;CUTYPE=ROOM:mailto:room@example.com", "ATTENDEE:mailto:alice@example.com"),
        ("alice",),
    ),
    "by id": (("SUMMARY:bob",), ("bob",)),
    "by name, whatever its case": (("SUMMARY:ALICE  example",), ("alice",)),
    "after on call": (("SUMMARY:On call: Alice Example",), ("alice",)),
    "after on-call": (("SUMMARY:on-call - bob",), ("bob",)),
    "before a schedule": (("SUMMARY:On call: Alice Example – payments-primary",), ("alice",)),
    "before a remark": (("SUMMARY:Bob (swapped with Alice)",), ("bob",)),
    "two with a comma": (("SUMMARY:bob\\, Alice Example",), ("bob", "alice")),
    "two with an and": (("SUMMARY:On call: bob and alice – x",), ("bob", "alice")),
    "two with a slash": (("SUMMARY:bob/alice",), ("bob", "alice")),
    "a name with a comma in it": (("SUMMARY:Ernst\\, Carla",), ("comma",)),
    "by the file's own words": (("SUMMARY:The Boss",), ("alice",)),
    "by the file's own address": (("ATTENDEE:mailto:private@example.net",), ("bob",)),
    "by our own feed": (
        ("X-INCIDENT-BOT-PERSON:bob", "X-INCIDENT-BOT-PERSON:alice", "SUMMARY:alice"),
        ("bob", "alice"),
    ),
    "another bot's people are looked up": (("X-INCIDENT-BOT-PERSON:zoe", "SUMMARY:alice"), ("alice",)),
}


@pytest.mark.parametrize("case", NAMED)
def test_whom_an_event_names(case: str) -> None:
    lines, expected = NAMED[case]
    own = {"the boss": "alice", "private@example.net": "bob"}
    found, problems = read(whole(event(NINE, FIVE, *lines)), own)
    assert [one.people for one in found] == [expected]
    assert not problems


LEFT_OUT: Mapping[str, tuple[tuple[str, ...], str]] = {
    "nobody": (
        ("SUMMARY:Team lunch",),
        '"Team lunch" names nobody of people.yaml, so it books nobody (from 2026-03-02 08:00',
    ),
    "no summary": ((), '"" names nobody'),
    "two of one name": (("SUMMARY:Kim Twin",), '"Kim Twin" names nobody'),
    "a stranger's address": (("ATTENDEE:mailto:zoe@example.com", "SUMMARY:x"), '"x" names nobody'),
    "no length": (("SUMMARY:alice",), '"alice" has no length'),
    "backwards": (("SUMMARY:alice",), '"alice" ends before it starts; it is left out'),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_books_nobody_is_a_warning_with_its_summary_and_date(case: str) -> None:
    lines, message = LEFT_OUT[case]
    end = {"no length": "DURATION:PT0S", "backwards": "DTEND;TZID=Europe/Berlin:20260301T170000"}.get(
        case, FIVE
    )
    found, problems = read(whole(event(NINE, end, *lines)))
    assert not found
    [problem] = problems
    assert (problem.severity, problem.file, problem.line) == ("warning", "rotations/calendars/team.ics", 4)
    assert message in problem.message


def test_a_series_that_names_nobody_is_one_warning() -> None:
    _, problems = read(whole(event(NINE, FIVE, "RRULE:FREQ=DAILY;COUNT=9", "SUMMARY:zoe")))
    assert [problem.message for problem in problems] == [
        '"zoe" names nobody of people.yaml, so it books nobody (from 2026-03-02 08:00 UTC and 8 more times)'
    ]


def test_a_stranger_beside_somebody_known_is_a_warning() -> None:
    found, problems = read(whole(event(NINE, FIVE, "SUMMARY:alice, zoe".replace(",", "\\,"))))
    assert [one.people for one in found] == [("alice",)]
    assert ['"zoe" is nobody of people.yaml' in problem.message for problem in problems] == [True]


def test_many_warnings_are_counted() -> None:
    text = whole(*(event(NINE, FIVE, f"SUMMARY:nobody {n}", uid=f"u{n}") for n in range(50)))
    _, problems = read(text)
    assert len(problems) == 21
    assert problems[-1].message == "and 30 more events like these"


def test_more_bookings_than_can_be_asked_are_refused() -> None:
    events = (
        event(f"DTSTART:20260101T{n:02}0000Z", "DURATION:PT30M", "RRULE:FREQ=DAILY", ALICE, uid=str(n))
        for n in range(24)
    )
    found, problems = read(whole(*events))
    assert not found
    assert f"more than {BOOKINGS_MOST} bookings" in problems[-1].message


def test_more_people_at_once_than_anybody_means_are_refused() -> None:
    found, problems = read(whole(*(event(NINE, FIVE, ALICE, uid=str(n)) for n in range(101))))
    assert not found
    assert "more than 100 events at one time" in problems[-1].message


def test_the_title_says_what_the_calendar_called_it() -> None:
    found, _ = read(whole(event(NINE, FIVE, "SUMMARY:On call: alice\\n  (swap)")))
    assert found[0].title == "On call: alice (swap)"
    assert found[0].start == datetime(2026, 3, 2, 8, tzinfo=UTC)
