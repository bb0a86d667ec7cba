"""How on call looks: times of day in one chosen zone, marks that tell people apart, and the picture of a week.

Turns instants into words and percentages; decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

from incident_bot.core.model import Person
from incident_bot.core.walltime import to_instant
from incident_bot.flow.oncall_page import Day, OverrideSeen, Seen, Turn

HUES: Final = 8
PATTERNS: Final = 3
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_WHOLE: Final = "100.00%"
_NARROW: Final = 2.0
"""Percent of the picture below which a bar has no room for initials."""
_TIGHT: Final = 8.0
"""Percent of the picture below which a phone has no room for initials."""
_ROOMY: Final = 12.0
"""Percent of the picture from which on a bar has room for a name on a wide screen."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How one person is told from the others: initials, a colour and a pattern, the same on every page."""

    name: str
    short: str
    """The first name, where nobody else of the schedule has it."""
    initials: str
    hue: int
    pattern: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One person's stretch in the picture, in percent of it; nobody is drawn as a gap."""

    x: str
    width: str
    y: str
    height: str
    mark: Mark | None
    roomy: bool
    tight: bool
    narrow: bool

    @property
    def part(self) -> bool:
        """Whether it has less than the whole height, others standing above or below it."""
        return self.height != _WHOLE


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the picture."""

    label: str
    bars: tuple[Bar, ...]

    @property
    def tall(self) -> bool:
        """Whether people stand above one another in it."""
        return any(bar.part for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Picture:
    """A schedule over some days, one lane for what holds and one for each thing beneath it."""

    days: tuple[tuple[str, Day], ...]
    """Where each begins."""
    now: str | None
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Wall:
    """Writes instants as the clock of one zone shows them."""

    zone: ZoneInfo
    now: datetime

    def local(self, instant: datetime) -> datetime:
        """Give the instant on this clock."""
        return instant.astimezone(self.zone)

    def clock(self, instant: datetime) -> str:
        """Write the time of day; with the zone's letters on a day on which the clocks change."""
        local = self.local(instant)
        return f"{local:%H:%M}" + (f" {local:%Z}" if self._odd(local.date()) else "")

    def day(self, day: date) -> str:
        """Write a date: `Tue 10 Mar`, with the year where it is not this one."""
        return f"{day:%a} {day.day} {day:%b}" + (
            f" {day.year}" if day.year != self.local(self.now).year else ""
        )

    def moment(self, instant: datetime) -> str:
        """Write date and time of day: `Tue 10 Mar 23:00`."""
        return f"{self.day(self.local(instant).date())} {self.clock(instant)}"

    def span(self, start: datetime, end: datetime) -> str:
        """Write a stretch: `Tue 10 Mar 23:00 to Wed 00:00`, the second date whole where it is a week away."""
        first, last = self.local(start).date(), self.local(end).date()
        if first == last:
            return f"{self.moment(start)} to {self.clock(end)}"
        if last - first < _WEEK:
            return f"{self.moment(start)} to {last:%a} {self.clock(end)}"
        return f"{self.moment(start)} to {self.moment(end)}"

    def exact(self, instant: datetime) -> str:
        """Write the instant in UTC, as machines and forms have it."""
        return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def differs(self, zone_name: str, *instants: datetime) -> bool:
        """Say whether that zone's clock shows another time at any of the instants."""
        other = ZoneInfo(zone_name)
        return any(one.astimezone(other).utcoffset() != self.local(one).utcoffset() for one in instants)

    def elsewhere(self, zone_name: str) -> Wall:
        """Give the clock of another zone."""
        return Wall(ZoneInfo(zone_name), self.now)

    def _odd(self, day: date) -> bool:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local on purpose
        return to_instant(midnight + _DAY, self.zone) - to_instant(midnight, self.zone) != _DAY


def length(span: timedelta) -> str:
    """Say how long, to the minute: `1 h`, `3 d 2 h`, `1 h 30 min`."""
    minutes = int(span.total_seconds()) // 60
    sizes = ((1440, "d"), (60, "h"), (1, "min"))
    parts = []
    for size, unit in sizes:
        count, minutes = divmod(minutes, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than a minute"


def clocks(day: Day) -> str:
    """Say in words that the clocks change on this day; empty on all others."""
    if not day.shift:
        return ""
    way = "back" if day.shift > timedelta(0) else "forward"
    hours, minutes = divmod((day.end - day.start) // timedelta(minutes=1), 60)
    return f"clocks go {way}: {hours} hours" + (f" {minutes} min" if minutes else "")


def marks(people: Iterable[str], known: Mapping[str, Person]) -> dict[str, Mark]:
    """Give each person's mark; two of these people look alike only where there are more than marks.

    As long as there are no more people than marks, everybody has the same one on every page.
    """
    names = {person: known[person].name if person in known else person for person in set(people)}
    firsts = Counter(name.split()[0] for name in names.values() if name.split())
    usual = _spread({*known, *names})
    taken: set[int] = set()
    found: dict[str, Mark] = {}
    for person, name in sorted(names.items()):
        chosen = next((one for one in _from(usual[person]) if one not in taken), usual[person])
        taken.add(chosen)
        first = name.split()[0] if name.split() else name
        short = first if firsts[first] == 1 else name
        found[person] = Mark(name, short, initials(name), chosen % HUES, chosen // HUES)
    return found


def _spread(everybody: Iterable[str]) -> dict[str, int]:
    """Give out the marks by name, each colour once before any comes again with another pattern."""
    taken: set[int] = set()
    hues: set[int] = set()
    found: dict[str, int] = {}
    for person in sorted(everybody):
        wanted = crc32(person.encode()) % (HUES * PATTERNS)
        free = [one for one in _from(wanted) if one not in taken] if len(taken) < HUES * PATTERNS else []
        chosen = next((one for one in free if one % HUES not in hues), next(iter(free), wanted))
        taken.add(chosen)
        hues.add(chosen % HUES)
        found[person] = chosen
    return found


def _from(mark: int) -> list[int]:
    return [(mark + step) % (HUES * PATTERNS) for step in range(HUES * PATTERNS)]


def initials(name: str) -> str:
    """Give the letters that stand for a name: those of its first and last word."""
    words = ["".join(letter for letter in word if letter.isalnum()) for word in name.split()]
    words = [word for word in words if word]
    if not words:
        return "?"
    return (words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]).upper()


def picture(seen: Seen, people: Mapping[str, Mark], *, now: datetime) -> Picture:
    """Draw the final schedule, its running overrides and every layer over the days."""
    counting = [one for one in seen.overrides if one.state not in ("cancelled", "ignored")]
    lanes = [Lane("On call", _bars(seen, seen.turns, people))]
    if counting:
        lanes.append(Lane("Overrides", _bars(seen, counting, people)))
    lanes += [Lane(f"Layer {one.name}", _bars(seen, one.shifts, people)) for one in seen.layers]
    return Picture(
        days=tuple((_percent(seen, day.start), day) for day in seen.days),
        now=_percent(seen, now) if seen.start <= now < seen.end else None,
        lanes=tuple(lanes),
    )


def _bars(
    seen: Seen, stretches: Iterable[Turn | OverrideSeen], people: Mapping[str, Mark]
) -> tuple[Bar, ...]:
    """Draw stretches; several people at once stand above one another."""
    bars: list[Bar] = []
    for one in stretches:
        start, end = max(one.start, seen.start), min(one.end, seen.end)
        width = (end - start) / (seen.end - seen.start) * 100
        shown = one.people or (None,)
        bars += [
            Bar(
                x=_percent(seen, start),
                width=f"{width:.2f}%",
                y=f"{place / len(shown) * 100:.2f}%",
                height=f"{100 / len(shown):.2f}%",
                mark=people.get(person) if person else None,
                roomy=width >= _ROOMY,
                tight=width < _TIGHT,
                narrow=width < _NARROW,
            )
            for place, person in enumerate(shown)
        ]
    return tuple(bars)


def _percent(seen: Seen, instant: datetime) -> str:
    return f"{(instant - seen.start) / (seen.end - seen.start) * 100:.2f}%"
