"""Decides whether an alert flaps (I11), from the instants at which its source says that it began and ended.

The changes of an alert are a set: told twice or in another order they are the same (P8, P9), and a delay on the way
makes none. The clock is the source's, so that only the differences of its own instants count. What holds:

1. Sorted, the changes alternate, also those of one instant. Two beginnings with no end between are one where they
   are within `NEAR`: two servers that saw it a little apart. Further apart an end and a beginning lie between them that
   nobody told: two changes. Two ends with no beginning between are one.
2. An alert flaps once `transitions` changes lie in `within`, counted back from the newest.
3. It flaps until `quiet` passes without a change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from incident_bot.core.model import Alert, Change, Episode, FlappingRule, Status

NEAR: Final = timedelta(seconds=60)
KEPT_MOST: Final = 40
"""The newest changes that are kept; rules of more transitions than this are refused."""


def changes_of(episode: Episode) -> tuple[Change, ...]:
    """Give the changes of an episode's alert; those of its first episode are the episode itself."""
    return episode.changes or tuple(_own(episode.starts_at, episode.ends_at))


def told_by(alert: Alert, *, now: datetime) -> tuple[Change, ...]:
    """Give the changes that an alert in a delivery tells: when it began and, if it is over, when it ended."""
    over = alert.status is Status.RESOLVED
    return tuple(_own(alert.starts_at, (alert.ends_at or now) if over else None))


def joined(
    known: Iterable[Change], told: Iterable[Change], *, span: timedelta | None = None
) -> tuple[Change, ...]:
    """Give both as one set, in order: the newest `KEPT_MOST` of them, and those within `span` of the newest."""
    changes = sorted({*known, *told}, key=lambda change: (change.at, change.firing))[-KEPT_MOST:]
    if span is None or not changes:
        return tuple(changes)
    # Differences only: an alert may have begun in the first hour of all time.
    return tuple(change for change in changes if changes[-1].at - change.at < span)


def transitions(changes: Iterable[Change]) -> list[datetime]:
    """Give the instant of each transition among changes in order."""
    found: list[datetime] = []
    last: Change | None = None
    for change in _alternating(changes):
        if last is None or last.firing is not change.firing:
            found.append(change.at)
        elif change.firing and change.at - last.at > NEAR:
            found += (change.at, change.at)
        last = change
    return found


def _alternating(changes: Iterable[Change]) -> Iterable[Change]:
    """Give the changes in order; of a beginning and an end at one instant first the one that differs from what was."""
    fires = False
    for _, at_once in groupby(changes, key=lambda change: change.at):
        for change in sorted(at_once, key=lambda change: change.firing is fires):
            yield change
            fires = change.firing


def flaps(changes: Iterable[Change], rule: FlappingRule | None, *, before: bool = False) -> bool:
    """Say whether an alert with these changes flaps; `before` says whether it did until the newest of them."""
    found = transitions(changes)
    if rule is None or not found:
        return False
    newest = found[-1]
    if sum(newest - at < rule.within for at in found) >= rule.transitions:
        return True
    earlier = [at for at in found if at < newest]
    return before and bool(earlier) and newest - earlier[-1] < rule.quiet


def _own(starts_at: datetime, ends_at: datetime | None) -> Iterable[Change]:
    yield Change(at=starts_at, firing=True)
    if ends_at is not None:
        # A source whose clock jumps can end an alert before it began.
        yield Change(at=max(starts_at, ends_at), firing=False)
