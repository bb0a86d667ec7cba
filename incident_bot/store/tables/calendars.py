"""The table of the links under which calendars are read."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.tables.base import Base, identifier, instant, one_of, word, words
from incident_bot.store.tables.states import FeedKind


class CalendarLinkTable(Base, table=True):
    """One secret link to one calendar, its token as a digest."""

    __tablename__ = "calendar_link"
    __table_args__ = (
        one_of("kind", FeedKind),
        sa.UniqueConstraint("digest"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    kind: str = word()
    name: str = word()
    digest: str = word()
    created_by: str = words()
    created_at: datetime = instant()
    revoked_at: datetime | None = instant()
    last_used_at: datetime | None = instant()
