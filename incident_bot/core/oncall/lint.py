"""What goes wrong in the time ahead: gaps, overlaps, clock changes, nights, leave (R16).

Pure: findings are values, and what they weigh is the configuration's business. Each kind is defined at `Kind`; a
finding names the schedule, and the person, the layer and the place in it where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.oncall import clock_lint
from incident_bot.core.oncall.answers import pieces
from incident_bot.core.oncall.diff import join
from incident_bot.core.oncall.load import DAY, nights
from incident_bot.core.oncall.pieces import Leave, Piece, layer_pieces, leave_of
from incident_bot.core.oncall.ring import Ring
from incident_bot.core.oncall.schedule import Layer, Rotation, Schedule
from incident_bot.core.walltime import Span, to_instant

NIGHTS_MOST: Final = 7


class Kind(StrEnum):
    """What can be found."""

    GAPS = "gaps"
    """Nobody is on call, and nothing written asks for that."""
    OVERLAPS = "overlaps"
    """A person is on call for two schedules at once; or, as a time comes twice, a window ends an hour after
    another layer's has begun, so that both speak."""
    CLOCK_CHANGES = "clock_changes"
    """A turn or a window begins or ends at a local time that is missing or comes twice (R4)."""
    CLOCK_WEEKS = "clock_weeks"
    """A turn is longer or shorter than the others because the clock changes in it."""
    UNREACHABLE = "unreachable"
    """A person is on call whom no rule reaches that is for high urgency."""
    CONSECUTIVE = "consecutive"
    """A person has two turns in a row in a ring of several."""
    NIGHTS = "nights"
    """A person is on call for more nights in a row than is allowed, on all schedules together. A night is 22:00 to
    06:00 on the person's own clock, and counts where at least half of it is on call."""
    HOLIDAYS = "holidays"
    """A date of the schedule's calendar has a gap in it."""
    LEAVE = "leave"
    """An override puts on somebody who is absent then; or the one whose turn it is is absent, and nobody of the
    ring stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found, in `[start, end)`."""

    kind: Kind
    schedule: str
    start: datetime
    end: datetime
    person: str | None = None
    layer: str | None = None
    window: int | None = None
    """The window of the layer, by its place in it."""
    override: int | None = None
    """The override of the file, by its place in it."""
    other: str | None = None
    """The other schedule or layer that it is about."""
    date: date | None = None
    """The holiday."""
    nights: int = 0
    """How many in a row."""
    by: timedelta = timedelta(0)
    """How much longer a turn is; negative where it is shorter."""
    clock: time | None = None
    """The local time that is missing or comes twice."""
    twice: bool = False
    """Whether that local time comes twice; otherwise it is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What to look at, and for what."""

    schedules: Sequence[Schedule]
    start: datetime
    end: datetime
    inactive: frozenset[str] = frozenset()
    """Whom no override can put on call (R13)."""
    unreachable: frozenset[str] = frozenset()
    """Whom no rule for high urgency reaches."""
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """Each person's; those without one have no nights."""
    nights_most: int = NIGHTS_MOST
    kinds: frozenset[Kind] = frozenset(Kind)


def lint(look: Look) -> Iterator[Finding]:
    """Give what is found in the span, each maximal stretch once, in order within a kind and schedule (R16)."""
    answered = {
        schedule.name: pieces(schedule, (), look.start, look.end, inactive=look.inactive)
        for schedule in look.schedules
    }
    duties = {name: _duties(found) for name, found in answered.items()}
    for schedule in look.schedules:
        found = answered[schedule.name]
        checks = {
            Kind.GAPS: partial(_gaps, schedule, found),
            Kind.UNREACHABLE: partial(_unreachable, look, schedule, duties[schedule.name]),
            Kind.HOLIDAYS: partial(_holidays, look, schedule, found),
            Kind.CONSECUTIVE: partial(_consecutive, look, schedule),
            Kind.LEAVE: partial(_leave, look, schedule),
        }
        for kind, check in checks.items():
            if kind in look.kinds:
                yield from check()
        yield from _clocks(look, schedule)
    if Kind.OVERLAPS in look.kinds:
        yield from _twice(duties)
    if Kind.NIGHTS in look.kinds:
        yield from _nights(look, duties)


def _duties(found: Sequence[Piece]) -> dict[str, list[Span]]:
    duties: dict[str, list[Span]] = {}
    for piece in found:
        for one in piece.placed:
            join(duties.setdefault(one.person, []), (piece.start, piece.end))
    return duties


def _open(found: Sequence[Piece]) -> list[Span]:
    """Give the maximal stretches with nobody that nothing asks for."""
    spans: list[Span] = []
    for piece in found:
        if not piece.placed and piece.nobody is None:
            join(spans, (piece.start, piece.end))
    return spans


def _gaps(schedule: Schedule, found: Sequence[Piece]) -> Iterator[Finding]:
    for start, end in _open(found):
        yield Finding(kind=Kind.GAPS, schedule=schedule.name, start=start, end=end)


def _unreachable(look: Look, schedule: Schedule, duties: Mapping[str, list[Span]]) -> Iterator[Finding]:
    for person in sorted(look.unreachable.intersection(duties)):
        for start, end in duties[person]:
            yield Finding(kind=Kind.UNREACHABLE, schedule=schedule.name, start=start, end=end, person=person)


def _holidays(look: Look, schedule: Schedule, found: Sequence[Piece]) -> Iterator[Finding]:
    holes = _open(found)
    for day in sorted(schedule.holidays) if holes else ():
        if not look.start.date() - DAY <= day <= look.end.date() + DAY:
            continue
        midnights = (to_instant(datetime.combine(one, time()), schedule.zone) for one in (day, day + DAY))
        begins, ends = midnights
        for start, end in holes:
            if start < ends and begins < end:
                yield Finding(
                    kind=Kind.HOLIDAYS,
                    schedule=schedule.name,
                    start=max(start, begins),
                    end=min(end, ends),
                    date=day,
                )


def _consecutive(look: Look, schedule: Schedule) -> Iterator[Finding]:
    leave = leave_of(schedule.absences)
    for layer in schedule.layers:
        rotation = layer.says
        if not isinstance(rotation, Rotation) or _always_turns(layer, rotation, leave):
            continue
        before: dict[str, int] = {}
        said: dict[tuple[int, str], Span] = {}
        for piece in layer_pieces(layer, leave, look.start, look.end):
            for person, reason in piece.placed:
                key = (reason.turn or 0) // rotation.turns_per_slot, person
                said[key] = (said[key][0] if key in said else piece.start, piece.end)
        for (tenure, person), (start, end) in said.items():
            if before.get(person) == tenure - 1 and _several(rotation, layer.ring, start):
                yield Finding(
                    kind=Kind.CONSECUTIVE,
                    schedule=schedule.name,
                    start=start,
                    end=end,
                    person=person,
                    layer=layer.name,
                )
            before[person] = tenure


def _always_turns(layer: Layer, rotation: Rotation, leave: Leave) -> bool:
    """Say whether nobody can follow themselves: all slots differ, none comes or goes, nobody is on leave."""
    seated = [person for slot in rotation.slots for person in slot.people]
    return len(seated) == len(set(seated)) and not layer.ring.changes and layer.people.isdisjoint(leave)


def _several(rotation: Rotation, ring: Ring, instant: datetime) -> bool:
    """Say whether slots of different people are in the ring then."""
    there = {
        frozenset(slot.people)
        for number, slot in enumerate(rotation.slots)
        if slot.people and ring.eligible(number, instant)
    }
    return len(there) > 1


def _leave(look: Look, schedule: Schedule) -> Iterator[Finding]:
    leave = leave_of(schedule.absences)
    for number, override in enumerate(schedule.overrides):
        for person in override.puts_on:
            for start, end in leave.get(person, ()) if look.inactive.isdisjoint(override.puts_on) else ():
                begins, ends = max(start, override.start, look.start), min(end, override.end, look.end)
                if begins < ends:
                    yield Finding(
                        kind=Kind.LEAVE,
                        schedule=schedule.name,
                        start=begins,
                        end=ends,
                        person=person,
                        override=number,
                    )
    for layer in schedule.layers:
        away: list[Span] = []
        for start, end in sorted(span for person in layer.people for span in leave.get(person, ())):
            join(away, (start, end))
        for start, end in away:
            begins, ends = max(start, look.start), min(end, look.end)
            if begins < ends:
                yield from _unmanned(schedule, layer, leave, (begins, ends))


def _unmanned(schedule: Schedule, layer: Layer, leave: Leave, span: Span) -> Iterator[Finding]:
    """Give where in the span the layer would put somebody forward, were nobody on leave, and does not."""
    manned = [(piece.start, piece.end) for piece in layer_pieces(layer, leave, *span)]
    passed = 0
    # Leave only ever divides what the layer says without it.
    for piece in layer_pieces(layer, {}, *span):
        rest = piece.start
        while passed < len(manned) and manned[passed][0] < piece.end:
            begin, finish = manned[passed]
            if begin > rest:
                yield _absent(schedule, layer, piece, (rest, begin))
            rest = finish
            passed += 1
        if rest < piece.end:
            yield _absent(schedule, layer, piece, (rest, piece.end))


def _absent(schedule: Schedule, layer: Layer, piece: Piece, span: Span) -> Finding:
    return Finding(
        kind=Kind.LEAVE,
        schedule=schedule.name,
        start=span[0],
        end=span[1],
        person=piece.placed[0].person,
        layer=layer.name,
    )


def _clocks(look: Look, schedule: Schedule) -> Iterator[Finding]:
    for layer in schedule.layers:
        made = partial(Finding, schedule=schedule.name, layer=layer.name)
        changes = clock_lint.changes(layer.zone, look.start, look.end)
        if Kind.CLOCK_CHANGES in look.kinds:
            for edge in clock_lint.turn_edges(layer, changes):
                yield made(
                    kind=Kind.CLOCK_CHANGES,
                    start=edge.at, end=edge.at, clock=edge.clock, twice=edge.twice,
                )  # fmt: skip
            for edge in clock_lint.window_edges(layer, changes):
                yield made(
                    kind=Kind.CLOCK_CHANGES,
                    start=edge.at, end=edge.at, clock=edge.clock, twice=edge.twice, window=edge.window,
                )  # fmt: skip
        if Kind.CLOCK_WEEKS in look.kinds:
            for start, end, by in clock_lint.uneven_turns(layer, changes):
                yield made(kind=Kind.CLOCK_WEEKS, start=start, end=end, by=by)
        if Kind.OVERLAPS in look.kinds:
            others = [other for other in schedule.layers if other is not layer]
            for edge, until, other in clock_lint.doubled(layer, others, changes):
                yield made(
                    kind=Kind.OVERLAPS,
                    start=edge.at, end=until, clock=edge.clock, twice=True, window=edge.window, other=other,
                )  # fmt: skip


def _twice(duties: Mapping[str, Mapping[str, Sequence[Span]]]) -> Iterator[Finding]:
    """Give where a person of one schedule is on call for an earlier one too, naming the first such."""
    taken: dict[str, list[Span]] = {}
    had: dict[str, list[str]] = {}
    for name, found in duties.items():
        for person, spans in sorted(found.items()):
            for start, end in _both(spans, taken.get(person, ())):
                other = _carrying(duties, had[person], person, (start, end))
                yield Finding(
                    kind=Kind.OVERLAPS, schedule=name, start=start, end=end, person=person, other=other
                )
            taken[person] = _union(taken.get(person, ()), spans)
            had.setdefault(person, []).append(name)


def _union(*several: Sequence[Span]) -> list[Span]:
    spans: list[Span] = []
    for span in sorted(span for some in several for span in some):
        join(spans, span)
    return spans


def _both(one: Sequence[Span], two: Sequence[Span]) -> Iterator[Span]:
    """Give what is in both, each in order without overlaps."""
    first = second = 0
    while first < len(one) and second < len(two):
        start, end = max(one[first][0], two[second][0]), min(one[first][1], two[second][1])
        if start < end:
            yield start, end
        if one[first][1] <= two[second][1]:
            first += 1
        else:
            second += 1


def _nights(look: Look, duties: Mapping[str, Mapping[str, Sequence[Span]]]) -> Iterator[Finding]:
    dark = {zone: list(nights(zone, look.start, look.end)) for zone in set(look.zones.values())}
    everybody = {person for found in duties.values() for person in found}
    for person in sorted(everybody.intersection(look.zones)):
        spans = _union(*(found.get(person, ()) for found in duties.values()))
        for run in _runs(spans, dark[look.zones[person]]):
            if len(run) > look.nights_most:
                start, end = run[0][0], run[-1][1]
                yield Finding(
                    kind=Kind.NIGHTS,
                    schedule=_carrying(duties, duties, person, run[look.nights_most]),
                    start=start,
                    end=end,
                    person=person,
                    nights=len(run),
                )


def _runs(spans: Sequence[Span], dark: Sequence[tuple[date, Span]]) -> Iterator[list[Span]]:
    """Give the nights in a row of which at least half is on call."""
    run: list[Span] = []
    passed = 0
    for _, night in dark:
        while passed < len(spans) and spans[passed][1] <= night[0]:
            passed += 1
        covered, ahead = timedelta(0), passed
        while ahead < len(spans) and spans[ahead][0] < night[1]:
            covered += min(spans[ahead][1], night[1]) - max(spans[ahead][0], night[0])
            ahead += 1
        if 2 * covered >= night[1] - night[0]:
            run.append(night)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _carrying(
    duties: Mapping[str, Mapping[str, Sequence[Span]]], names: Iterable[str], person: str, span: Span
) -> str:
    """Give the first of these schedules that has the person within the span."""
    return next(
        name
        for name in names
        if any(start < span[1] and span[0] < end for start, end in duties[name].get(person, ()))
    )
