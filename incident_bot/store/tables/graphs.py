"""The tables of graphs: what is to be asked of a Prometheus for an incident, and the series that came of it."""

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
    reference,
    word,
    words,
)


class CaptureTable(Base, table=True):
    """One look at an incident's expressions: due until it is taken or given up."""

    __tablename__ = "capture"
    __table_args__ = (
        sa.Index("ix_capture_incident", "incident_id", "id"),
        index_where("ix_capture_due", "due_at", condition="due_at IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    incident_id: int = reference("incident.id")
    moment: str = word()
    what: str = words()
    asked_by: str = word()
    asked_at: datetime = instant()
    due_at: datetime | None = instant()
    lease_owner: str | None = word()
    attempts: int
    taken_at: datetime | None = instant()
    error: str | None = words()


class GraphTable(Base, table=True):
    """One expression over the window of a capture; `about` says which, `series` holds the values."""

    __tablename__ = "graph"
    __table_args__ = (
        sa.Index("uq_graph_number", "incident_id", "number", unique=True),
        sa.Index("ix_graph_capture", "capture_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    incident_id: int = reference("incident.id")
    capture_id: int = reference("capture.id")
    number: int
    kind: str = word()
    title: str = words()
    taken_at: datetime = instant()
    about: Any = document()
    series: Any = document()
