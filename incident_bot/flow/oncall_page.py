"""What the page of one schedule shows: the final schedule day by day, and what lies beneath it.

Asks the same `Roster` as paging, so what is shown is what pages; past days by what was in force then (R15). Reads
only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.documents import nearest
from incident_bot.core.errors import NotFound
from incident_bot.core.oncall import Absence, Add, Cover, Layer, Mode, Override, Rotation, Schedule
from incident_bot.core.oncall import history as solver
from incident_bot.core.oncall.history import Version
from incident_bot.core.walltime import EARLIEST, LATEST, to_instant
from incident_bot.flow import oncall_words, roster
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.flow.views import OverrideView

REACH: Final = timedelta(days=35)
"""How far around what is shown a shift is followed to its true beginning and end."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A stretch with one set of people, or with nobody."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    why: str
    deliberate: bool = False
    """Of a stretch with nobody: whether somebody asked for it."""
    opened: bool = True
    """Whether it starts then; else it goes back further than anybody looked."""
    closed: bool = True
    """Whether it ends then; else it goes on further than anybody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one day has of a turn."""

    start: datetime
    end: datetime
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One local date and who answers on it, without holes."""

    date: date
    start: datetime
    end: datetime
    parts: tuple[Part, ...]

    @property
    def shift(self) -> timedelta:
        """How much longer than 24 hours it is; negative where the clocks go forward."""
        return self.end - self.start - _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One slot of a ring."""

    people: tuple[str, ...]
    begins: datetime | None
    """Local to the layer's zone."""
    until: datetime | None
    """Local to the layer's zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSeen:
    """One layer as its file has it, and whom it alone would put forward in the span."""

    name: str
    priority: int
    time_zone: str
    adds: bool
    turns: str
    windows: tuple[str, ...]
    ring: tuple[Place, ...]
    shifts: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideSeen:
    """One override that overlaps the span."""

    id: int | None
    """None for one of the file, which only the file can end."""
    people: tuple[str, ...]
    """Whom it puts on call."""
    instead_of: str | None
    added: bool
    start: datetime
    end: datetime
    reason: str
    state: str
    """planned, running, ended, cancelled; or ignored, as it puts on an inactive person (R13)."""
    by: str | None
    """Who made it."""
    ended_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One schedule over some days."""

    name: str
    time_zone: str
    in_force: bool
    """Whether the configuration in force has it; else only its past is shown."""
    start: datetime
    end: datetime
    days: tuple[Day, ...]
    turns: tuple[Turn, ...]
    """Everything that overlaps the span, in order and without holes, as long as it truly is."""
    layers: tuple[LayerSeen, ...]
    """The highest first."""
    overrides: tuple[OverrideSeen, ...]
    absences: tuple[Absence, ...]
    changes: tuple[datetime, ...]
    """When within the span a configuration came into force that changed it."""
    people: tuple[str, ...]
    """Everybody who occurs, and everybody whom the schedule may put on call."""

    @property
    def gaps(self) -> tuple[Turn, ...]:
        """The stretches with nobody."""
        return tuple(turn for turn in self.turns if not turn.people)


def seen(context: Context, schedule: str, *, first: date, days: int, zone: ZoneInfo, now: datetime) -> Seen:
    """Give a schedule on these local dates, and what lies beneath it; raises NotFound.

    The parts of each day agree with `roster.on_call` at every instant.
    """
    midnights = [
        to_instant(datetime.combine(first + step * _DAY, time.min), zone) for step in range(days + 1)
    ]
    start, end = midnights[0], midnights[-1]
    current = context.live.current.revision.schedules.get(schedule)
    with context.store.read() as tx:
        asked = Roster(context.records, context.live.current, tx)
        if not asked.is_known(schedule):
            raise NotFound(_no_schedule(schedule, sorted(context.live.current.revision.schedules)))
        versions = asked.versions(schedule, start, end)
        turns = _turns(asked, schedule, start, end)
    held = [version for version in versions if version.schedule is not None]
    layers = _layers(versions, held, start, end)
    named = {person for turn in turns for person in turn.people}
    named |= {person for layer in layers for place in layer.ring for person in place.people}
    told = roster.overrides(context, schedule, start=start, end=end, now=now)
    return Seen(
        name=schedule,
        time_zone=_zone_of([current, *(one.schedule for one in reversed(held))]),
        in_force=current is not None,
        start=start,
        end=end,
        days=tuple(
            Day(
                date=first + step * _DAY,
                start=midnights[step],
                end=midnights[step + 1],
                parts=_cut(turns, midnights[step], midnights[step + 1]),
            )
            for step in range(days)
        ),
        turns=turns,
        layers=layers,
        overrides=_overrides(held, told, start, end, now=now),
        absences=_absences(held, start, end),
        changes=_changes(versions, start, min(end, now)),
        people=tuple(sorted(named | (current.people if current else frozenset()))),
    )


def _zone_of(schedules: Iterable[Schedule | None]) -> str:
    return next((one.zone.key for one in schedules if one is not None), "UTC")


def _changes(versions: Sequence[Version], start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Give the instants within the span at which the schedule itself became another."""
    return tuple(
        after.start
        for before, after in pairwise(versions)
        if start < after.start < end and before.schedule != after.schedule
    )


def _turns(asked: Roster, schedule: str, start: datetime, end: datetime) -> tuple[Turn, ...]:
    low = max(start, EARLIEST + REACH) - REACH
    high = min(end, LATEST - REACH) + REACH
    found = [
        Turn(
            start=one.start, end=one.end, people=one.people, why=one.why,
            opened=one.start > low, closed=one.end < high,
        )
        for one in asked.shifts(schedule, low, high)
    ] + [
        Turn(
            start=one.start, end=one.end, people=(), why=one.why, deliberate=one.deliberate,
            opened=one.start > low, closed=one.end < high,
        )
        for one in asked.gaps(schedule, low, high)
    ]  # fmt: skip
    return tuple(
        sorted((one for one in found if one.start < end and start < one.end), key=lambda one: one.start)
    )


def _cut(turns: Sequence[Turn], start: datetime, end: datetime) -> tuple[Part, ...]:
    return tuple(
        Part(start=max(turn.start, start), end=min(turn.end, end), turn=turn)
        for turn in turns
        if turn.start < end and start < turn.end
    )


def _layers(
    versions: Sequence[Version], held: Sequence[Version], start: datetime, end: datetime
) -> tuple[LayerSeen, ...]:
    """Give each layer as it was last written, and its own turns by what was in force at each instant."""
    latest = {layer.name: layer for one in held if one.schedule is not None for layer in one.schedule.layers}
    return tuple(
        _layer(layer, versions, start, end)
        for layer in sorted(latest.values(), key=lambda layer: -layer.priority)
    )


def _layer(layer: Layer, versions: Sequence[Version], start: datetime, end: datetime) -> LayerSeen:
    alone = [
        replace(one, schedule=_only(one.schedule, layer.name)) if one.schedule is not None else one
        for one in versions
    ]
    places = (
        tuple(Place(people=slot.people, begins=slot.begins, until=slot.until) for slot in layer.says.slots)
        if isinstance(layer.says, Rotation)
        else tuple(Place(people=(person,), begins=None, until=None) for person in sorted(layer.people))
    )
    return LayerSeen(
        name=layer.name,
        priority=layer.priority,
        time_zone=layer.zone.key,
        adds=layer.mode is Mode.ADD,
        turns=oncall_words.turns(layer),
        windows=oncall_words.windows(layer),
        ring=places,
        shifts=tuple(
            Turn(start=one.start, end=one.end, people=one.people, why=one.why)
            for one in solver.shifts(alone, (), start, end)
        ),
    )


def _only(schedule: Schedule, layer: str) -> Schedule:
    return replace(schedule, layers=tuple(one for one in schedule.layers if one.name == layer), overrides=())


def _overrides(
    held: Sequence[Version], told: Iterable[OverrideView], start: datetime, end: datetime, *, now: datetime
) -> tuple[OverrideSeen, ...]:
    """Give the overrides of the files in force in the span and those made at run time, the earliest first."""
    written: dict[Override, frozenset[str]] = {
        one: version.inactive
        for version in held
        if version.schedule is not None
        for one in version.schedule.overrides
        if one.start < end and start < one.end
    }
    found = [_written(one, inactive, now) for one, inactive in written.items()]
    found += [_made(one) for one in told]
    return tuple(sorted(found, key=lambda one: (one.start, one.id or 0)))


def _written(one: Override, inactive: frozenset[str], now: datetime) -> OverrideSeen:
    state = "planned" if now < one.start else "running" if now < one.end else "ended"
    return OverrideSeen(
        id=None,
        people=one.puts_on,
        instead_of=None if isinstance(one, Cover | Add) else one.person,
        added=isinstance(one, Add),
        start=one.start,
        end=one.end,
        reason=one.reason,
        state=state if inactive.isdisjoint(one.puts_on) else "ignored",
        by=None,
        ended_by=None,
    )


def _made(one: OverrideView) -> OverrideSeen:
    return OverrideSeen(
        id=one.id,
        people=one.cover or one.add or ((one.by,) if one.by else ()),
        instead_of=one.replace or one.remove,
        added=one.add is not None,
        start=one.start,
        end=one.end,
        reason=one.reason,
        state=one.state,
        by=one.created_by,
        ended_by=one.ended_by,
    )


def _absences(held: Sequence[Version], start: datetime, end: datetime) -> tuple[Absence, ...]:
    found = {
        one
        for version in held
        if version.schedule is not None
        for one in version.schedule.absences
        if one.start < end and start < one.end
    }
    return tuple(sorted(found, key=lambda one: (one.start, one.person)))


def _no_schedule(name: str, known: Sequence[str]) -> str:
    hint = nearest(name, known)
    return f"There is no schedule {name[:80]!r}{hint}{'' if hint.endswith('?') else '.'}"
