"""Layers as our files have them, and the windows in them: what every importer ends at.

Values only. `turns` makes layers out of rotations, `stacking` puts them over each other, `writing` writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from incident_bot.core.walltime import EVERY_DAY, WEEKDAYS, Window

DAY: Final = 24 * 60
"""Minutes of a day by the clock."""
WEEK: Final = 7 * DAY

Ring = tuple[tuple[str, ...], ...]
"""The slots of a rotation, each with the ids of its people."""


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A window: the weekdays on which it starts (Monday is 0), the minute, and its length by the clock."""

    days: frozenset[int]
    start: int
    length: int

    def entries(self) -> list[dict[str, str]]:
        """Give the window as a file has it: one entry, or one for each weekday where days and hours cannot say it."""
        end = self.start + self.length
        if self.length < DAY or (self.start == 0 and self.length == DAY):
            entry = {} if self.days == EVERY_DAY else {"days": weekdays(self.days)}
            return [entry | {"from": clock(self.start), "to": "24:00" if end == DAY else clock(end % DAY)}]
        return [
            {
                "start": f"{WEEKDAYS[day]} {clock(self.start)}",
                "end": f"{WEEKDAYS[(day + end // DAY) % 7]} {clock(end % DAY)}",
            }
            for day in sorted(self.days)
        ]

    def windows(self) -> list[Window]:
        """Give the same as `core.walltime` has it."""
        return [Window.parse(entry) for entry in self.entries()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """People who take a turn together, perhaps until a local time only."""

    who: tuple[str, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of a file; its priority follows from where it stands."""

    name: str
    zone: str
    unit: str
    every: int = 1
    anchor: datetime
    turns_per_slot: int = 1
    active_days: bool = False
    add: bool = False
    slots: tuple[Slot, ...]
    openings: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One entry of `overrides:`; exactly one of the four kinds is used."""

    start: datetime
    end: datetime
    cover: tuple[str, ...] | None = None
    replace: tuple[str, str] | None = None
    remove: str | None = None
    add: tuple[str, ...] | None = None
    reason: str


def clock(minutes: int) -> str:
    """Write minutes since midnight as `09:00`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def weekdays(days: Iterable[int]) -> str:
    """Write weekdays as `mon-fri` or `mon,wed`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(
        "-".join(WEEKDAYS[day] for day in (run[0], run[-1])) if len(run) > 1 else WEEKDAYS[run[0]]
        for run in runs
    )


def together(openings: Sequence[Opening]) -> tuple[Opening, ...]:
    """Give the same windows, those of the same hours as one; none where they leave nothing of the week out."""
    by_hours: dict[tuple[int, int], frozenset[int]] = {}
    for each in openings:
        hours = (each.start, each.length)
        by_hours[hours] = by_hours.get(hours, frozenset()) | each.days
    if any(length >= WEEK or (length >= DAY and days == EVERY_DAY) for (_, length), days in by_hours.items()):
        return ()
    return tuple(Opening(days, *hours) for hours, days in by_hours.items())


def covered(spans: Sequence[tuple[datetime, datetime, tuple[str, ...]]], *, reason: str) -> list[Override]:
    """Give covers for spans that may overlap: where they do, everybody of them is on call."""
    starts: dict[datetime, list[int]] = {}
    stops: dict[datetime, list[int]] = {}
    for number, (start, end, _) in enumerate(spans):
        starts.setdefault(start, []).append(number)
        stops.setdefault(end, []).append(number)
    active: dict[int, tuple[str, ...]] = {}
    found: list[Override] = []
    for start, end in pairwise(sorted({*starts, *stops})):
        active.update({number: spans[number][2] for number in starts.get(start, ())})
        for number in stops.get(start, ()):
            active.pop(number, None)
        if not active:
            continue
        everybody = tuple(dict.fromkeys(person for number in sorted(active) for person in active[number]))
        if found and found[-1].end == start and found[-1].cover == everybody:
            found[-1] = Override(start=found[-1].start, end=end, cover=everybody, reason=reason)
        else:
            found.append(Override(start=start, end=end, cover=everybody, reason=reason))
    return found


def minutes_of(length: timedelta) -> tuple[int, bool]:
    """Give a length in minutes, rounded up, and whether it was whole minutes."""
    minutes, rest = divmod(length, timedelta(minutes=1))
    return (minutes + 1, False) if rest else (minutes, True)
