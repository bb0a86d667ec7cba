"""Rules against noise: when an alert flaps (I11), and when a route is in a storm (I12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingRule:
    """When an alert flaps, and what is different then (I11)."""

    transitions: int = 4
    """So many beginnings and ends, the first beginning too, …"""
    within: timedelta = timedelta(minutes=30)
    """… in this time make it flap."""
    hold: timedelta = timedelta(minutes=10)
    """How long an incident waits after the end of its alerts before it resolves."""
    quiet: timedelta = timedelta(minutes=30)
    """So long without a change, and it flaps no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An alert begins or ends, at the instant that its source tells."""

    at: datetime
    firing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """That an incident flaps: since when, and by which rule."""

    since: datetime
    rule: FlappingRule
    quiet_epoch: int | None = None
    """The epoch in which a re-fire opened it again without a page, if one did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StormRule:
    """How many incidents a route may open before they become one (I12).

    5 minutes is Alertmanager's `group_interval`: what breaks together arrives within it. What is said nowhere is high
    on purpose: a site that never named a number gets an incident for each until no person could tell them apart. The
    sample configuration says 20, because nobody reads more than four new incidents a minute.
    """

    openings: int = 1000
    """The size of the bucket: so many at once, …"""
    within: timedelta = timedelta(minutes=5)
    """… and it is full again after this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """How many incidents a route may still open, as it was at one instant."""

    tokens: float
    at: datetime
    since: datetime | None = None
    """Since when it is in a storm; None while it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The alerts of one name and service on one incident, counted."""

    name: str
    service: str | None
    firing: int
    total: int
