"""Tables of incidents: their state, their events, their post-mortems."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.core.model import Paging, Phase, Running
from incident_bot.store.tables.base import (
    Base,
    document,
    identifier,
    index_where,
    instant,
    number,
    one_of,
    reference,
    unique_where,
    word,
    words,
)


class IncidentTable(Base, table=True):
    """The state of one incident: the fold of its events."""

    __tablename__ = "incident"
    __table_args__ = (
        one_of("phase", Phase),
        one_of("paging", Paging),
        one_of("running", Running),
        # P5. A partial index also keeps PostgreSQL from taking the stronger row lock on updates of the column.
        unique_where("uq_incident_open", "open_hash", "open_hash IS NOT NULL"),
        sa.Index("ix_incident_key", "key_hash", "id"),
        sa.Index("ix_incident_paging", "paging", "id"),
        sa.Index("ix_incident_team", "team", "id"),
        index_where("ix_incident_public", "id", condition="public IS NOT NULL"),
        sa.Index("ix_incident_opened", "opened_at", "id"),
        index_where("ix_incident_private", "id", condition="private"),
        index_where("ix_incident_review", "id", condition="review_state IS NOT NULL"),
        index_where("ix_incident_followups", "id", condition="followups IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    key: str = words()
    # An incident key is made of label values and may be longer than an index entry can be.
    key_hash: str = word()
    open_hash: str | None = word()
    title: str = words()
    severity: str = words()
    peak: str = words()
    phase: str = word()
    paging: str = word()
    team: str = words()
    service: str | None = words()
    lead: str | None = words()
    roles: Any = document()
    impact: str | None = words()
    runbook: str | None = words()
    items: Any = document()
    epoch: int
    loop: int
    step: int
    next_at: datetime | None = instant()
    running: str = word()
    started_at: datetime = instant()
    fell_back: bool
    reached: bool
    policy: Any = document()
    opened_at: datetime = instant()
    opened_by: str = words()
    acknowledged_at: datetime | None = instant()
    acknowledged_by: str | None = words()
    responders: Any = document()
    waiting_for: str | None = words()
    asked_at: datetime | None = instant()
    snoozed_until: datetime | None = instant()
    resolved_at: datetime | None = instant()
    updated_by_people: bool
    next_update_at: datetime | None = instant()
    forced: bool
    drill: bool
    private: bool
    previous: int | None = number()
    merged_into: int | None = number()
    revision: str = word()
    seq: int
    last_hash: str = word()
    called: Any | None = document()
    taken: Any | None = document()
    storm: str | None = words()
    flapping: Any | None = document()
    lead_since: datetime | None = instant()
    offer: Any | None = document()
    ticks: Any | None = document()
    resolver: str | None = words()
    reminders: Any | None = document()
    silences: Any | None = document()
    public: Any | None = document()
    review: Any | None = document()
    # Of the review and the items, for lists; None where there is neither.
    review_state: str | None = word()
    review_owner: str | None = words()
    review_due: datetime | None = instant()
    followups: int | None


class BucketTable(Base, table=True):
    """How many incidents a team's route may still open (I12)."""

    __tablename__ = "storm_bucket"
    __table_args__ = (sa.PrimaryKeyConstraint("key_hash"),)

    # The key is made of matchers and may be longer than an index entry can be.
    key_hash: str = word()
    key: str = words()
    tokens: float
    at: datetime = instant()
    since: datetime | None = instant()


class EventTable(Base, table=True):
    """One entry of an incident's timeline."""

    __tablename__ = "event"
    __table_args__ = (
        sa.UniqueConstraint("incident_id", "seq"),
        # What people think of alerts and runbooks: few events, asked for by all who look back.
        index_where(
            "ix_event_judged", "incident_id", "seq", condition="kind IN ('verdict_given', 'runbook_judged')"
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    incident_id: int = reference("incident.id")
    seq: int
    kind: str = word()
    actor: str = words()
    source: str = words()
    happened_at: datetime = instant()
    recorded_at: datetime = instant()
    data: Any = document()
    hash: str = word()


class TurnTable(Base, table=True):
    """Whom a step whose people take turns paged last, over all incidents."""

    __tablename__ = "step_turn"
    __table_args__ = (sa.PrimaryKeyConstraint("step"),)

    # Team, severity and step, with slashes.
    step: str = word()
    person: str | None = words()
    moved_at: datetime = instant()


class PostmortemTable(Base, table=True):
    """One saved version of an incident's post-mortem."""

    __tablename__ = "postmortem"
    __table_args__ = (sa.UniqueConstraint("incident_id", "version"), {"sqlite_autoincrement": True})

    id: int | None = identifier()
    incident_id: int = reference("incident.id")
    version: int
    text: str = words()
    saved_by: str = words()
    saved_at: datetime = instant()
    # How much of it was there; what was saved before this was counted has none.
    done: int | None
    total: int | None
    missing: Any | None = document()


class ProofTable(Base, table=True):
    """The condition of one follow-up, and when Prometheus is asked for it next."""

    __tablename__ = "followup_proof"
    __table_args__ = (
        sa.UniqueConstraint("incident_id", "number"),
        index_where("ix_followup_proof_due", "due_at", condition="due_at IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    incident_id: int = reference("incident.id")
    number: int
    query: str = words()
    # While somebody asks, when their lease ends; None where it is not asked any more.
    due_at: datetime | None = instant()
    attempts: int
    holds: bool | None
    said: str | None = words()
    asked_at: datetime | None = instant()
