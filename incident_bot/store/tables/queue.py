"""Tables of what waits: the outbox, its attempts, the timers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.core.effects import PageKind, TimerKind
from incident_bot.store.tables.base import (
    Base,
    document,
    identifier,
    index_where,
    instant,
    number,
    one_of,
    reference,
    word,
    words,
)
from incident_bot.store.tables.states import AttemptResult, RowKind, RowState, TimerState


class OutboxTable(Base, table=True):
    """One page or message."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("kind", RowKind),
        one_of("state", RowState),
        one_of("page_kind", PageKind),
        sa.UniqueConstraint("key"),
        # What is done has no `ready_at`, and what waits in a lane is found by its lane: neither is read to find what
        # falls due.
        index_where("ix_outbox_ready", "ready_at", condition="ready_at IS NOT NULL AND lane IS NULL"),
        index_where(
            "ix_outbox_lane", "lane", "priority", "rank", "due_at", "id", condition="lane IS NOT NULL"
        ),
        index_where(
            "ix_outbox_fold",
            "person",
            "via",
            "rank",
            "due_at",
            "id",
            condition="lane IS NOT NULL AND page_kind IS NOT NULL",
        ),
        index_where("ix_outbox_late", "late_at", condition="late_at IS NOT NULL"),
        index_where("ix_outbox_carried", "carried_by", condition="carried_by IS NOT NULL"),
        index_where(
            "ix_outbox_coalesce", "coalesce_key", condition="coalesce_key IS NOT NULL AND state = 'pending'"
        ),
        index_where("ix_outbox_incident", "incident_id", "id", condition="incident_id IS NOT NULL"),
        index_where("ix_outbox_failed", "id", condition="state = 'failed'"),
        index_where("ix_outbox_sent", "via", "sent_at", condition="sent_at IS NOT NULL"),
        index_where(
            "ix_outbox_told", "person", "sent_at", condition="person IS NOT NULL AND sent_at IS NOT NULL"
        ),
        index_where(
            "ix_outbox_paged",
            "sent_at",
            "incident_id",
            condition="page_kind IS NOT NULL AND sent_at IS NOT NULL",
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    kind: str = word()
    key: str = words()
    coalesce_key: str | None = words()
    incident_id: int | None = reference("incident.id")
    epoch: int | None
    loop: int
    step: int
    page_kind: str | None = word()
    person: str | None = words()
    via: str = word()
    recipient: str | None = words()
    moment: str | None = word()
    data: Any = document()
    reason: str = words()
    urgency: str | None = word()
    rank: int
    due_at: datetime = instant()
    state: str = word()
    attempts: int
    ready_at: datetime | None = instant()
    lease_owner: str | None = word()
    lease_until: datetime | None = instant()
    claimed_at: datetime | None = instant()
    sent_at: datetime | None = instant()
    provider_id: str | None = words()
    error: str | None = words()
    created_at: datetime = instant()
    give_up_at: datetime | None = instant()
    lane: str | None = words()
    priority: int | None
    late_at: datetime | None = instant()
    carried_by: int | None = number()


class CircuitTable(Base, table=True):
    """What is known of one way out: whether its provider works."""

    __tablename__ = "circuit"
    __table_args__ = (sa.PrimaryKeyConstraint("name"),)

    name: str = word()
    failed_at: Any = document()
    opened_at: datetime | None = instant()
    retry_at: datetime | None = instant()
    opens: int
    reason: str = words()


class LaneTable(Base, table=True):
    """What a lane has let through, for all replicas: one row for each lane that has a pace, or was closed."""

    __tablename__ = "lane"
    __table_args__ = (sa.PrimaryKeyConstraint("name"),)

    name: str = words()
    free_at: datetime | None = instant()
    opens_at: datetime | None = instant()


class AttemptTable(Base, table=True):
    """One provider call."""

    __tablename__ = "attempt"
    __table_args__ = (
        sa.PrimaryKeyConstraint("outbox_id", "number"),
        one_of("result", AttemptResult),
    )

    outbox_id: int = reference("outbox.id")
    number: int
    at: datetime = instant()
    finished_at: datetime | None = instant()
    result: str = word()
    provider_id: str | None = words()
    error: str | None = words()


class ReceiptTable(Base, table=True):
    """What a provider said later of something that it had taken."""

    __tablename__ = "receipt"
    __table_args__ = (sa.PrimaryKeyConstraint("outbox_id", "status"),)

    outbox_id: int = reference("outbox.id")
    status: str = word()
    at: datetime = instant()
    detail: str | None = words()


class TimerTable(Base, table=True):
    """One thing that falls due."""

    __tablename__ = "timer"
    __table_args__ = (
        one_of("kind", TimerKind),
        one_of("state", TimerState),
        sa.UniqueConstraint("key"),
        sa.Index("ix_timer_due", "state", "due_at"),
        index_where("ix_timer_incident", "incident_id", condition="incident_id IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    kind: str = word()
    key: str = words()
    incident_id: int | None = reference("incident.id")
    subject: int | None = number()
    epoch: int | None
    due_at: datetime = instant()
    data: Any = document()
    state: str = word()
    attempts: int
    error: str | None = words()
    version: int
    set_at: datetime = instant()
