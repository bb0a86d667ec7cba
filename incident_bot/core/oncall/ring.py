"""Whose turn it is: a ring of slots that come and go by date, and nobody else's turn moves (R7).

The pointer is never stored: between two dates at which the ring changes it moves by one slot a tenure, so the
slot of any tenure is arithmetic, whether the anchor lies a day or ten years back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from incident_bot.core.oncall.turns import Beat

Membership: TypeAlias = tuple[datetime | None, datetime | None]
"""From when until when a slot is in the ring, half-open; None where it always was, or always will be."""


class _Era(NamedTuple):
    """Tenures whose first boundaries find the same slots in the ring."""

    first: int
    eligible: tuple[int, ...]
    offset: int
    """Where in `eligible` the first tenure's slot stands."""
    before: int
    """The last slot that had a tenure before; -1 where none had."""

    def slot(self, tenure: int) -> tuple[int | None, int]:
        """Give the slot that has this tenure, None where none does, and where the pointer then stands."""
        if not self.eligible:
            return None, self.before
        chosen = self.eligible[(self.offset + tenure - self.first) % len(self.eligible)]
        return chosen, chosen


class Ring:
    """The slots of a rotation in their order, each with its membership."""

    __slots__ = ("_eras", "_firsts", "_members", "_turns", "beat")

    def __init__(self, beat: Beat, turns_per_slot: int, members: Sequence[Membership]) -> None:
        """Count the tenures of this ring; a tenure is `turns_per_slot` turns."""
        self.beat = beat
        self._turns = turns_per_slot
        self._members = tuple(members)
        self._eras = self._count()
        self._firsts = [era.first for era in self._eras]

    @property
    def changes(self) -> tuple[datetime, ...]:
        """The instants at which a slot comes or goes, in order."""
        return tuple(sorted({moment for member in self._members for moment in member if moment}))

    def eligible(self, slot: int, instant: datetime) -> bool:
        """Say whether the slot is in the ring at this instant, whoever is away."""
        begins, until = self._members[slot]
        return (begins is None or begins <= instant) and (until is None or instant < until)

    def scheduled(self, turn: int) -> int | None:
        """Give the slot that has this turn; None where none was in the ring when its tenure began."""
        return self._at(turn)[0]

    def others(self, turn: int) -> tuple[int, ...]:
        """Give the slots in the order in which they stand in for this turn's, the last one being itself (R8)."""
        pointer = self._at(turn)[1]
        count = len(self._members)
        return tuple((pointer + step) % count for step in range(1, count + 1))

    def _at(self, turn: int) -> tuple[int | None, int]:
        tenure = turn // self._turns
        return self._eras[bisect_right(self._firsts, tenure) - 1].slot(tenure)

    def _count(self) -> list[_Era]:
        eras = [self._era(0, self.beat.boundary(0), -1)]
        for change in self.changes:
            turn = self.beat.at(change - timedelta.resolution) + 1
            tenure = -(-turn // self._turns)
            before = eras[-1]
            if tenure > before.first:
                pointer = before.slot(tenure - 1)[1]
                eras.append(self._era(tenure, change, pointer))
            elif tenure:
                # Two changes before one boundary: only what the later one left is found there.
                eras[-1] = self._era(tenure, change, before.before)
        return eras

    def _era(self, first: int, instant: datetime, before: int) -> _Era:
        eligible = tuple(slot for slot in range(len(self._members)) if self.eligible(slot, instant))
        offset = bisect_right(eligible, before) % len(eligible) if eligible else 0
        return _Era(first=first, eligible=eligible, offset=offset, before=before)
