"""When turns begin: the boundaries of every unit, and which turn holds at an instant (R4 to R6, R10).

Boundaries never decrease. Two may fall on one instant where the clock skips a time; that turn has no length.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from incident_bot.core.walltime import EARLIEST, LATEST, Window, to_instant

MONTHS_MOST: Final = 1200
TURN_MOST: Final = timedelta(days=36525)
"""A turn of more than a century is a slip of the keyboard."""

_MONTHS: Final = 12
_HOURS: Final = 24
_HOUR: Final = timedelta(hours=1)
_WEEK: Final = 7
_LAST_DAY: Final = LATEST.date().toordinal()


class Unit(StrEnum):
    """What the length of a turn is counted in (R5)."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    """Counted from the anchor, the day clamped to the end of the month."""
    HOURS = "hours"
    """Fixed local clock times; the number divides 24."""
    ELAPSED_HOURS = "elapsed_hours"
    """Real time: the only unit that ignores daylight saving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How long a turn is and when turn 0 starts (R5)."""

    unit: Unit
    every: int = 1
    anchor: datetime
    """Local to the layer's zone, without offset."""

    def __post_init__(self) -> None:
        """Refuse a length or an anchor that cannot be counted from."""
        if self.unit is Unit.HOURS and (self.every < 1 or _HOURS % self.every):
            raise ValueError(
                f"every: {self.every} does not divide 24; write 1, 2, 3, 4, 6, 8, 12 or 24, or unit: elapsed_hours"
            )
        most = MONTHS_MOST if self.unit is Unit.MONTHS else TURN_MOST // _LENGTH[self.unit]
        if not 1 <= self.every <= most:
            raise ValueError(f"every: {self.every} cannot be counted; write 1 to {most} {self.unit.value}")
        if self.anchor.tzinfo is not None or not EARLIEST.year <= self.anchor.year < LATEST.year:
            raise ValueError(
                f"anchor {self.anchor} is not a local time of our years; write it as 2026-01-05T09:00"
            )


_LENGTH: Final = {
    Unit.DAYS: timedelta(days=1),
    Unit.WEEKS: timedelta(weeks=1),
    Unit.HOURS: _HOUR,
    Unit.ELAPSED_HOURS: _HOUR,
}


class Beat(Protocol):
    """The boundaries of a rotation's turns."""

    def boundary(self, number: int) -> datetime:
        """Give the instant at which this turn starts, LATEST where it never does; 0 is the first."""
        ...

    def at(self, instant: datetime) -> int:
        """Give the largest number of a turn that starts no later; -1 before the anchor (R6)."""
        ...


class Steps:
    """Turns of one length by the calendar or by real time."""

    __slots__ = ("_real", "_turn", "_zone")

    def __init__(self, turn: Turn, zone: ZoneInfo) -> None:
        """Count this turn on the clocks of this zone."""
        self._turn = turn
        self._zone = zone
        self._real = to_instant(turn.anchor, zone) if turn.unit is Unit.ELAPSED_HOURS else None

    def boundary(self, number: int) -> datetime:
        """Give the instant at which this turn starts (R4, R5)."""
        turn = self._turn
        if turn.unit is Unit.MONTHS:
            return to_instant(_months_on(turn.anchor, number * turn.every), self._zone)
        way = number * turn.every * _LENGTH[turn.unit]
        return to_instant(turn.anchor + way, self._zone) if self._real is None else self._real + way

    def at(self, instant: datetime) -> int:
        """Give the largest number of a turn that starts no later; -1 before the anchor (R6)."""
        number = self._guess(instant)
        if number < 0 or self.boundary(0) > instant:
            return -1
        while self.boundary(number) > instant:
            number -= 1
        return number

    def _guess(self, instant: datetime) -> int:
        """Give a number that is right or too large: a clock set back shows again a time that has passed."""
        turn = self._turn
        if self._real is not None:
            return (instant - self._real) // (turn.every * _HOUR)
        local = instant.astimezone(self._zone).replace(tzinfo=None)
        if turn.unit is Unit.MONTHS:
            between = (local.year - turn.anchor.year) * _MONTHS + local.month - turn.anchor.month
            return (between + 1) // turn.every
        # At most a day comes again.
        return (local + timedelta(days=1) - turn.anchor) // (turn.every * _LENGTH[turn.unit])


def _months_on(anchor: datetime, months: int) -> datetime:
    years, month = divmod(anchor.month - 1 + months, _MONTHS)
    year = anchor.year + years
    following = date(year + (month + 1) // _MONTHS, (month + 1) % _MONTHS + 1, 1)
    last = (following - timedelta(days=1)).day
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last))


class ActiveDays:
    """Turns that count only the dates on which a window starts, by the calendar alone (R10).

    Turn 0 runs from the anchor; every later one starts at the anchor's time of day. Where no date is ever active
    again, the last turn never ends.
    """

    __slots__ = ("_anchor", "_dates", "_every", "_time", "_zone")

    def __init__(
        self, turn: Turn, zone: ZoneInfo, windows: Iterable[Window], holidays: frozenset[date]
    ) -> None:
        """Count this daily turn on the dates of these windows."""
        self._anchor = to_instant(turn.anchor, zone)
        self._time = turn.anchor.time()
        self._every = turn.every
        self._zone = zone
        self._dates = _Dates(turn.anchor.date(), tuple(windows), holidays)

    def boundary(self, number: int) -> datetime:
        """Give the instant at which this turn starts; LATEST where it never does."""
        if number == 0:
            return self._anchor
        day = self._dates.nth(number * self._every)
        return LATEST if day is None else to_instant(datetime.combine(day, self._time), self._zone)

    def at(self, instant: datetime) -> int:
        """Give the largest number of a turn that starts no later; -1 before the anchor (R6)."""
        if instant < self._anchor:
            return -1
        # As in `Steps`: at most a day of local time comes again.
        day = min(instant, LATEST).astimezone(self._zone).date() + timedelta(days=2)
        number = max(self._dates.before(day) // self._every, 0)
        while self.boundary(number) > instant:
            number -= 1
        return number


class _Dates:
    """The active dates from a first one on, counted without walking over them."""

    __slots__ = ("_changes", "_first", "_sums", "_weekdays")

    def __init__(self, first: date, windows: tuple[Window, ...], holidays: frozenset[date]) -> None:
        self._first = first.toordinal()
        plain = {day for window in windows if not window.only_holidays for day in window.days}
        festive = {day for window in windows if not window.except_holidays for day in window.days}
        self._weekdays = plain
        changed = sorted(
            (day.toordinal(), (day.weekday() in festive) - (day.weekday() in plain))
            for day in holidays
            if day >= first and (day.weekday() in festive) is not (day.weekday() in plain)
        )
        self._changes = [number for number, _ in changed]
        self._sums = list(accumulate((change for _, change in changed), initial=0))

    def before(self, day: date) -> int:
        """Count the active dates from the first date to the one before this."""
        return self._count(day.toordinal())

    def nth(self, number: int) -> date | None:
        """Give the active date with this many before it; None where there are not so many."""
        if self._count(_LAST_DAY) <= number:
            return None
        found = bisect_left(
            range(_LAST_DAY), number + 1, lo=self._first, key=lambda day: self._count(day + 1)
        )
        return date.fromordinal(found)

    def _count(self, day: int) -> int:
        days = max(day - self._first, 0)
        weeks, rest = divmod(days, _WEEK)
        start = self._first + weeks * _WEEK
        plain = weeks * len(self._weekdays) + sum(
            (start + step - 1) % _WEEK in self._weekdays for step in range(rest)
        )
        return plain + self._sums[bisect_left(self._changes, day)]
