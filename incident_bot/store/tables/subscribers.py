"""Who follows the status page, what they are told, and the letters on their way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.core.status import Outlet
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


class SubscriberTable(Base, table=True):
    """One address; whoever wants nothing more is removed, and nothing of them stays."""

    __tablename__ = "subscriber"
    __table_args__ = (
        one_of("outlet", Outlet),
        sa.UniqueConstraint("outlet", "address"),
        sa.Index("ix_subscriber_asked_at", "asked_at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    outlet: str = word()
    address: str = words()
    # What its links are signed with.
    secret: str = word()
    components: Any = document()
    # What they asked for last; it counts once they confirm it.
    asked_components: Any = document()
    asked_at: datetime = instant()
    confirmed_at: datetime | None = instant()
    refusals: int


class NewsTable(Base, table=True):
    """One thing that subscribers are told."""

    __tablename__ = "status_news"
    __table_args__ = (sa.UniqueConstraint("key"), {"sqlite_autoincrement": True})

    id: int | None = identifier()
    key: str = word()
    at: datetime = instant()
    subject: str = words()
    text: str = words()
    payload: Any = document()
    made_at: datetime = instant()


class NoticeTable(Base, table=True):
    """One letter or call to one subscriber; about no news it asks them to confirm."""

    __tablename__ = "status_notice"
    __table_args__ = (
        one_of("outlet", Outlet),
        sa.UniqueConstraint("news_id", "subscriber_id"),
        sa.Index("ix_status_notice_subscriber_id", "subscriber_id"),
        index_where("ix_status_notice_due", "outlet", "due_at", condition="due_at IS NOT NULL"),
        index_where("ix_status_notice_sent", "outlet", "sent_at", condition="sent_at IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    news_id: int | None = reference("status_news.id")
    subscriber_id: int = reference("subscriber.id")
    outlet: str = word()
    made_at: datetime = instant()
    # When it is tried next; while somebody sends it, when their lease ends. None once it is over.
    due_at: datetime | None = instant()
    lease_owner: str | None = word()
    attempts: int
    sent_at: datetime | None = instant()
    error: str | None = words()
