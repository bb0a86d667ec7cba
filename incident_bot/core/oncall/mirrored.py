"""A schedule that somebody else keeps, as they last told of it: who answers at an instant, and how old that word is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

OLD_AFTER: Final = timedelta(hours=1)
"""What was asked longer ago than this says so wherever it is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Somebody on call in `[start, end)`; an open end has no bound."""

    user: str
    """Their id there."""
    name: str
    level: int
    """Of the escalation policy there; 1 is told first."""
    start: datetime | None
    end: datetime | None

    def holds(self, instant: datetime) -> bool:
        """Say whether the instant is within it (R2)."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """What is known of one such schedule."""

    schedule: str
    asked_at: datetime | None = None
    """When it was told last; None is never."""
    stretches: tuple[Stretch, ...] = ()
    error: str | None = None
    """Why the newest question had no answer."""

    def who(self, instant: datetime) -> tuple[Stretch, ...]:
        """Give who answers at an instant, the lowest level first, each user once (R1)."""
        return once(one for one in self.stretches if one.holds(instant))

    def is_old(self, *, now: datetime) -> bool:
        """Say whether it is too old to be taken for what is so now."""
        return self.asked_at is None or now - self.asked_at > OLD_AFTER

    def why(self, stretch: Stretch, *, now: datetime) -> str:
        """Say why somebody answers: the schedule, the level, and how old the word is where it is old."""
        said = f"on call, PagerDuty schedule {self.schedule}, escalation level {stretch.level}"
        if self.asked_at is not None and self.is_old(now=now):
            at = self.asked_at
            said += f", as PagerDuty said at {at:%H:%M}" + (
                "" if at.date() == now.date() else f" on {at:%Y-%m-%d}"
            )
        return said


def once(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Give each user's first stretch by level; a schedule may stand in many policies, at other levels."""
    found: dict[str, Stretch] = {}
    for one in sorted(stretches, key=lambda one: (one.level, one.name, one.user)):
        found.setdefault(one.user, one)
    return tuple(found.values())


def unknown_users(
    mirrors: Sequence[Mirror], known: frozenset[str], *, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Give the users, id and name, who are on call from now on and stand for nobody here."""
    ahead = (one for mirror in mirrors for one in mirror.stretches if one.end is None or one.end > now)
    return tuple(sorted({(one.user, one.name) for one in ahead if one.user not in known}))
