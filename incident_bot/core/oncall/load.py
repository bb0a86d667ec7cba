"""How the load is spread: hours on call by day, night, weekend and holiday, and pages by night.

Pure. Everything is judged on the clock of the person who is on call: a night is 22:00 to 06:00 there, a weekend
Saturday and Sunday, a holiday a date of the schedule's calendar. A holiday wins over a weekend, a weekend over a
night. Hours are real ones: in the night in which the clock goes back there are nine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from incident_bot.core.walltime import Span, to_instant

NIGHT_BEGINS: Final = time(22)
NIGHT_ENDS: Final = time(6)
DAY: Final = timedelta(days=1)

_SATURDAY: Final = 5
_CUTS: Final = (time(0), NIGHT_ENDS, NIGHT_BEGINS)


class Kind(StrEnum):
    """What an hour is to the person on call in it; a later kind wins over an earlier one."""

    DAY = "weekday_day"
    NIGHT = "weekday_night"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


_RANKS: Final = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Somebody's stretches on call for one schedule, and the dates that are holidays there."""

    spans: tuple[Span, ...]
    """In order, no two of them overlapping."""
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """How long somebody was on call, by kind; together they are the whole."""

    weekday_day: timedelta = timedelta(0)
    weekday_night: timedelta = timedelta(0)
    weekend: timedelta = timedelta(0)
    holiday: timedelta = timedelta(0)

    @property
    def total(self) -> timedelta:
        """Give the whole time."""
        return self.weekday_day + self.weekday_night + self.weekend + self.holiday

    @property
    def unsocial(self) -> timedelta:
        """Give all but the days of the working week."""
        return self.total - self.weekday_day


class _Part(NamedTuple):
    start: datetime
    end: datetime
    kind: Kind


def hours(duties: Sequence[Duty], zone: ZoneInfo) -> Hours:
    """Give how long a person of this zone was on call.

    An hour on call for two schedules at once counts once; it is a holiday where it is one on either.
    """
    parts = [part for duty in duties for part in _parts(duty, zone)]
    found = dict.fromkeys(Kind, timedelta(0))
    for start, end, kind in parts if len(duties) == 1 else _once(parts):
        found[kind] += end - start
    return Hours(**{kind.value: length for kind, length in found.items()})


def is_night(instant: datetime, zone: ZoneInfo) -> bool:
    """Say whether it is night there: 22:00 to 06:00, whatever the day of the week."""
    clock = instant.astimezone(zone).time()
    return clock >= NIGHT_BEGINS or clock < NIGHT_ENDS


def nights(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[date, Span]]:
    """Give the nights of this zone that touch `[start, end)`, each by the date of its evening, in order."""
    day = start.astimezone(zone).date() - DAY
    while True:
        night = (
            to_instant(datetime.combine(day, NIGHT_BEGINS), zone),
            to_instant(datetime.combine(day + DAY, NIGHT_ENDS), zone),
        )
        if night[0] >= end:
            return
        if night[1] > start:
            yield day, night
        day += DAY


def _parts(duty: Duty, zone: ZoneInfo) -> Iterator[_Part]:
    """Cut the stretches where the kind of hour may change."""
    for start, end in duty.spans:
        first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        cuts = {start, end}
        for number in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(number)
            cuts |= {to_instant(datetime.combine(day, clock), zone) for clock in _CUTS}
        moments = sorted(moment for moment in cuts if start <= moment <= end)
        for opened, closed in pairwise(moments):
            yield _Part(opened, closed, _kind(opened.astimezone(zone), duty.holidays))


def _kind(local: datetime, holidays: frozenset[date]) -> Kind:
    if local.date() in holidays:
        return Kind.HOLIDAY
    if local.weekday() >= _SATURDAY:
        return Kind.WEEKEND
    return Kind.DAY if NIGHT_ENDS <= local.time() < NIGHT_BEGINS else Kind.NIGHT


def _once(parts: Iterable[_Part]) -> Iterator[_Part]:
    """Give every moment once, as the kind that wins there."""
    ordered = sorted(parts, key=lambda part: part.start)
    moments = sorted({moment for part in ordered for moment in (part.start, part.end)})
    running: list[_Part] = []
    passed = 0
    for opened, closed in pairwise(moments):
        running = [part for part in running if part.end > opened]
        while passed < len(ordered) and ordered[passed].start <= opened:
            running.append(ordered[passed])
            passed += 1
        if running:
            yield _Part(opened, closed, max((part.kind for part in running), key=_RANKS.__getitem__))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """What one person carried in a stretch of time."""

    person: str
    hours: Hours
    shifts: int
    """Maximal stretches on call, those of each schedule counted apart."""
    pages: int
    night_pages: int
    """Those that went out in the person's own night."""
    share: float
    """Of all hours on call by everybody, 0 to 1."""


def shared(
    duties: Mapping[str, Sequence[Duty]],
    pages: Mapping[str, Sequence[datetime]],
    zones: Mapping[str, ZoneInfo],
) -> tuple[Bearer, ...]:
    """Give what each carried, whoever had most hours first; `zones` has everybody's.

    `pages` are the instants at which pages went out to each; whoever was paged without being on call is there too.
    """
    carried = {person: hours(duties.get(person, ()), zones[person]) for person in sorted({*duties, *pages})}
    whole = sum((one.total for one in carried.values()), timedelta(0))
    bearers = [
        Bearer(
            person=person,
            hours=one,
            shifts=sum(len(duty.spans) for duty in duties.get(person, ())),
            pages=len(pages.get(person, ())),
            night_pages=sum(is_night(page, zones[person]) for page in pages.get(person, ())),
            share=one.total / whole if whole else 0.0,
        )
        for person, one in carried.items()
    ]
    return tuple(sorted(bearers, key=lambda bearer: (-bearer.hours.total, -bearer.pages, bearer.person)))
