"""Tables of what people do at run time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.store.tables.base import Base, document, identifier, instant, one_of, word, words
from incident_bot.store.tables.states import OverrideKind


class MaintenanceTable(Base, table=True):
    """One maintenance window."""

    __tablename__ = "maintenance"
    __table_args__ = (sa.Index("ix_maintenance_ends_at", "ends_at"), {"sqlite_autoincrement": True})

    id: int | None = identifier()
    matchers: Any = document()
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason: str = words()
    created_by: str = words()
    created_at: datetime = instant()
    ended_by: str | None = words()
    public: Any | None = document()


class OverrideTable(Base, table=True):
    """One override of a schedule, made at run time (R13)."""

    __tablename__ = "override"
    __table_args__ = (
        one_of("kind", OverrideKind),
        sa.Index("ix_override_schedule", "schedule", "ends_at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    schedule: str = word()
    kind: str = word()
    people: Any = document()
    person: str | None = word()
    stand_in: str | None = word()
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason: str = words()
    nobody: bool
    created_by: str = words()
    created_at: datetime = instant()
    ended_by: str | None = words()
    # Not after starts_at: it was taken back before it began.
    ended_at: datetime | None = instant()


class AnswerTable(Base, table=True):
    """The answer that was given to a request with an idempotency key."""

    __tablename__ = "answer"

    # The key comes from outside and may be longer than an index entry can be.
    hash: str = word()
    answer: Any = document()
    given_at: datetime = instant()

    __table_args__ = (sa.PrimaryKeyConstraint("hash"), sa.Index("ix_answer_given_at", "given_at"))


class TokenTable(Base, table=True):
    """One API token, its secret as a digest."""

    __tablename__ = "api_token"
    __table_args__ = (sa.UniqueConstraint("digest"), {"sqlite_autoincrement": True})

    id: int | None = identifier()
    name: str = words()
    digest: str = word()
    scopes: Any = document()
    created_by: str = words()
    created_at: datetime = instant()
    revoked_at: datetime | None = instant()


class RevisionTable(Base, table=True):
    """One activation of a configuration."""

    __tablename__ = "revision"
    __table_args__ = (
        sa.Index("ix_revision_activated_at", "activated_at", "number"),
        {"sqlite_autoincrement": True},
    )

    number: int | None = identifier()
    id: str = word()
    digest: str = word()
    documents: Any = document()
    activated_at: datetime = instant()


class AuditTable(Base, table=True):
    """One thing that somebody did to the bot itself."""

    __tablename__ = "audit"
    # The database itself refuses to change or remove a row: triggers, see the migration 0015.
    __table_args__ = (
        sa.Index("ix_audit_at", "at"),
        sa.Index("ix_audit_actor", "actor", "id"),
        sa.Index("ix_audit_action", "action", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    at: datetime = instant()
    actor: str = words()
    action: str = word()
    data: Any = document()
    # What was before and after, where something was changed.
    data_before: Any | None = document()
    data_after: Any | None = document()
    # How the actor was known, and the id of the request; rows of before 0015 have neither.
    how: str | None = word()
    request_id: str | None = words()
