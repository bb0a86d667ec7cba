"""Tables of what people say and show in a chat: what is heard of a message, names, files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from incident_bot.store.tables.base import (
    BIG_ID,
    Base,
    document,
    identifier,
    index_where,
    instant,
    reference,
    word,
    words,
)


class HeardTable(Base, table=True):
    """What people did to one message, or to a channel where `ts` is empty, and what came of it."""

    __tablename__ = "slack_heard"
    __table_args__ = (
        sa.PrimaryKeyConstraint("channel", "ts"),
        index_where("ix_slack_heard_due", "due_at", condition="due_at IS NOT NULL"),
    )

    channel: str = word()
    ts: str = word()
    marks: Any = document()
    done: Any = document()
    # When it is looked at next; for as long as somebody does that, when their lease ends.
    due_at: datetime | None = instant()
    lease_owner: str | None = word()
    version: int
    attempts: int
    error: str | None = words()
    made_at: datetime = instant()


class NameTable(Base, table=True):
    """How a member, a channel or a group of the workspace is called."""

    __tablename__ = "slack_name"
    __table_args__ = (sa.PrimaryKeyConstraint("id"),)

    id: str = word()
    name: str = words()
    asked_at: datetime = instant()


class EvidenceTable(Base, table=True):
    """A file that belongs to an incident's record; without content until it is fetched."""

    __tablename__ = "evidence"
    __table_args__ = (
        sa.Index("uq_evidence_number", "incident_id", "number", unique=True),
        sa.Index("uq_evidence_source", "incident_id", "source", unique=True),
        index_where("ix_evidence_due", "due_at", condition="due_at IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    incident_id: int = reference("incident.id")
    number: int
    name: str = words()
    kind: str = words()
    size: int = Field(sa_type=BIG_ID)
    content: bytes | None = Field(sa_type=sa.LargeBinary)
    sha256: str | None = word()
    source: str = word()
    url: str = words()
    added_by: str = word()
    added_at: datetime = instant()
    due_at: datetime | None = instant()
    lease_owner: str | None = word()
    attempts: int
    error: str | None = words()
