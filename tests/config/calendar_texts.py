"""iCalendars for tests, and what they book: `alice` and `bob` are known, the layer is in Berlin."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from incident_bot.config.calendars import Calendar, Roll, bookings_of
from incident_bot.core.errors import Problem
from incident_bot.core.model import Person
from incident_bot.core.oncall import Booking
from incident_bot.core.walltime import zone

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PEOPLE: Final[Mapping[str, Person]] = {
    "alice": Person(id="alice", name="Alice Example", contacts={"mail": "alice@example.com"}),
    "bob": Person(id="bob", name="Bob", contacts={"mail": "Bob.Builder@example.com"}),
    "comma": Person(id="comma", name="Ernst, Carla"),
    "twin1": Person(id="twin1", name="Kim Twin"),
    "twin2": Person(id="twin2", name="Kim Twin"),
}


def event(*lines: str, uid: str = "one@example.com") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT", ""])


def whole(*parts: str) -> str:
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + ("".join(parts) + "END:VCALENDAR\r\n")


def read(text: str, own: Mapping[str, str] | None = None) -> tuple[tuple[Booking, ...], list[Problem]]:
    problems: list[Problem] = []
    roll = Roll(PEOPLE, own or {})
    calendar = Calendar(file="rotations/calendars/team.ics", text=text, zone=zone("Europe/Berlin"), roll=roll)
    return bookings_of(calendar, problems, now=NOW), problems


def spans(text: str) -> list[str]:
    """What it books, as `2026-03-02T08:00–16:00 alice`, in UTC; anything wrong with it fails the test."""
    found, problems = read(text)
    assert not problems
    return [_span(one) for one in found]


def _span(one: Booking) -> str:
    end = f"{one.end:%H:%M}" if one.end.date() == one.start.date() else f"{one.end:%m-%dT%H:%M}"
    return f"{one.start:%m-%dT%H:%M}–{end} {'+'.join(one.people)}"
