"""What people do at run time, as stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import JsonObject
from incident_bot.core.oncall import Override
from incident_bot.store.tables.states import FeedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """One maintenance window, half-open; `id` is 0 until the store has given one."""

    id: int = 0
    matchers: tuple[str, ...]
    start: datetime
    end: datetime
    reason: str
    created_by: str
    created_at: datetime | None = None
    ended_by: str | None = None
    public: JsonObject | None = None
    """What the status page says of it: title, text and components; None where it says nothing."""

    @property
    def called_off_at(self) -> datetime | None:
        """Say when it was ended before it began: it covers nothing then."""
        return self.end if self.end <= self.start else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOverride:
    """One override that somebody made at run time (R13)."""

    id: int
    schedule: str
    change: Override
    """With the span in which it counts: what was cut off ends when it was, what was cancelled keeps its own."""
    created_by: str
    created_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None

    @property
    def cancelled(self) -> bool:
        """Whether it was taken back before it began, and so counts for nothing."""
        return self.ended_at is not None and self.ended_at <= self.change.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One API token; the secret itself is never stored."""

    id: int
    name: str
    scopes: frozenset[str]
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarLink:
    """One secret link to one calendar; its token itself is never stored."""

    id: int
    kind: FeedKind
    name: str
    """Of the schedule, team or person."""
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One applied configuration, and when it became active (R15)."""

    id: str
    digest: str
    documents: JsonObject
    activated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """That a configuration became active, without its documents (R15)."""

    number: int
    """Larger than that of every earlier activation."""
    id: str
    digest: str
    activated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did to the bot itself."""

    id: int
    at: datetime
    actor: str
    action: str
    data: JsonObject
    before: JsonObject | None = None
    after: JsonObject | None = None
    how: str | None = None
    """How the actor was known: the provider they signed in with, a token's name, the command line …"""
    request_id: str | None = None
