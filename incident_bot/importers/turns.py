"""Rotations of any source as layers whose turns run in the same phase (R5 to R8).

A rotation is a ring, an origin and a length by the clock. The layer made of it is anchored at the start of the
turn that runs at `now`, its first slot being who holds that turn: a reader sees at once whether it is right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import gcd
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.walltime import WEEKDAYS, to_instant, zone
from incident_bot.importers.layers import Layer, Opening, Ring, Slot

HOURS_OF_DAY: Final = 24
SAFE_DAY: Final = 28
"""The last day of the month that every month has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A ring whose slots take turns of one length, counted from an origin."""

    name: str
    zone: str
    unit: str
    """`hours`, `days`, `weeks` or `months` by the calendar; any number of hours can be said."""
    every: int
    origin: datetime
    """Local start of turn 0; the turns run in the same phase before it."""
    ring: Ring
    openings: tuple[Opening, ...] = ()
    begins: datetime | None = None
    """The instant from which it counts at all."""
    ends: datetime | None = None
    active_days: bool = False
    """Whether turns are counted in days that have a window."""

    @property
    def _zone(self) -> ZoneInfo:
        return zone(self.zone)

    def start_of(self, number: int) -> datetime:
        """Give the local start of a turn."""
        if self.unit == "months":
            return _months_later(self.origin, number * self.every)
        return self.origin + number * timedelta(**{self.unit: self.every})

    def turn_at(self, instant: datetime) -> int:
        """Give the number of the turn at an instant, below 0 before the origin."""
        local = instant.astimezone(self._zone).replace(tzinfo=None)
        if self.unit == "months":
            months = (local.year - self.origin.year) * 12 + local.month - self.origin.month
            number = months // self.every
        else:
            number = (local - self.origin) // timedelta(**{self.unit: self.every})
        while to_instant(self.start_of(number + 1), self._zone) <= instant:
            number += 1
        while to_instant(self.start_of(number), self._zone) > instant:
            number -= 1
        return number


def layers_of(rotation: Rotation, *, now: datetime) -> list[Layer]:
    """Give the layers that answer from `now` on as the rotation does; none if it ended or has no people.

    There are two only where the rotation begins within a turn: a turn cut short is a layer of its own.
    """
    if not any(rotation.ring) or (rotation.ends is not None and rotation.ends <= now):
        return []
    if rotation.active_days:
        return _by_active_days(rotation, now=now)
    where = zone(rotation.zone)
    begins = rotation.begins if rotation.begins is not None and rotation.begins > now else None
    if len(rotation.ring) == 1:
        return [_always(rotation, begins, now=now)]
    number = rotation.turn_at(begins or now)
    if begins is None or to_instant(rotation.start_of(number), where) >= begins:
        return [_counted(rotation, number)]
    after = to_instant(rotation.start_of(number + 1), where)
    ends = after if rotation.ends is None else min(after, rotation.ends)
    holder = rotation.ring[number % len(rotation.ring)]
    short = replace(rotation, name=f"{rotation.name} (first turn)", ring=(holder,), ends=ends)
    first = [_always(short, begins, now=now)] if holder else []
    rest = [_counted(rotation, number + 1)] if rotation.ends is None or after < rotation.ends else []
    return first + rest


def _counted(rotation: Rotation, number: int) -> Layer:
    unit, every, turns = _unit(rotation)
    if rotation.unit == "months" and rotation.origin.day > SAFE_DAY:
        # The day is clamped from the anchor's (R5), so an anchor in a short month would drift.
        number = number // len(rotation.ring) * len(rotation.ring)
        number = _with_full_month(rotation, number)
    index = number % len(rotation.ring)
    return Layer(
        name=rotation.name,
        zone=rotation.zone,
        unit=unit,
        every=every,
        anchor=rotation.start_of(number),
        turns_per_slot=turns,
        slots=_slots(rotation, rotation.ring[index:] + rotation.ring[:index]),
        openings=rotation.openings,
    )


def _with_full_month(rotation: Rotation, number: int) -> int:
    """Go back to the latest turn that starts on the origin's own day of the month; the origin itself does."""
    while rotation.start_of(number).day != rotation.origin.day:
        number -= 1
    return number


def _always(rotation: Rotation, begins: datetime | None, *, now: datetime) -> Layer:
    """Give the layer of a single slot: who holds it never changes, so weeks will do for every length."""
    where = zone(rotation.zone)
    anchor = (begins or now).astimezone(where).replace(tzinfo=None, fold=0)
    if begins is None and rotation.unit != "months":
        anchor = rotation.start_of(rotation.turn_at(now))
    return Layer(
        name=rotation.name,
        zone=rotation.zone,
        unit="weeks",
        anchor=anchor.replace(microsecond=0),
        slots=_slots(rotation, rotation.ring),
        openings=rotation.openings,
    )


def _by_active_days(rotation: Rotation, *, now: datetime) -> list[Layer]:
    days = frozenset[int]().union(*(opening.days for opening in rotation.openings))
    where = zone(rotation.zone)
    ready = max(now, rotation.begins) if rotation.begins else now
    active: list[datetime] = []
    day = rotation.origin
    while len(active) % rotation.every or not active or to_instant(day, where) <= ready:
        if day.weekday() in days:
            active.append(day)
        day += timedelta(days=1)
    number = (len(active) - 1) // rotation.every
    index = number % len(rotation.ring)
    return [
        Layer(
            name=rotation.name,
            zone=rotation.zone,
            unit="days",
            every=rotation.every,
            anchor=active[number * rotation.every],
            active_days=True,
            slots=_slots(rotation, rotation.ring[index:] + rotation.ring[:index]),
            openings=rotation.openings,
        )
    ]


def _slots(rotation: Rotation, ring: Ring) -> tuple[Slot, ...]:
    until = None
    if rotation.ends is not None:
        until = rotation.ends.astimezone(zone(rotation.zone)).replace(tzinfo=None, fold=0)
    return tuple(Slot(who=who, until=until if who else None) for who in ring)


def _unit(rotation: Rotation) -> tuple[str, int, int]:
    """Give unit, every and turns_per_slot: hours must divide the day, so 36 hours are three times twelve."""
    if rotation.unit == "days" and rotation.every % 7 == 0:
        return "weeks", rotation.every // 7, 1
    if rotation.unit != "hours":
        return rotation.unit, rotation.every, 1
    if rotation.every % (7 * HOURS_OF_DAY) == 0:
        return "weeks", rotation.every // (7 * HOURS_OF_DAY), 1
    if rotation.every % HOURS_OF_DAY == 0:
        return "days", rotation.every // HOURS_OF_DAY, 1
    step = gcd(rotation.every, HOURS_OF_DAY)
    return "hours", step, rotation.every // step


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    first = datetime(year, month + 1, 1)  # noqa: DTZ001 -- local by intent
    following = (first + timedelta(days=31)).replace(day=1)
    day = min(moment.day, (following - timedelta(days=1)).day)
    return moment.replace(year=year, month=month + 1, day=day)


def day_number(word: str) -> int | None:
    """Give the number of a weekday from `monday`, `mon` or `MO`, Monday being 0; None for other words."""
    lowered = word.casefold()
    for number, short in enumerate(WEEKDAYS):
        if lowered in (short, short[:2]) or (len(lowered) > len(short) and lowered == _LONG[number]):
            return number
    return None


_LONG: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
