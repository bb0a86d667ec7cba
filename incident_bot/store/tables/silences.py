"""The table of silences: what sources of alerts are to do for an incident, and what they have done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.store.tables.base import (
    Base,
    document,
    identifier,
    index_where,
    instant,
    one_of,
    reference,
    word,
    words,
)
from incident_bot.store.tables.states import SilenceWish


class SilenceTable(Base, table=True):
    """One silence at one source."""

    __tablename__ = "silence"
    __table_args__ = (
        one_of("wish", SilenceWish),
        sa.UniqueConstraint("incident_id", "number"),
        index_where("ix_silence_due", "due_at", condition="due_at IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    incident_id: int = reference("incident.id")
    number: int
    source: str = word()
    matchers: Any = document()
    asked_by: str = words()
    reason: str | None = words()
    asked_at: datetime = instant()
    ends_at: datetime = instant()
    wish: str = word()
    lift_reason: str | None = words()
    # What the source called it, and until when it said that it holds it.
    silence_id: str | None = words()
    held_until: datetime | None = instant()
    # When it is worked on next; for as long as somebody does that, when their lease ends. None where it is over.
    due_at: datetime | None = instant()
    lease_owner: str | None = word()
    version: int
    attempts: int
    error: str | None = words()
