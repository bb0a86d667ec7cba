"""Stage 6: how fast each way out may be used, who goes first, and what goes together (S6, S7).

What is due stands in lanes, one for each thing that a provider counts: a channel, an integration key, a number that
sends. A lane lets through what its provider allows, the most important first, and equals in the order of their due
times. Decides only; `store.outbox` keeps the lanes, so that all replicas share them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from incident_bot.core.effects import Moment, PageKind

LATE: Final = timedelta(seconds=20)
"""A page that waits longer in a lane is also sent on the person's next channel (S6)."""
FOLD_FROM: Final = 5
"""So many pages for one person at once are one message, even where nothing holds them back."""
TOGETHER_MOST: Final = 1000
"""Pages in one message."""
_MINUTE: Final = timedelta(minutes=1)
_SHARE: Final = 6
"""A sixth of a minute's messages may go at once."""


class Priority(IntEnum):
    """Who goes first in a lane (S6)."""

    PAGE = 0
    RESULT = 1
    """What became of an acknowledgement, and what the bot has to say of itself."""
    UPDATE = 2
    REST = 3


_OF_MOMENT: Final[Mapping[Moment, Priority]] = MappingProxyType({
    Moment.PAGER: Priority.RESULT,
    Moment.EDIT: Priority.RESULT,
    Moment.META: Priority.RESULT,
    Moment.TAP: Priority.RESULT,
    Moment.UNTAPPED: Priority.RESULT,
    Moment.REMINDER: Priority.RESULT,
    Moment.POSTMORTEM: Priority.REST,
    Moment.HANDOFF: Priority.REST,
    Moment.MOVED: Priority.REST,
    Moment.DIGEST: Priority.REST,
})  # fmt: skip


def priority_of(*, page: PageKind | None, moment: Moment | None) -> Priority:
    """Say how important a page, or a message of this moment, is."""
    if page is not None:
        return Priority.RESULT if page is PageKind.NOTE else Priority.PAGE
    return _OF_MOMENT.get(moment, Priority.UPDATE) if moment else Priority.UPDATE


def folds_with(page: PageKind) -> frozenset[PageKind]:
    """Give the kinds of pages that may stand in one message with this one; a question stands alone (S7)."""
    if page is PageKind.ASK:
        return frozenset()
    if page is PageKind.NOTE:
        return frozenset({PageKind.NOTE})
    return frozenset(PageKind) - {PageKind.ASK, PageKind.NOTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """At most `burst` at once, and one more each `every`."""

    every: timedelta
    burst: int = 1

    @classmethod
    def per_minute(cls, count: int) -> Pace:
        """Give the pace of at most so many in any minute, a sixth of them at once."""
        burst = max(1, count // _SHARE)
        return cls(every=_MINUTE / (count - burst + 1), burst=burst)


def _itself(recipient: str) -> str:
    return recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """What one way out is allowed; a new notifier declares it in its `KIND`."""

    each: Pace | None = None
    """Of each lane."""
    total: Pace | None = None
    """Of all lanes together."""
    lane: Callable[[str], str] = _itself
    """What a recipient is counted by, where lanes have a pace."""
    acts: Mapping[Moment, Pace] = field(default_factory=dict)
    """Moments that a provider counts by themselves, such as the opening of channels."""
    folds: bool = True
    """Whether several pages for one person may be one message (S7)."""


class Lane(NamedTuple):
    """Where something waits."""

    name: str
    pace: Pace | None


@dataclass(frozen=True, slots=True)
class Lanes:
    """The paces of every way out; a way that is not named has none."""

    pacings: Mapping[str, Pacing] = field(default_factory=dict)
    folding: bool = True
    """Whether pages are put together at all."""

    def lane(self, via: str, recipient: str, moment: Moment | None) -> Lane:
        """Give the one lane in which a message to this recipient waits."""
        pacing = self.pacings.get(via, _FREE)
        act = pacing.acts.get(moment) if moment else None
        if act is not None:
            return Lane(f"{via}#{moment}", act)
        if pacing.each is not None:
            return Lane(f"{via}/{pacing.lane(recipient)}", pacing.each)
        return Lane(via, pacing.total)

    def total(self, via: str) -> Lane:
        """Give the lane that all messages of a way pass besides their own."""
        return Lane(via, self.pacings.get(via, _FREE).total)

    def fold_from(self, via: str) -> int | None:
        """Say how many pages for one person on this way go out as one message; None where they never do.

        What a pace holds back folds as soon as there are two. Elsewhere a few pages are told one by one: each has the
        room for what to do first.
        """
        pacing = self.pacings.get(via, _FREE)
        if not self.folding or not pacing.folds:
            return None
        return 2 if pacing.each or pacing.total else FOLD_FROM


_FREE: Final = Pacing()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """What a lane has let through."""

    name: str
    free_at: datetime | None = None
    """From then on it is as if it had never been used."""
    opens_at: datetime | None = None
    """When it takes the next one; None or past: now."""

    def used(self, count: int, pace: Pace, *, now: datetime) -> LaneState:
        """Let so many through at once."""
        free_at = max(self.free_at or now, now) + count * pace.every
        return replace(self, free_at=free_at, opens_at=free_at - (pace.burst - 1) * pace.every)

    def closed(self, until: datetime, pace: Pace | None) -> LaneState:
        """Let nothing through until then, and after that no more at once than the pace gives by itself."""
        opens_at = max(self.opens_at or until, until)
        if pace is None:
            return replace(self, opens_at=opens_at)
        empty = opens_at + (pace.burst - 1) * pace.every
        return replace(self, opens_at=opens_at, free_at=max(self.free_at or empty, empty))

    def room(self, pace: Pace | None, *, now: datetime, most: int) -> int:
        """Say how many it takes now, up to `most`."""
        if self.opens_at is not None and self.opens_at > now:
            return 0
        if pace is None:
            return most
        owed = max((self.free_at or now) - now, timedelta(0))
        return min(most, pace.burst - -(-owed // pace.every))

    def wait(self, pace: Pace | None, *, spare: int = 0, now: datetime) -> datetime | None:
        """Say when it takes one more and still has `spare` places for others; None where that is now."""
        instants = [self.opens_at]
        if pace is not None and self.free_at is not None:
            instants.append(self.free_at - (pace.burst - 1 - min(spare, pace.burst - 1)) * pace.every)
        latest = max((at for at in instants if at is not None), default=now)
        return latest if latest > now else None


class Waiting(NamedTuple):
    """One row that waits, as far as its place in the order goes; compares in that order."""

    priority: int
    rank: int
    due_at: datetime
    id: int
    lane: str
    via: str


def choose(waiting: Iterable[Waiting], rooms: Mapping[str, int], *, most: int) -> list[Waiting]:
    """Give who goes now, the most important first; each takes a place in its lane and among all of its way.

    A row is passed over only where its lane, or its way, is full; a name without a room lets nothing through.
    """
    left = dict(rooms)
    chosen: list[Waiting] = []
    for row in sorted(waiting):
        if len(chosen) == most:
            break
        passed = {row.lane, row.via}
        if all(left.get(name, 0) > 0 for name in passed):
            for name in passed:
                left[name] -= 1
            chosen.append(row)
    return chosen


def passes(chosen: Sequence[Waiting]) -> dict[str, int]:
    """Count what each lane let through."""
    counts: dict[str, int] = {}
    for row in chosen:
        for name in {row.lane, row.via}:
            counts[name] = counts.get(name, 0) + 1
    return counts
