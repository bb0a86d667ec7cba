"""Events as bookings: series counted out with their exceptions, every time an instant, every name a person.

What is counted out reaches from `BACK` before the load to `AHEAD` after it, so a running bot counts anew from
time to time (`flow.configure`). Local times become instants by R4, in the layer's zone where an event names none.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import Any, Final
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar as Component

from incident_bot.config.calendars.events import LINE, Series, read_calendar, title_of
from incident_bot.config.calendars.people import Roll
from incident_bot.config.calendars.zones import TROUBLES
from incident_bot.config.tree import one_line
from incident_bot.core.errors import Problem
from incident_bot.core.model import Person
from incident_bot.core.oncall import Booking
from incident_bot.core.walltime import EARLIEST, LATEST, to_instant

FOLDER: Final = "rotations/"
BACK: Final = timedelta(days=400)
AHEAD: Final = timedelta(days=800)
BOOKINGS_MOST: Final = 20_000
AT_ONCE_MOST: Final = 100
WARNINGS_MOST: Final = 20
SECONDS_MOST: Final = 20.0
"""A calendar that takes longer to count out is refused."""

_MARGIN: Final = timedelta(days=2)
"""Local times stand up to a day off UTC; what is too much is cut off when the instants are known."""
_TITLE_MOST: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """The `.ics` files of a configuration set, for the layers that name them."""

    texts: Mapping[str, str]
    """Every document by its path below the configuration directory."""
    people: Mapping[str, Person]
    now: datetime
    """The load's."""
    used: set[str] = field(default_factory=set, compare=False)
    """The paths that a layer asked for so far."""

    def bookings(
        self, file: str, own: Mapping[str, str], zone: ZoneInfo, problems: list[Problem]
    ) -> tuple[Booking, ...] | None:
        """Give what a file, named from `rotations/`, books in this zone; None where there is no such file.

        `own` are the layer's words for people. Adds the problems that `bookings_of` finds.
        """
        path = f"{FOLDER}{file}"
        if path not in self.texts or not path.endswith(".ics"):
            return None
        self.used.add(path)
        calendar = Calendar(file=path, text=self.texts[path], zone=zone, roll=Roll(self.people, own))
        return bookings_of(calendar, problems, now=self.now)

    def unused(self) -> Iterator[Problem]:
        """Give a warning for every file that no layer asked for: what stands in it does not count."""
        for path in sorted(self.texts):
            if path.endswith(".ics") and path not in self.used:
                message = (
                    f"is named by no layer; write calendar: {{file: {path.removeprefix(FOLDER)}}} in one"
                )
                yield Problem(path, 1, message, "warning")

    @property
    def files(self) -> tuple[str, ...]:
        """The names under which layers may ask for them."""
        return tuple(sorted(path.removeprefix(FOLDER) for path in self.texts if path.endswith(".ics")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One `.ics` file as a layer uses it."""

    file: str
    """Path below the configuration directory."""
    text: str
    zone: ZoneInfo
    """The layer's, for times that name none and for whole days."""
    roll: Roll


def bookings_of(calendar: Calendar, problems: list[Problem], *, now: datetime) -> tuple[Booking, ...]:
    """Give every booking from 400 days before `now` to 800 days after it, the earliest first.

    Adds a problem for whatever is broken (an error) and for every event that books nobody known (a warning).
    """
    start, end = max(now - BACK, EARLIEST + _MARGIN), min(now + AHEAD, LATEST - _MARGIN)
    deadline = perf_counter() + SECONDS_MOST

    def late() -> bool:
        return perf_counter() > deadline

    series = read_calendar(calendar.text, file=calendar.file, until=end, late=late, problems=problems)
    found: list[Booking] = []
    unclear = _Unclear(calendar.file)
    for one in series:
        for event in _occurrences(one, calendar.file, problems, start, end):
            booking = _booking(event, calendar, unclear)
            if booking is not None and booking.start < end and start < booking.end:
                found.append(booking)
        if len(found) > BOOKINGS_MOST:
            message = f"gives more than {BOOKINGS_MOST} bookings; split it, or end its series"
            problems.append(Problem(calendar.file, one.line, message))
            return ()
        if late():
            break
    if late():
        message = f"takes longer than {SECONDS_MOST:g} s to count out; end its series, or begin them later"
        problems.append(Problem(calendar.file, 1, message))
        return ()
    problems += unclear.problems()
    if _crowded(found):
        problems.append(Problem(calendar.file, 1, f"has more than {AT_ONCE_MOST} events at one time"))
        return ()
    return tuple(
        sorted(found, key=lambda booking: (booking.start, booking.end, booking.title, booking.people))
    )


def _occurrences(
    series: Series, file: str, problems: list[Problem], start: datetime, end: datetime
) -> Iterable[Any]:
    """Give every occurrence of a series that still takes place."""
    whole = Component()
    for event in series.events:
        whole.add_component(event)
    try:
        found = recurring_ical_events.of(whole).between(start - _MARGIN, end + _MARGIN)
    except TROUBLES as error:
        text = (str(error).splitlines() or ["it contradicts itself"])[0]
        problems.append(Problem(file, series.line, one_line(f"VEVENT cannot be counted out: {text}")))
        return ()
    return (event for event in found if str(event.get("STATUS", "")).upper() != "CANCELLED")


def _booking(event: Any, calendar: Calendar, unclear: _Unclear) -> Booking | None:
    begin, finish = (_instant(event[name].dt, calendar.zone) for name in ("DTSTART", "DTEND"))
    named = calendar.roll.named(event)
    line = int(str(event[LINE]))
    if not named.people:
        unclear.note(line, f"{title_of(event)} names nobody of people.yaml, so it books nobody", begin)
        return None
    for stranger in named.strangers:
        unclear.note(line, f'{title_of(event)}: "{stranger[:100]}" is nobody of people.yaml', begin)
    if finish <= begin:
        # One that lies within a skipped hour has none either, which is nobody's mistake.
        if event["DTSTART"].dt == event["DTEND"].dt:
            unclear.note(line, f"{title_of(event)} has no length, so it books nobody", begin)
        return None
    title = one_line(" ".join(str(event.get("SUMMARY", "")).split()))[:_TITLE_MOST]
    return Booking(people=named.people, start=begin, end=finish, title=title)


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    """Give the instant of a moment: whole days and floating times are local to the layer's zone (R4)."""
    if not isinstance(moment, datetime):
        return to_instant(datetime.combine(moment, time()), zone)
    if moment.tzinfo is None:
        return to_instant(moment, zone)
    if isinstance(moment.tzinfo, ZoneInfo):
        return to_instant(moment.replace(tzinfo=None), moment.tzinfo)
    return moment.astimezone(UTC)  # A zone that the file itself defines.


def _crowded(found: Iterable[Booking]) -> bool:
    """Say whether too many answer at one time: every question about that time would have to look at all of them."""
    running: list[datetime] = []
    for booking in sorted(found, key=lambda one: one.start):
        while running and running[0] <= booking.start:
            heapq.heappop(running)
        heapq.heappush(running, booking.end)
        if len(running) > AT_ONCE_MOST:
            return True
    return False


class _Unclear:
    """What was left out, told once an event with the first date and how often."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._seen: dict[tuple[int, str], list[datetime]] = {}

    def note(self, line: int, message: str, moment: datetime) -> None:
        """Remember one occurrence."""
        self._seen.setdefault((line, message), []).append(moment)

    def problems(self) -> Iterator[Problem]:
        """Give the warnings, the rest of them counted where they are many."""
        told = sorted(self._seen.items())
        for (line, message), moments in told[:WARNINGS_MOST]:
            more = f" and {len(moments) - 1} more times" if len(moments) > 1 else ""
            text = f"{message} (from {min(moments):%Y-%m-%d %H:%M} UTC{more})"
            yield Problem(self._file, line, one_line(text), "warning")
        if len(told) > WARNINGS_MOST:
            rest = len(told) - WARNINGS_MOST
            yield Problem(
                self._file, told[WARNINGS_MOST][0][0], f"and {rest} more events like these", "warning"
            )
