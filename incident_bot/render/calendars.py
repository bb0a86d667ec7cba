"""Shifts as an iCalendar that calendar programs subscribe to (RFC 5545, RFC 7986). Decides nothing.

The same shifts, people and stamp give the same text, and a shift keeps its UID as long as its start and people
stay: what has not changed is not shown as new. Whatever a name holds, the text stays one event a shift.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from icalendar import Calendar, Event
from icalendar.prop import vCalAddress

from incident_bot.core.model import Person
from incident_bot.core.oncall import Shift

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
REFRESH: Final = timedelta(minutes=15)
"""How often a program should look again; many take their own time."""

_MAKER: Final = "-//incident-bot//on call//EN"
_IN_ADDRESS: Final = "@+._-!$'*~="
_TEXT_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One shift of one schedule."""

    schedule: str
    shift: Shift


def calendar(entries: Iterable[Entry], *, name: str, people: Mapping[str, Person], stamp: datetime) -> str:
    """Give the calendar of these shifts in their order: one VEVENT each, times in UTC, lines folded.

    `stamp` becomes every DTSTAMP. A person who is in `people` no more is called by id.
    """
    whole = Calendar()
    whole.add("version", "2.0")
    whole.add("prodid", _MAKER)
    whole.add("calscale", "GREGORIAN")
    whole.add("name", _plain(name))
    whole.add("x-wr-calname", _plain(name))
    whole.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    whole.add("x-published-ttl", f"PT{REFRESH // timedelta(minutes=1)}M")
    for entry in entries:
        whole.add_component(_event(entry, people, stamp))
    text: bytes = whole.to_ical(sorted=False)
    return text.decode()


def summary(entry: Entry, people: Mapping[str, Person]) -> str:
    """Give what a calendar shows of a shift: `On call: Alice Example – payments-primary`."""
    names = ", ".join(_name(person, people) for person in entry.shift.people)
    return _plain(f"On call: {names} – {entry.schedule}")


def _event(entry: Entry, people: Mapping[str, Person], stamp: datetime) -> Event:
    shift = entry.shift
    event = Event()
    event.add("uid", _uid(entry))
    event.add("dtstamp", stamp)
    event.add("dtstart", shift.start.astimezone(UTC))
    event.add("dtend", shift.end.astimezone(UTC))
    event.add("summary", summary(entry, people))
    event.add("description", _plain(shift.why))
    event.add("transp", "TRANSPARENT")
    for person in shift.people:
        address = people[person].contacts.get("mail") if person in people else None
        if address:
            attendee = vCalAddress(f"mailto:{quote(address, safe=_IN_ADDRESS)}")
            attendee.params["CN"] = _plain(_name(person, people)).replace('"', "'")
            attendee.params["ROLE"] = "REQ-PARTICIPANT"
            event.add("attendee", attendee, encode=False)
        event.add("x-incident-bot-person", person)
    return event


def _uid(entry: Entry) -> str:
    parts = (entry.schedule, entry.shift.start.astimezone(UTC).isoformat(), *sorted(entry.shift.people))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] + "@incident-bot"


def _name(person: str, people: Mapping[str, Person]) -> str:
    return people[person].name if person in people else person


def _plain(text: str) -> str:
    """Leave out what no calendar prints: control characters and halves of surrogate pairs."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_TEXT_MOST]
