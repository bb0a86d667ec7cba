"""What a schedule is: layers of turns in a ring of slots, windows, absences and overrides (R3 to R13).

Values that cannot be misread: each refuses with ValueError what the rules call a load error. Who answers
at an instant is decided in `answers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from incident_bot.core.oncall.ring import Ring
from incident_bot.core.oncall.turns import ActiveDays, Beat, Steps, Turn, Unit
from incident_bot.core.walltime import Window, to_instant


class Advance(StrEnum):
    """What moves the turn counter on (R10)."""

    CALENDAR = "calendar"
    """Every day, week, month or hour, whether the layer speaks then or not."""
    ACTIVE_DAYS = "active_days"
    """The dates on which a window starts, and no others."""


class Empty(StrEnum):
    """What a layer says in the turn of a slot written empty (R9)."""

    FALLTHROUGH = "fallthrough"
    """Nothing: lower layers answer."""
    BLOCK = "block"
    """Deliberately nobody."""


class Mode(StrEnum):
    """What a layer does with the layers beneath it (R12)."""

    REPLACE = "replace"
    """The highest layer with an answer wins."""
    ADD = "add"
    """Its people come besides whoever else answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place in the ring: zero or more people, perhaps from a date or until one (R7)."""

    people: tuple[str, ...]
    begins: datetime | None = None
    """Local to the layer's zone, without offset; in the ring from then on."""
    until: datetime | None = None
    """Local to the layer's zone, without offset; out of the ring from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A ring of slots that take turns (R5 to R9)."""

    turn: Turn
    slots: tuple[Slot, ...]
    turns_per_slot: int = 1
    advance: Advance = Advance.CALENDAR
    empty: Empty = Empty.FALLTHROUGH

    def __post_init__(self) -> None:
        """Refuse what no turn could be told from."""
        if not self.slots:
            raise ValueError("there is no slot; list at least one under people, [] being nobody's")
        if self.turns_per_slot < 1:
            raise ValueError(
                f"turns_per_slot: {self.turns_per_slot} cannot be counted; write 1, or leave it out"
            )
        if self.advance is Advance.ACTIVE_DAYS and self.turn.unit is not Unit.DAYS:
            raise ValueError(
                "advance: active_days counts daily turns only; write unit: days, or advance: calendar"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """People who answer in `[start, end)`, as a calendar had it; `title` is what it called that."""

    people: tuple[str, ...]
    start: datetime
    end: datetime
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A rotation or a calendar's bookings, perhaps within windows; everything in it is local to its zone (R3)."""

    name: str
    priority: int
    """The highest layer with an answer wins (R12)."""
    zone: ZoneInfo
    says: Rotation | tuple[Booking, ...]
    """Where its answers come from."""
    mode: Mode = Mode.REPLACE
    windows: tuple[Window, ...] = ()
    """The layer speaks within their union only; without any, always (R10)."""
    holidays: frozenset[date] = frozenset()
    """The local dates of the calendar that the schedule names (R11)."""
    ring: Ring = field(init=False, compare=False, repr=False)
    """The rotation as it is counted; a layer of bookings has none."""

    def __post_init__(self) -> None:
        """Refuse a slot that ends before it begins, and active days without any; count the ring once."""
        rotation = self.says
        if not isinstance(rotation, Rotation):
            return
        if rotation.advance is Advance.ACTIVE_DAYS and not self.windows:
            raise ValueError(
                f"layer {self.name} advances by active days and has no windows; write windows, or advance: calendar"
            )
        beat: Beat = (
            ActiveDays(rotation.turn, self.zone, self.windows, self.holidays)
            if rotation.advance is Advance.ACTIVE_DAYS
            else Steps(rotation.turn, self.zone)
        )
        ring = Ring(beat, rotation.turns_per_slot, [self._span(slot) for slot in rotation.slots])
        object.__setattr__(self, "ring", ring)

    def _span(self, slot: Slot) -> tuple[datetime | None, datetime | None]:
        begins = to_instant(slot.begins, self.zone) if slot.begins else None
        until = to_instant(slot.until, self.zone) if slot.until else None
        if begins and until and until <= begins:
            who = ", ".join(slot.people) or "nobody"
            raise ValueError(f"the slot of {who} is over before it starts; correct its from or until")
        return begins, until

    @property
    def people(self) -> frozenset[str]:
        """Everybody who may ever be put forward."""
        places: Iterable[Slot | Booking] = self.says.slots if isinstance(self.says, Rotation) else self.says
        return frozenset(person for place in places for person in place.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Override:
    start: datetime
    end: datetime
    reason: str = ""
    id: str = ""
    """Named in `why` where there is one (R1)."""

    def __post_init__(self) -> None:
        """Refuse an empty span."""
        if self.end <= self.start:
            raise ValueError("an override ends after it starts; correct its start or end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover(_Override):
    """These people instead of everybody (R13)."""

    people: tuple[str, ...]
    nobody: bool = False
    """The flag that an empty cover needs, with a reason."""

    def __post_init__(self) -> None:
        """Refuse an empty span, and nobody by accident."""
        _Override.__post_init__(self)
        if bool(self.people) is self.nobody:
            raise ValueError("a cover names people, or says nobody: true and why; write one of both")
        if self.nobody and not self.reason.strip():
            raise ValueError("a cover by nobody needs a reason; write reason: …")

    @property
    def puts_on(self) -> tuple[str, ...]:
        """Who is on call by it."""
        return self.people


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace(_Override):
    """One person in place of another, wherever that one would answer (R13)."""

    person: str
    by: str

    def __post_init__(self) -> None:
        """Refuse an empty span, and a person in place of themselves."""
        _Override.__post_init__(self)
        if self.person == self.by:
            raise ValueError(f"{self.by} cannot stand in for {self.person}; name two people")

    @property
    def puts_on(self) -> tuple[str, ...]:
        """Who is on call by it."""
        return (self.by,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(_Override):
    """Not this person, wherever they would answer (R13)."""

    person: str

    @property
    def puts_on(self) -> tuple[str, ...]:
        """Who is on call by it."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(_Override):
    """These people besides whoever else answers (R13)."""

    people: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse an empty span, and adding nobody."""
        _Override.__post_init__(self)
        if not self.people:
            raise ValueError("an add names whom it adds; write add: [NAME]")

    @property
    def puts_on(self) -> tuple[str, ...]:
        """Who is on call by it."""
        return self.people


Override: TypeAlias = Cover | Replace | Remove | Add
"""A change to what the layers say, for a span `[start, end)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Leave: in `[start, end)` the layers do without this person (R8)."""

    person: str
    start: datetime
    end: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse an empty span."""
        if self.end <= self.start:
            raise ValueError("an absence ends after it starts; correct its start or end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule as its file has it."""

    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()
    """Those of the file, the newest last; older than every one made at run time (R13)."""
    absences: tuple[Absence, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two layers of one priority (R12, R17)."""
        seen: dict[int, str] = {}
        for layer in self.layers:
            if layer.priority in seen:
                both = f"layers {seen[layer.priority]} and {layer.name}"
                raise ValueError(f"{both} have the same priority {layer.priority}; give each its own")
            seen[layer.priority] = layer.name

    @property
    def holidays(self) -> frozenset[date]:
        """The local dates of the calendar that it names (R11)."""
        return frozenset(day for layer in self.layers for day in layer.holidays)

    @property
    def people(self) -> frozenset[str]:
        """Everybody whom a layer or an override of the file may put on call."""
        layered = {person for layer in self.layers for person in layer.people}
        return frozenset(layered | {person for override in self.overrides for person in override.puts_on})
