"""What a schedule is: layers of turns in a ring of slots, windows and covers (R3 to R13), and what waits.

Values that cannot be misread: each refuses with ValueError what the rules call a load error. Who answers
at an instant is decided in `answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.walltime import EARLIEST, LATEST, Window, to_instant

LATER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unit.months": "turns in months are not available yet; write unit: weeks, every: 4, or unit: days",
        "unit.hours": (
            "turns in hours are not available yet; write one layer for each part of the day, "
            "with unit: days or weeks and windows such as {from: '08:00', to: '20:00'}"
        ),
        "unit.elapsed_hours": "turns in elapsed hours are not available yet; write unit: days or unit: weeks",
        "turns_per_slot": (
            "turns_per_slot other than 1 is not available yet; "
            "list each slot that many times in a row, or make every: larger"
        ),
        "slot.from": (
            "a slot's from is not available yet; write the slot as a list of names, [bob], "
            "and a cover for the time before that date"
        ),
        "slot.until": (
            "a slot's until is not available yet; write the slot as a list of names, [bob], "
            "and take it out, or write covers, when the date comes"
        ),
        "advance.active_days": (
            "advance: active_days is not available yet; write advance: calendar, "
            "which also counts the days without a window"
        ),
        "mode.add": (
            "mode: add is not available yet; name everybody in the slots of one layer, [alice, bob], "
            "or page a second schedule in escalation.yaml with schedule/NAME"
        ),
        "override.replace": (
            "replace overrides are not available yet; write a cover that names everybody who answers: "
            "{cover: [bob], start: …, end: …, reason: …}"
        ),
        "override.remove": (
            "remove overrides are not available yet; write a cover that names those who stay: "
            "{cover: [bob], start: …, end: …, reason: …}"
        ),
        "override.add": (
            "add overrides are not available yet; write a cover that names everybody who answers: "
            "{cover: [alice, zoe], start: …, end: …, reason: …}"
        ),
        "absences": (
            "absences are not available yet; write an override for the time away that names who answers: "
            "{cover: [bob], start: …, end: …, reason: leave}"
        ),
    }
)
"""What a schedule file may not say yet: what is missing, and what to write instead today."""

TURN_MOST: Final = timedelta(days=36525)
"""A turn of more than a century is a slip of the keyboard."""


class Unit(StrEnum):
    """What the length of a turn is counted in, by the calendar (R5)."""

    DAYS = "days"
    WEEKS = "weeks"


class Empty(StrEnum):
    """What a layer says in the turn of a slot written empty (R9)."""

    FALLTHROUGH = "fallthrough"
    """Nothing: lower layers answer."""
    BLOCK = "block"
    """Deliberately nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How long a turn is and when turn 0 starts (R5)."""

    unit: Unit
    every: int = 1
    anchor: datetime
    """Local to the layer's zone, without offset."""

    def __post_init__(self) -> None:
        """Refuse a length or an anchor that cannot be counted from."""
        most = TURN_MOST // timedelta(**{self.unit.value: 1})
        if not 1 <= self.every <= most:
            raise ValueError(f"every: {self.every} cannot be counted; write 1 to {most} {self.unit.value}")
        if self.anchor.tzinfo is not None or not EARLIEST.year <= self.anchor.year < LATEST.year:
            raise ValueError(
                f"anchor {self.anchor} is not a local time of our years; write it as 2026-01-05T09:00"
            )

    @property
    def length(self) -> timedelta:
        """The length by the calendar; real time differs when clocks are changed."""
        return timedelta(**{self.unit.value: self.every})

    def boundary(self, number: int, zone: ZoneInfo) -> datetime:
        """Give the instant at which this turn starts; later turns never start earlier (R4, R5)."""
        return to_instant(self.anchor + number * self.length, zone)

    def at(self, instant: datetime, zone: ZoneInfo) -> int:
        """Give the largest number of a turn that starts no later; below 0 before the anchor (R6)."""
        local = instant.astimezone(zone).replace(tzinfo=None)
        number = (local - self.anchor) // self.length
        # A clock set back may show a time before a boundary that has passed, never one after one to come.
        while self.boundary(number + 1, zone) <= instant:
            number += 1
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A ring of slots that take turns, perhaps within windows; everything in it is local to its zone (R3)."""

    name: str
    priority: int
    """The highest layer with an answer wins (R12)."""
    zone: ZoneInfo
    turn: Turn
    people: tuple[tuple[str, ...], ...]
    """The slots of the ring: zero or more people each."""
    empty: Empty = Empty.FALLTHROUGH
    windows: tuple[Window, ...] = ()
    """The layer speaks within their union only; without any, always (R10)."""

    def __post_init__(self) -> None:
        """Refuse a ring without slots."""
        if not self.people:
            raise ValueError(
                f"layer {self.name} has no slot; list at least one under people, [] being nobody's"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """These people instead of everybody for the span `[start, end)` (R13)."""

    people: tuple[str, ...]
    start: datetime
    end: datetime
    reason: str = ""
    nobody: bool = False
    """The flag that an empty cover needs, with a reason."""
    id: str = ""
    """Named in `why` where there is one (R1)."""

    def __post_init__(self) -> None:
        """Refuse an empty span, and nobody by accident."""
        if self.end <= self.start:
            raise ValueError("a cover ends after it starts; correct its start or end")
        if bool(self.people) is self.nobody:
            raise ValueError("a cover names people, or says nobody: true and why; write one of both")
        if self.nobody and not self.reason.strip():
            raise ValueError("a cover by nobody needs a reason; write reason: …")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule as its file has it."""

    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...]
    holidays: frozenset[date] = frozenset()
    """The local dates of the calendar that it names (R11)."""
    covers: tuple[Cover, ...] = ()
    """Those of the file, the newest last; older than every cover made at run time (R13)."""

    def __post_init__(self) -> None:
        """Refuse two layers of one priority (R12, R17)."""
        seen: dict[int, str] = {}
        for layer in self.layers:
            if layer.priority in seen:
                both = f"layers {seen[layer.priority]} and {layer.name}"
                raise ValueError(f"{both} have the same priority {layer.priority}; give each its own")
            seen[layer.priority] = layer.name
