"""The table of what changed outside: deploys and configuration changes, as pipelines tell them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.store.tables.base import Base, document, identifier, index_where, instant, word, words


class ChangeEventTable(Base, table=True):
    """One change."""

    __tablename__ = "change_event"
    __table_args__ = (
        sa.Index("ix_change_event_at", "at", "id"),
        index_where("ix_change_event_forget_at", "forget_at", condition="forget_at IS NOT NULL"),
        # The same word of the same teller is stored once.
        index_where("uq_change_event_key", "told_by", "key", condition="key IS NOT NULL", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    kind: str = word()
    what: str = words()
    service: str | None = words()
    team: str | None = words()
    who: str | None = words()
    version: str | None = words()
    url: str | None = words()
    labels: Any = document()
    at: datetime = instant()
    told_by: str = words()
    told_at: datetime = instant()
    key: str | None = words()
    # None of what stands beside an incident: that is its record, and stays.
    forget_at: datetime | None = instant()
