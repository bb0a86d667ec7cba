"""What people do at run time, as stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import JsonObject


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
class SavedPostmortem:
    """A post-mortem as people left it."""

    incident_id: int
    text: str
    saved_by: str
    saved_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One applied configuration, and when it became active (R15)."""

    id: str
    digest: str
    documents: JsonObject
    activated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did to the bot itself."""

    id: int
    at: datetime
    actor: str
    action: str
    data: JsonObject
