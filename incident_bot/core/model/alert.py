"""Alerts, the deliveries that carry them, and episodes: one continuous firing of an alert (rules I1 to I9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from incident_bot.core.model.json import JsonObject
from incident_bot.core.model.noise import Change

Labels: TypeAlias = Mapping[str, str]
"""Label names to values, as the source sent them."""


class Status(StrEnum):
    """What a source says of an alert."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Flag(StrEnum):
    """What else is known of an episode."""

    UNCONFIRMED = "unconfirmed"
    """Missing from a later body of its group: not a resolve, the reconciler looks (I8)."""
    PARTIAL = "partial"
    """Came in a truncated body: the rest of its group was not seen (I9)."""
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    HELD_REFIRE = "held_refire"
    """A firing that repeats a just-closed episode's start: held, then reopened (I6)."""
    FLAPPING = "flapping"
    """It begins and ends too often (I11); of the alert, so its next episode has it, too."""


class Disposition(StrEnum):
    """The one way on which an episode ends; the reason stands beside it."""

    INCIDENT = "incident"
    NOTIFY = "notify"
    RECORD = "record"
    HELD = "held"
    """Waits, visibly, for a delay, an hours window or the end of an inhibition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One label set from one source, as one delivery told it."""

    source: str
    key: str
    """Identity: a hash of the source and the labels minus its ignored ones (I3)."""
    fingerprint: str
    """Alertmanager's own, kept for its API."""
    labels: Labels
    annotations: Labels
    status: Status
    starts_at: datetime
    ends_at: datetime | None
    """None while firing."""
    generator_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One alert of an otherwise readable body that could not be read."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook, read."""

    source: str
    receiver: str
    group_key: str
    external_url: str
    truncated: int
    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...]
    digest: str
    """The canonical hash of rule I4: equal digests of one group say the same thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One continuous firing of one alert; `id` is 0 until the store has given one."""

    id: int = 0
    source: str
    key: str
    fingerprint: str
    labels: Labels
    annotations: Labels
    generator_url: str = ""
    status: Status
    starts_at: datetime
    ends_at: datetime | None = None
    opened_at: datetime
    """When we first heard of it."""
    updated_at: datetime
    """When what we know of it last changed."""
    closed_at: datetime | None = None
    """When we learned that it ended (not when it ended: that is `ends_at`)."""
    refires: int = 0
    flags: frozenset[Flag] = frozenset()
    disposition: Disposition = Disposition.RECORD
    reason: str | None = None
    """Why it has no incident; None while it has one."""
    incident_id: int | None = None
    severity: str | None = None
    service: str | None = None
    team: str | None = None
    runbook: str | None = None
    """The path of the runbook below `runbooks/`."""
    group_hash: str = ""
    """Which delivery group told of it last."""
    why: JsonObject | None = None
    """How it was routed: the matchers tried, the runbook's reason, the configuration revision."""
    changes: tuple[Change, ...] = ()
    """When its alert began and ended lately; none where this episode says it all."""
