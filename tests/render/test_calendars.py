"""Shifts as an iCalendar: one event a shift, whatever names hold, and the same text for the same shifts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from incident_bot.core.model import Person
from incident_bot.core.oncall import Shift
from incident_bot.render.calendars import Entry, calendar

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PEOPLE = {
    "alice": Person(id="alice", name="Alice Example", contacts={"mail": "alice@example.com"}),
    "bob": Person(id="bob", name="Bob"),
}


def entry(*people: str, hours: int = 0, why: str = "payments: layer week, turn 3") -> Entry:
    start = NOON + timedelta(hours=hours)
    return Entry(
        "payments-primary", Shift(start=start, end=start + timedelta(hours=12), people=people, why=why)
    )


def test_a_shift_as_an_event() -> None:
    text = calendar([entry("alice", "bob")], name="On call: payments-primary", people=PEOPLE, stamp=NOON)
    assert text.replace("\r\n ", "").split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//incident-bot//on call//EN",
        "CALSCALE:GREGORIAN",
        "NAME:On call: payments-primary",
        "X-WR-CALNAME:On call: payments-primary",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
        "BEGIN:VEVENT",
        "UID:c14961ff52c0f15e3c775e33ed857f20@incident-bot",
        "DTSTAMP:20260301T120000Z",
        "DTSTART:20260301T120000Z",
        "DTEND:20260302T000000Z",
        "SUMMARY:On call: Alice Example\\, Bob – payments-primary",
        "DESCRIPTION:payments: layer week\\, turn 3",
        "TRANSP:TRANSPARENT",
        'ATTENDEE;CN="Alice Example";ROLE=REQ-PARTICIPANT:mailto:alice@example.com',
        "X-INCIDENT-BOT-PERSON:alice",
        "X-INCIDENT-BOT-PERSON:bob",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def uids(*entries: Entry) -> list[str]:
    text = calendar(entries, name="x", people=PEOPLE, stamp=NOON)
    return [str(event["UID"]) for event in Calendar.from_ical(text).walk("VEVENT")]


def test_a_shift_keeps_its_uid_while_its_start_and_people_stay() -> None:
    [first] = uids(entry("alice", "bob"))
    assert uids(entry("bob", "alice", why="another turn")) == [first]
    assert uids(entry("alice")) != [first]
    assert uids(entry("alice", "bob", hours=1)) != [first]
    assert len(set(uids(*(entry("alice", hours=n) for n in range(50))))) == 50


def test_nobody_on_call_is_a_calendar_too() -> None:
    assert Calendar.from_ical(calendar([], name="x", people={}, stamp=NOON)).walk("VEVENT") == []


def test_whom_nobody_knows_any_more_is_called_by_id() -> None:
    assert "SUMMARY:On call: zoe – payments-primary" in calendar(
        [entry("zoe")], name="x", people={}, stamp=NOON
    )


ANY = st.text(max_size=30) | st.sampled_from(
    ["\r\nEND:VEVENT\r\nBEGIN:VEVENT", 'a";b:c', "\\n\\", "x\x00y", "\u2028", "ü" * 90, "\ud800", ",;:^'",
     "\N{PILE OF POO}" * 60]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(name=ANY, mail=ANY, why=ANY, title=ANY)
def test_whatever_a_name_holds_stays_within_its_line(name: str, mail: str, why: str, title: str) -> None:
    person = Person(id="alice", name=name, contacts={"mail": mail.replace("\ud800", "")})
    text = calendar([entry("alice", why=why)] * 2, name=title, people={"alice": person}, stamp=NOON)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f]|(?<!\r)\n|\r(?!\n)", text)
    events = Calendar.from_ical(text).walk("VEVENT")
    assert len(events) == 2
    shown = "".join(sign if sign.isprintable() else " " for sign in name)
    assert str(events[0]["SUMMARY"]) == f"On call: {shown} – payments-primary"
    assert not events[0].errors
