"""What a change of the rotations means to each person: the stretches that they gain and lose. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from incident_bot.core.oncall.answers import pieces
from incident_bot.core.oncall.schedule import Schedule
from incident_bot.core.walltime import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The schedules of one revision, and the people whom no override of it can put on call (R13)."""

    schedules: Mapping[str, Schedule]
    inactive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one person gains and loses on one schedule; at least one of both is not empty."""

    schedule: str
    person: str
    gains: tuple[Span, ...]
    loses: tuple[Span, ...]

    @property
    def gained(self) -> timedelta:
        """Give the time gained."""
        return length(self.gains)

    @property
    def lost(self) -> timedelta:
        """Give the time lost."""
        return length(self.loses)


def length(spans: Iterable[Span]) -> timedelta:
    """Give how long the stretches are together."""
    return sum((end - start for start, end in spans), timedelta(0))


def compare(old: Side, new: Side, start: datetime, end: datetime) -> tuple[Change, ...]:
    """Give who gains and loses what in `[start, end)`, by schedule and person; empty where nobody does.

    A schedule that only one side has is nobody's on the other. Where the same person answers for another reason
    nothing changes. What is gained and what is lost never overlap.
    """
    found: list[Change] = []
    for name in sorted({*old.schedules, *new.schedules}):
        before, after = on_call(old, name, start, end), on_call(new, name, start, end)
        for person in sorted({*before, *after}):
            had, has = before.get(person, ()), after.get(person, ())
            gains, loses = tuple(_without(has, had)), tuple(_without(had, has))
            if gains or loses:
                found.append(Change(schedule=name, person=person, gains=gains, loses=loses))
    return tuple(found)


def on_call(side: Side, name: str, start: datetime, end: datetime) -> dict[str, tuple[Span, ...]]:
    """Give everybody's maximal stretches on call for a schedule in `[start, end)`; nobody's where there is none."""
    schedule = side.schedules.get(name)
    return spans_of(schedule, start, end, inactive=side.inactive) if schedule else {}


def spans_of(
    schedule: Schedule, start: datetime, end: datetime, *, inactive: frozenset[str] = frozenset()
) -> dict[str, tuple[Span, ...]]:
    """Give everybody's maximal stretches on call in `[start, end)`, in order."""
    found: dict[str, list[Span]] = {}
    for piece in pieces(schedule, (), start, end, inactive=inactive):
        for one in piece.placed:
            join(found.setdefault(one.person, []), (piece.start, piece.end))
    return {person: tuple(spans) for person, spans in found.items()}


def join(spans: list[Span], span: Span) -> None:
    """Add a stretch that starts no earlier than the last one, making one of two that touch."""
    if spans and span[0] <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(span[1], spans[-1][1]))
    else:
        spans.append(span)


def _without(spans: Iterable[Span], others: Iterable[Span]) -> Iterator[Span]:
    """Give what of these stretches is in none of the others; both in order."""
    taken = tuple(others)
    for start, end in spans:
        rest = start
        for begin, finish in taken:
            if begin >= end:
                break
            if finish > rest:
                if begin > rest:
                    yield rest, begin
                rest = finish
        if rest < end:
            yield rest, end
