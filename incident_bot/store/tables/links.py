"""Secret links by which a person acknowledges an incident."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.tables.base import Base, instant, number, reference, word


class AckLinkTable(Base, table=True):
    """One link for one person and one incident, its token as a digest; every attempt to send a page makes one.

    Where a page carries others, `page_id` names it, and the link is for all of their incidents.
    """

    __tablename__ = "ack_link"
    __table_args__ = (sa.PrimaryKeyConstraint("digest"), sa.Index("ix_ack_link_expires_at", "expires_at"))

    digest: str = word()
    incident_id: int = reference("incident.id")
    person: str = word()
    made_at: datetime = instant()
    expires_at: datetime = instant()
    used_at: datetime | None = instant()
    page_id: int | None = number()
