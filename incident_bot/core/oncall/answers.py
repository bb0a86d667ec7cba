"""Who answers at an instant and in a span: the one decision behind paging, previews, calendars and lint (R1).

`who`, `shifts`, `stretch` and `gaps` all read the same pieces, so they cannot disagree. A piece is a stretch
with one answer for one reason: layers are laid over each other (R12) and covers over the layers (R13), from
boundary to boundary, so the cost grows with the number of changes and not with the minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import NamedTuple

from incident_bot.core.oncall.schedule import Cover, Empty, Layer, Schedule
from incident_bot.core.walltime import EARLIEST, HORIZON, LATEST, window_spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A person who is on call, and why."""

    person: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A maximal stretch in which the same people answer, in the same order."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A maximal stretch in which nobody answers (R14)."""

    start: datetime
    end: datetime
    deliberate: bool
    """Whether a blocking layer or a cover by nobody asks for it."""
    why: str


class _Reason(NamedTuple):
    source: str
    number: int
    """The turn of a layer; of a cover only its place in the list."""
    is_turn: bool


class _Piece(NamedTuple):
    start: datetime
    end: datetime
    people: tuple[str, ...]
    reason: _Reason | None
    """None where no layer says anything."""


def who(
    schedule: Schedule,
    covers: Sequence[Cover],
    instant: datetime,
    *,
    inactive: frozenset[str] = frozenset(),
    revision: str = "",
) -> tuple[Answer, ...]:
    """Give the people on call at the instant, in order, each with the reason; nobody is an answer (R1, R14).

    `covers` are those made at run time, the newest last; those of the file come with the schedule.
    """
    note = f" (revision {revision})" if revision else ""
    pieces = _pieces(schedule, covers, inactive, instant, instant + timedelta.resolution)
    return tuple(
        Answer(person=person, why=_why(schedule, pieces) + note)
        for piece in pieces
        for person in piece.people
    )


def shifts(
    schedule: Schedule,
    covers: Sequence[Cover],
    start: datetime,
    end: datetime,
    *,
    inactive: frozenset[str] = frozenset(),
) -> tuple[Shift, ...]:
    """Give the maximal stretches of `[start, end)` with the same people; those with nobody are left out.

    They agree with `who` at every instant. The cost grows with the span, so callers bound it.
    """
    pieces = _pieces(schedule, covers, inactive, start, end)
    runs = [(people, list(run)) for people, run in groupby(pieces, key=lambda piece: piece.people)]
    return tuple(
        Shift(start=run[0].start, end=run[-1].end, people=people, why=_why(schedule, run))
        for people, run in runs
        if people
    )


def gaps(
    schedule: Schedule,
    covers: Sequence[Cover],
    start: datetime,
    end: datetime,
    *,
    inactive: frozenset[str] = frozenset(),
) -> tuple[Gap, ...]:
    """Give the maximal stretches of `[start, end)` with nobody, deliberate ones apart from others (R9)."""
    pieces = _pieces(schedule, covers, inactive, start, end)
    by_kind = groupby(pieces, key=lambda piece: (bool(piece.people), piece.reason is not None))
    runs = [(deliberate, list(run)) for (manned, deliberate), run in by_kind if not manned]
    return tuple(
        Gap(start=run[0].start, end=run[-1].end, deliberate=deliberate, why=_why(schedule, run))
        for deliberate, run in runs
    )


def stretch(
    schedule: Schedule,
    covers: Sequence[Cover],
    instant: datetime,
    person: str,
    *,
    inactive: frozenset[str] = frozenset(),
) -> tuple[datetime | None, datetime | None]:
    """Give since when and until when this person answers for the reason that holds at the instant.

    The reason is what `why` names: one turn of one layer, or one cover. An end that does not come within 400
    days is None. ValueError where the person is not on call at the instant.
    """
    since: datetime | None = None
    until: datetime | None = None
    # Most stretches are short, so look near first; the last round settles it.
    for reach in (timedelta(days=2), timedelta(days=16), timedelta(days=100), HORIZON):
        low, high = instant - reach, instant + reach
        pieces = _pieces(schedule, covers, inactive, low, high)
        piece = next((piece for piece in pieces if piece.start <= instant < piece.end), None)
        if piece is None or person not in piece.people:
            raise ValueError(f"{person} is not on call for {schedule.name} at {instant.isoformat()}")
        since = piece.start if piece.start > low else None
        until = piece.end if piece.end < high else None
        if since and until:
            break
    return since, until


def ignored(schedule: Schedule, covers: Sequence[Cover], inactive: frozenset[str]) -> tuple[Cover, ...]:
    """Give the covers that count for nothing because they name an inactive person; to be reported (R13)."""
    return tuple(cover for cover in (*schedule.covers, *covers) if not inactive.isdisjoint(cover.people))


def _pieces(
    schedule: Schedule, covers: Sequence[Cover], inactive: frozenset[str], start: datetime, end: datetime
) -> list[_Piece]:
    """Give the answers of `[start, end)` without holes, each piece as long as its reason holds."""
    start, end = max(start, EARLIEST), min(end, LATEST)
    if start >= end:
        return []
    laid: list[_Piece] = []
    for layer in sorted(schedule.layers, key=lambda layer: layer.priority):
        laid = _over(list(_layer_pieces(schedule, layer, start, end)), laid)
    covering: list[_Piece] = []
    for piece in _cover_pieces((*schedule.covers, *covers), inactive, start, end):
        covering = _over([piece], covering)
    nobody = _Piece(start=start, end=end, people=(), reason=None)
    return _over(_over(covering, laid), [nobody])


def _over(upper: list[_Piece], lower: list[_Piece]) -> list[_Piece]:
    """Lay ordered pieces over others: the lower ones keep what the upper ones leave free."""
    if not upper or not lower:
        return upper or lower
    left: list[_Piece] = []
    passed = 0
    for piece in lower:
        cursor = piece.start
        while passed < len(upper) and upper[passed].end <= cursor:
            passed += 1
        index = passed
        while index < len(upper) and upper[index].start < piece.end:
            if cursor < upper[index].start:
                left.append(_Piece(cursor, upper[index].start, piece.people, piece.reason))
            cursor = upper[index].end
            index += 1
        if cursor < piece.end:
            left.append(_Piece(cursor, piece.end, piece.people, piece.reason))
    return sorted([*upper, *left], key=lambda piece: piece.start)


def _layer_pieces(schedule: Schedule, layer: Layer, start: datetime, end: datetime) -> Iterator[_Piece]:
    turns = _turns(schedule, layer, start, end)
    if not layer.windows:
        yield from turns
        return
    spans = window_spans(layer.windows, schedule.holidays, layer.zone, start, end)
    passed = 0
    for turn in turns:
        while passed < len(spans) and spans[passed][1] <= turn.start:
            passed += 1
        for opened, closed in islice(spans, passed, None):
            if opened >= turn.end:
                break
            begin, finish = max(opened, turn.start), min(closed, turn.end)
            yield _Piece(begin, finish, turn.people, turn.reason)


def _turns(schedule: Schedule, layer: Layer, start: datetime, end: datetime) -> Iterator[_Piece]:
    """Give the turns in which the layer puts somebody forward, or blocks, cut to the span (R5, R6, R9)."""
    source = f"{schedule.name}: layer {layer.name}"
    number = max(layer.turn.at(start, layer.zone), 0)
    begin = layer.turn.boundary(number, layer.zone)
    while begin < end:
        finish = layer.turn.boundary(number + 1, layer.zone)
        people = tuple(dict.fromkeys(layer.people[number % len(layer.people)]))
        if begin < finish and (people or layer.empty is Empty.BLOCK):
            reason = _Reason(source=source, number=number, is_turn=True)
            yield _Piece(start=max(begin, start), end=min(finish, end), people=people, reason=reason)
        number, begin = number + 1, finish


def _cover_pieces(
    covers: Sequence[Cover], inactive: frozenset[str], start: datetime, end: datetime
) -> Iterator[_Piece]:
    """Give the covers within the span, oldest first, without those that name an inactive person (R13)."""
    for number, cover in enumerate(covers):
        if cover.start < end and start < cover.end and inactive.isdisjoint(cover.people):
            people = tuple(dict.fromkeys(cover.people))
            source = f"cover by {', '.join(people) or 'nobody'}"
            source += f" ({cover.reason})" if cover.reason else ""
            source += f", override {cover.id}" if cover.id else ""
            reason = _Reason(source=source, number=number, is_turn=False)
            yield _Piece(start=max(cover.start, start), end=min(cover.end, end), people=people, reason=reason)


def _why(schedule: Schedule, pieces: Sequence[_Piece]) -> str:
    """Say where these answers come from, each layer and cover once, however many turns it had."""
    turns: dict[tuple[str, bool], list[int]] = {}
    for piece in pieces:
        if piece.reason is not None:
            turns.setdefault((piece.reason.source, piece.reason.is_turn), []).append(piece.reason.number)
    texts = [
        source + (_turn_text(numbers) if is_turn else "") for (source, is_turn), numbers in turns.items()
    ]
    return "; ".join(texts) or f"{schedule.name}: no layer answers"


def _turn_text(numbers: list[int]) -> str:
    first, last = min(numbers), max(numbers)
    return f", turn {first}" if first == last else f", turns {first} to {last}"
