"""Which past incidents are like this one, why, and what was to be done after them and is not. Reads no clock.

Likeness is counted in points that a person can follow: the same alerts, the same service, the same labels, words of the
title, and how long ago. What shares neither an alert nor most of its title on the same service is not like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

NAMED_MOST: Final = 3
HALF_LIFE: Final = timedelta(days=90)
"""After this time half of the points are left."""
ALIKE: Final = 0.5
"""So much of the words of two titles are the same where they are alike."""
_ALERTS: Final = 4.0
_SERVICE: Final = 2.0
_LABELS: Final = 1.5
_TITLE: Final = 2.0
_WORD: Final = re.compile(r"\w{3,}")
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A follow-up that is not done."""

    number: int
    text: str
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is compared of an incident."""

    number: int
    title: str
    severity: str = ""
    service: str | None = None
    alerts: frozenset[str] = frozenset()
    """The names of its alerts."""
    labels: frozenset[tuple[str, str]] = frozenset()
    """Those that all its alerts share, without what tells one machine from another."""
    opened_at: datetime
    promises: tuple[Promise, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """A past incident that is like this one."""

    incident: Known
    points: float
    why: str
    """`same alert HighErrorRate on checkout, 12 days ago`."""
    promises: tuple[Promise, ...] = field(default=())
    """What was to be done after it, and is not."""


def similar(this: Known, past: Iterable[Known], *, most: int = NAMED_MOST) -> tuple[Similar, ...]:
    """Give the past incidents that are most like this one, the most alike first."""
    found = [one for other in past if other.opened_at <= this.opened_at and (one := _compared(this, other))]
    return tuple(sorted(found, key=lambda one: (-one.points, -one.incident.number))[:most])


def shared_labels(labels: Sequence[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    """Give the labels that all alerts of an incident have alike."""
    if not labels:
        return frozenset()
    first, *others = (frozenset(one.items()) for one in labels)
    return first.intersection(*others)


def _compared(this: Known, other: Known) -> Similar | None:
    alerts = this.alerts & other.alerts
    service = this.service is not None and this.service == other.service
    words = _alike(_words(this.title), _words(other.title))
    if other.number == this.number or not (alerts or (service and words >= ALIKE)):
        return None
    points = (
        _ALERTS * _alike(this.alerts, other.alerts)
        + _SERVICE * service
        + _LABELS * _alike(this.labels, other.labels)
        + _TITLE * words
    )
    age = this.opened_at - other.opened_at
    return Similar(
        incident=other,
        points=points * (HALF_LIFE / (HALF_LIFE + age)),
        why=f"{_said(sorted(alerts))}{f' on {this.service}' if service else ''}, {_ago(age)}",
        promises=other.promises,
    )


def _said(alerts: Sequence[str]) -> str:
    if not alerts:
        return "a title like this one"
    more = f" and {len(alerts) - NAMED_MOST} more" if len(alerts) > NAMED_MOST else ""
    return f"same alert{'' if len(alerts) == 1 else 's'} {', '.join(alerts[:NAMED_MOST])}{more}"


def _alike(some: frozenset[object] | frozenset[str], others: frozenset[object] | frozenset[str]) -> float:
    both = some | others
    return len(some & others) / len(both) if both else 0.0


def _words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.casefold()))


def _ago(age: timedelta) -> str:
    if age >= 2 * _DAY:
        return f"{age // _DAY} days ago"
    if age >= _DAY:
        return "a day ago"
    return f"{max(1, age // _HOUR)} h ago" if age >= _HOUR else "just before"
