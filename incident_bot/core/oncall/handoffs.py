"""Hand-offs: where who is on call changes, what is one person's, what moved, and how a stretch changes hands. Pure.

Reads the stretches that `answers` and `history` give, so it cannot disagree with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from incident_bot.core.oncall.answers import Shift, pieces
from incident_bot.core.oncall.diff import join
from incident_bot.core.oncall.pieces import Piece
from incident_bot.core.oncall.schedule import Add, Cover, Override, Replace, Schedule
from incident_bot.core.walltime import Span

MARGIN = timedelta(days=2)
"""No rule of any clock moves a hand-off further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """That other people are on call from an instant on; the order of the same people is no change."""

    at: datetime
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def came(self) -> tuple[str, ...]:
        """Give who begins."""
        return tuple(person for person in self.after if person not in self.before)

    @property
    def went(self) -> tuple[str, ...]:
        """Give who ends."""
        return tuple(person for person in self.before if person not in self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A hand-off at another instant than before; None where there was none, or is none any more."""

    was: datetime | None
    now: datetime | None
    people: tuple[str, ...]
    """Who is on call from it on."""


def changes(shifts: Iterable[Shift], start: datetime, end: datetime) -> Iterator[Change]:
    """Give the hand-offs within `(start, end)`, in order; `shifts` are the maximal stretches of `[start, end)`."""
    before: tuple[str, ...] = ()
    since = start
    for shift in shifts:
        if before and shift.start > since:
            yield Change(at=since, before=before, after=())
            before = ()
        if shift.start > start:
            yield Change(at=shift.start, before=before, after=shift.people)
        before, since = shift.people, shift.end
    if before and since < end:
        yield Change(at=since, before=before, after=())


def held(shifts: Iterable[Shift], person: str) -> tuple[Span, ...]:
    """Give the maximal stretches in which the person is among those on call, in order."""
    found: list[Span] = []
    for shift in shifts:
        if person in shift.people:
            join(found, (shift.start, shift.end))
    return tuple(found)


def moved(was: Sequence[Change], now: Sequence[Change], start: datetime, end: datetime) -> tuple[Moved, ...]:
    """Give the hand-offs of `[start, end)` that moved between two counts of the same schedule, in order.

    `now` reaches `MARGIN` further at both ends, so that what moved over an end is still found. One that is new within
    `MARGIN` of the end was beyond it before, and is none.
    """
    matcher = SequenceMatcher(
        None, [_hands(one) for one in was], [_hands(one) for one in now], autojunk=False
    )
    found: list[Moved] = []
    for kind, first, last, low, high in matcher.get_opcodes():
        if kind == "equal":
            for old, new in zip(was[first:last], now[low:high], strict=True):
                if old.at != new.at:
                    found.append(Moved(was=old.at, now=new.at, people=new.after))
            continue
        found.extend(Moved(was=one.at, now=None, people=one.after) for one in was[first:last])
        found.extend(
            Moved(was=None, now=one.at, people=one.after)
            for one in now[low:high]
            if start <= one.at < end - MARGIN
        )
    return tuple(sorted(found, key=lambda one: one.was or one.now or start))


def _hands(change: Change) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(change.before), frozenset(change.after)


def transfer(
    schedule: Schedule,
    overrides: Sequence[Override],
    span: Span,
    *,
    giver: str,
    taker: str,
    reason: str = "",
    inactive: frozenset[str] = frozenset(),
) -> tuple[Override, ...]:
    """Give the overrides by which the taker answers wherever the giver does within the span, and nothing else changes.

    Added as the newest, in this order (R13). None where the giver never answers. ValueError says why it cannot be
    done by overrides.
    """
    made: list[Override] = []
    # Somebody may have a place for more than one reason, and each override shows the next.
    while step := _step(schedule, (*overrides, *made), span, giver, taker, inactive, first=not made):
        made.extend(step)
    return tuple(replace(change, reason=reason) for change in made)


def _step(
    schedule: Schedule,
    overrides: Sequence[Override],
    span: Span,
    giver: str,
    taker: str,
    inactive: frozenset[str],
    *,
    first: bool,
) -> list[Override]:
    """Give the overrides that undo one reason of every place that the giver has, each as long as it goes."""
    found: list[Override] = []
    for piece in pieces(schedule, overrides, *span, inactive=inactive):
        why = next((placed.reason for placed in piece.placed if placed.person == giver), None)
        if why is None:
            continue
        if first and any(placed.person == taker for placed in piece.placed):
            raise ValueError(f"{taker} is on call for {schedule.name} in that time already")
        change = _instead(piece, why.override, giver, taker)
        last = found[-1] if found else None
        if (
            last is not None
            and last.end == change.start
            and replace(last, end=change.end) == replace(change, start=last.start)
        ):
            found[-1] = replace(last, end=change.end)
        else:
            found.append(change)
    return found


def _instead(piece: Piece, override: Override | None, giver: str, taker: str) -> Replace | Cover:
    """Say what puts the taker in the place that the giver has by this override, or by the layers."""
    if isinstance(override, Add):
        name = f" {override.id}" if override.id else ""
        message = f"{giver} was added by override{name}; end that one and add {taker} instead"
        raise ValueError(message)  # noqa: TRY004 - one kind of refusal for whoever asks
    # Overrides do not chain: who stands in for somebody is replaced by replacing that somebody anew.
    person = override.person if isinstance(override, Replace) else giver
    if isinstance(override, Cover) or person == taker:
        # Nobody can be replaced by themselves: who gets a shift back is put on with all who are on.
        base = (placed.person for placed in piece.placed if not isinstance(placed.reason.override, Add))
        people = tuple(taker if one == giver else one for one in base)
        return Cover(people=people, start=piece.start, end=piece.end)
    return Replace(person=person, by=taker, start=piece.start, end=piece.end)
