"""What each layer says, stretch by stretch, and the reason of every answer (R5 to R12).

A piece is a stretch in which one answer holds for one reason. Layers give theirs with holes where they say
nothing; `answers` lays them over each other and the overrides over them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from incident_bot.core.oncall.ring import Ring
from incident_bot.core.oncall.schedule import Absence, Booking, Empty, Layer, Mode, Override, Rotation
from incident_bot.core.walltime import Span, window_spans


class Reason(NamedTuple):
    """Why somebody answers, or why deliberately nobody does; equal reasons are one reason (R1)."""

    layer: str | None = None
    turn: int | None = None
    instead_of: tuple[str, ...] | None = None
    """Whose turn it is that somebody else has (R8); empty where the turn is nobody's."""
    adds: bool = False
    title: str = ""
    """What a calendar calls it."""
    override: Override | None = None


class Placed(NamedTuple):
    """A person and the reason."""

    person: str
    reason: Reason


class Piece(NamedTuple):
    """One answer, for one stretch."""

    start: datetime
    end: datetime
    placed: tuple[Placed, ...]
    nobody: Reason | None = None
    """Where nobody answers: the reason why that is deliberate, None where it is not."""


Leave: TypeAlias = Mapping[str, Sequence[Span]]
"""Each person's absences."""


def leave_of(absences: Sequence[Absence]) -> Leave:
    """Give each person's absences."""
    away: dict[str, list[Span]] = {}
    for absence in absences:
        away.setdefault(absence.person, []).append((absence.start, absence.end))
    return away


def layer_pieces(layer: Layer, leave: Leave, start: datetime, end: datetime) -> Iterator[Piece]:
    """Give what the layer says in `[start, end)`, in order, with holes where it says nothing."""
    found = (
        _turns(layer, layer.says, layer.ring, leave, start, end)
        if isinstance(layer.says, Rotation)
        else _booked(layer, layer.says, leave, start, end)
    )
    if not layer.windows:
        yield from found
        return
    spans = window_spans(layer.windows, layer.holidays, layer.zone, start, end)
    ends = [closed for _, closed in spans]
    for piece in found:
        for opened, closed in spans[bisect_right(ends, piece.start) :]:
            if opened >= piece.end:
                break
            yield piece._replace(start=max(opened, piece.start), end=min(closed, piece.end))


def _turns(
    layer: Layer, rotation: Rotation, ring: Ring, leave: Leave, start: datetime, end: datetime
) -> Iterator[Piece]:
    """Give the turns in which the layer puts somebody forward, or blocks, cut to the span (R5 to R9)."""
    away = [leave[person] for person in layer.people if person in leave]
    moments = sorted({*ring.changes, *(moment for spans in away for span in spans for moment in span)})
    number = max(ring.beat.at(start), 0)
    begin = ring.beat.boundary(number)
    while begin < end:
        finish = ring.beat.boundary(number + 1)
        low, high = max(begin, start), min(finish, end)
        if low < high:
            inside = moments[bisect_right(moments, low) : bisect_left(moments, high)] if moments else ()
            for opened, closed in pairwise((low, *inside, high)):
                piece = _turn(layer, rotation, ring, leave, number, opened, closed)
                if piece is not None:
                    yield piece
        number, begin = number + 1, finish


def _turn(
    layer: Layer, rotation: Rotation, ring: Ring, leave: Leave, number: int, start: datetime, end: datetime
) -> Piece | None:
    """Give whom the layer puts forward in this part of a turn; None where it says nothing."""
    slot = ring.scheduled(number)
    adds = layer.mode is Mode.ADD
    reason = Reason(layer=layer.name, turn=number, adds=adds)
    if slot is not None and ring.eligible(slot, start):
        people = rotation.slots[slot].people
        if not people:
            # Written empty: it lets others answer, or keeps them from it, and nobody stands in (R9, R12).
            blocks = rotation.empty is Empty.BLOCK and not adds
            return Piece(start, end, (), reason) if blocks else None
        if present := _present(people, leave, start):
            return Piece(start, end, tuple(Placed(person, reason) for person in present))
    scheduled = rotation.slots[slot].people if slot is not None else ()
    reason = reason._replace(instead_of=scheduled)
    for other in ring.others(number):
        if ring.eligible(other, start) and (present := _present(rotation.slots[other].people, leave, start)):
            return Piece(start, end, tuple(Placed(person, reason) for person in present))
    return None


def _present(people: Sequence[str], leave: Leave, instant: datetime) -> list[str]:
    return [
        person
        for person in dict.fromkeys(people)
        if not any(begin <= instant < end for begin, end in leave.get(person, ()))
    ]


def _booked(
    layer: Layer, bookings: Sequence[Booking], leave: Leave, start: datetime, end: datetime
) -> Iterator[Piece]:
    """Give the stretches in which somebody is booked and not away; several at once answer together."""
    found = sorted(
        (booking for booking in bookings if booking.start < end and start < booking.end),
        key=lambda booking: booking.start,
    )
    away = [leave[person] for person in layer.people if person in leave]
    moments = {moment for booking in found for moment in (booking.start, booking.end)}
    moments |= {moment for spans in away for span in spans for moment in span}
    cuts = (start, *sorted(moment for moment in moments if start < moment < end), end)
    running: list[Booking] = []
    passed = 0
    for opened, closed in pairwise(cuts):
        running = [booking for booking in running if booking.end > opened]
        while passed < len(found) and found[passed].start <= opened:
            running.append(found[passed])
            passed += 1
        placed: dict[str, Placed] = {}
        for booking in running:
            reason = Reason(layer=layer.name, title=booking.title, adds=layer.mode is Mode.ADD)
            for person in _present(booking.people, leave, opened):
                placed.setdefault(person, Placed(person, reason))
        if placed:
            yield Piece(opened, closed, tuple(placed.values()))
