"""Who answers at an instant and in a span: the one decision behind paging, previews, calendars and lint (R1).

`who`, `shifts`, `stretch` and `gaps` all read the same pieces, so they cannot disagree. Layers are laid over each
other (R12) and overrides over the layers (R13), from change to change, so the cost grows with the number of
changes and not with the minutes.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from incident_bot.core.oncall.pieces import Piece, Placed, Reason, layer_pieces, leave_of
from incident_bot.core.oncall.schedule import Add, Cover, Mode, Override, Replace, Schedule
from incident_bot.core.oncall.words import nobody_text, reason_text, together
from incident_bot.core.walltime import EARLIEST, HORIZON, LATEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A person who is on call, and why."""

    person: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A maximal stretch in which the same people answer."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    """In the order of the stretch's beginning."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A maximal stretch in which nobody answers (R14)."""

    start: datetime
    end: datetime
    deliberate: bool
    """Whether a blocking layer or an override asks for it."""
    why: str


def who(
    schedule: Schedule,
    overrides: Sequence[Override],
    instant: datetime,
    *,
    inactive: frozenset[str] = frozenset(),
    revision: str = "",
) -> tuple[Answer, ...]:
    """Give the people on call at the instant, in order, each with the reason; nobody is an answer (R1, R14).

    `overrides` are those made at run time, the newest last; those of the file come with the schedule. `inactive`
    are the people whom no override can put on call (R13).
    """
    note = f" (revision {revision})" if revision else ""
    found = pieces(schedule, overrides, instant, instant + timedelta.resolution, inactive=inactive)
    return tuple(
        Answer(person=person, why=reason_text(schedule.name, reason) + note)
        for piece in found
        for person, reason in piece.placed
    )


def shifts(
    schedule: Schedule,
    overrides: Sequence[Override],
    start: datetime,
    end: datetime,
    *,
    inactive: frozenset[str] = frozenset(),
) -> tuple[Shift, ...]:
    """Give the maximal stretches of `[start, end)` with one set of people; those with nobody are left out.

    They agree with `who` at every instant. The cost grows with the span, so callers bound it.
    """
    found = pieces(schedule, overrides, start, end, inactive=inactive)
    runs = [
        list(run) for _, run in groupby(found, key=lambda piece: {placed.person for placed in piece.placed})
    ]
    return tuple(
        Shift(
            start=run[0].start,
            end=run[-1].end,
            people=tuple(person for person, _ in run[0].placed),
            why=together(schedule.name, (placed.reason for piece in run for placed in piece.placed)),
        )
        for run in runs
        if run[0].placed
    )


def gaps(
    schedule: Schedule,
    overrides: Sequence[Override],
    start: datetime,
    end: datetime,
    *,
    inactive: frozenset[str] = frozenset(),
) -> tuple[Gap, ...]:
    """Give the maximal stretches of `[start, end)` with nobody, deliberate ones apart from others (R9, R13)."""
    found = pieces(schedule, overrides, start, end, inactive=inactive)
    by_kind = groupby(found, key=lambda piece: (bool(piece.placed), piece.nobody is not None))
    runs = [(deliberate, list(run)) for (manned, deliberate), run in by_kind if not manned]
    return tuple(
        Gap(
            start=run[0].start,
            end=run[-1].end,
            deliberate=deliberate,
            why=nobody_text(schedule.name, (piece.nobody for piece in run)),
        )
        for deliberate, run in runs
    )


def stretch(
    schedule: Schedule,
    overrides: Sequence[Override],
    instant: datetime,
    person: str,
    *,
    inactive: frozenset[str] = frozenset(),
) -> tuple[datetime | None, datetime | None]:
    """Give since when and until when this person answers for the reason that holds at the instant.

    The reason is what `why` names: one turn of one layer, or one override. An end that does not come within 400
    days is None. ValueError where the person is not on call at the instant.
    """
    since: datetime | None = None
    until: datetime | None = None
    # Most stretches are short, so look near first; the last round settles it.
    for reach in (timedelta(days=2), timedelta(days=16), timedelta(days=100), HORIZON):
        low, high = max(instant - reach, EARLIEST), min(instant + reach, LATEST)
        found = pieces(schedule, overrides, low, high, inactive=inactive)
        runs = [
            (reason, list(run)) for reason, run in groupby(found, key=lambda piece: _reason(piece, person))
        ]
        run = next((run for reason, run in runs if reason and run[0].start <= instant < run[-1].end), None)
        if run is None:
            raise ValueError(f"{person} is not on call for {schedule.name} at {instant.isoformat()}")
        since = run[0].start if run[0].start > low else None
        until = run[-1].end if run[-1].end < high else None
        if since and until:
            break
    return since, until


def _reason(piece: Piece, person: str) -> Reason | None:
    return next((placed.reason for placed in piece.placed if placed.person == person), None)


def ignored(
    schedule: Schedule, overrides: Sequence[Override], inactive: frozenset[str]
) -> tuple[Override, ...]:
    """Give the overrides that count for nothing because they put on an inactive person; to be reported (R13)."""
    every = (*schedule.overrides, *overrides)
    return tuple(override for override in every if not inactive.isdisjoint(override.puts_on))


def pieces(
    schedule: Schedule,
    overrides: Sequence[Override],
    start: datetime,
    end: datetime,
    *,
    inactive: frozenset[str] = frozenset(),
) -> list[Piece]:
    """Give the answers of `[start, end)` in order and without holes, each as long as its reasons hold."""
    start, end = max(start, EARLIEST), min(end, LATEST)
    if start >= end:
        return []
    leave = leave_of(schedule.absences)
    layers = sorted(schedule.layers, key=lambda layer: -layer.priority)
    adding = [layer.mode is Mode.ADD for layer in layers]
    streams = [_Stream(layer_pieces(layer, leave, start, end)) for layer in layers]
    changes = _Changes(
        override
        for override in (*schedule.overrides, *overrides)
        if override.start < end and start < override.end and inactive.isdisjoint(override.puts_on)
    )
    moments = {moment for stream in streams for moment in stream.moments} | changes.moments
    cuts = (start, *sorted(moment for moment in moments if start < moment < end), end)
    found: list[Piece] = []
    for opened, closed in pairwise(cuts):
        said = [(stream.at(opened), adds) for stream, adds in zip(streams, adding, strict=True)]
        base = next((piece for piece, adds in said if piece is not None and not adds), None)
        placed = [
            *(base.placed if base else ()),
            *(one for piece, adds in said if piece and adds for one in piece.placed),
        ]
        piece = _overridden(opened, closed, placed, base.nobody if base else None, changes.at(opened))
        if found and found[-1][2:] == piece[2:]:
            found[-1] = found[-1]._replace(end=closed)
        else:
            found.append(piece)
    return found


def _overridden(
    start: datetime, end: datetime, placed: list[Placed], nobody: Reason | None, running: Sequence[Override]
) -> Piece:
    """Give what the overrides that run make of the base: the newest is the last of them (R13)."""
    if not running and len(placed) <= 1:
        return Piece(start, end, tuple(placed), None if placed else nobody)
    covers = [override for override in running if isinstance(override, Cover)]
    if covers:
        reason = Reason(override=covers[-1])
        base = [Placed(person, reason) for person in covers[-1].people]
        nobody = reason
    else:
        base = []
        for one in placed:
            mapped = next(
                (
                    override
                    for override in reversed(running)
                    if not isinstance(override, Cover | Add) and override.person == one.person
                ),
                None,
            )
            if mapped is None:
                base.append(one)
                continue
            nobody = Reason(override=mapped)
            if isinstance(mapped, Replace):
                base.append(Placed(mapped.by, nobody))
    base += [
        Placed(person, Reason(override=override))
        for override in running
        if isinstance(override, Add)
        for person in override.people
    ]
    once: dict[str, Placed] = {}
    for one in base:
        once.setdefault(one.person, one)
    return Piece(start, end, tuple(once.values()), None if once else nobody)


class _Stream:
    """One layer's pieces, asked for at instants that never go back."""

    __slots__ = ("_next", "_pieces")

    def __init__(self, found: Iterable[Piece]) -> None:
        self._pieces = tuple(found)
        self._next = 0

    @property
    def moments(self) -> Iterator[datetime]:
        """Every instant at which it changes what it says."""
        for piece in self._pieces:
            yield piece.start
            yield piece.end

    def at(self, instant: datetime) -> Piece | None:
        """Give what it says at the instant."""
        while self._next < len(self._pieces) and self._pieces[self._next].end <= instant:
            self._next += 1
        if self._next < len(self._pieces) and self._pieces[self._next].start <= instant:
            return self._pieces[self._next]
        return None


class _Changes:
    """The overrides in force, asked for at instants that never go back."""

    __slots__ = ("_running", "_waiting", "moments")

    def __init__(self, overrides: Iterable[Override]) -> None:
        aged = list(enumerate(overrides))
        self.moments = {moment for _, override in aged for moment in (override.start, override.end)}
        self._waiting = sorted(aged, key=lambda one: one[1].start, reverse=True)
        self._running: list[tuple[int, Override]] = []

    def at(self, instant: datetime) -> list[Override]:
        """Give those that run at the instant, the newest last."""
        self._running = [one for one in self._running if one[1].end > instant]
        while self._waiting and self._waiting[-1][1].start <= instant:
            insort(self._running, self._waiting.pop(), key=lambda one: one[0])
        return [override for _, override in self._running]
