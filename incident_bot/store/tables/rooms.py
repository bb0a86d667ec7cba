"""Tables of what a chat shows: one row a room, with everything that is in it as recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.store.tables.base import Base, document, index_where, instant, reference, word, words


class RoomTable(Base, table=True):
    """Where one incident is worked on in chat."""

    __tablename__ = "room"
    __table_args__ = (
        sa.PrimaryKeyConstraint("incident_id"),
        index_where("ix_room_due", "due_at", condition="due_at IS NOT NULL"),
        index_where("ix_room_channel", "channel", condition="channel IS NOT NULL"),
    )

    incident_id: int = reference("incident.id")
    rank: int
    shown: Any = document()
    channel: str | None = word()
    thread: str | None = word()
    # When it is compared with its incident next; for as long as somebody does that, when their lease ends.
    due_at: datetime | None = instant()
    lease_owner: str | None = word()
    version: int
    attempts: int
    error: str | None = words()
    made_at: datetime = instant()


class SeenTable(Base, table=True):
    """What Slack sent already, as a digest."""

    __tablename__ = "slack_seen"
    __table_args__ = (sa.PrimaryKeyConstraint("digest"), sa.Index("ix_slack_seen_at", "at"))

    digest: str = word()
    at: datetime = instant()
