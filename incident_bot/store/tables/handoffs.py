"""Tables around hand-offs: offers of shifts, whether who comes is reachable, what was last known of each schedule."""

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
from incident_bot.store.tables.states import OfferState


class OfferTable(Base, table=True):
    """One offer of a shift, to one person or to whoever takes it first."""

    __tablename__ = "swap_offer"
    __table_args__ = (
        one_of("state", OfferState),
        index_where("ix_swap_offer_open", "expires_at", condition="state = 'offered'"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    offered_by: str = word()
    offered_to: str | None = word()
    given: Any = document()
    wanted: Any | None = document()
    reason: str = words()
    state: str = word()
    created_at: datetime = instant()
    expires_at: datetime = instant()
    settled_by: str | None = word()
    settled_at: datetime | None = instant()
    overrides: Any = document()


class TapTable(Base, table=True):
    """That one person was asked whether they are reachable for the shift that begins then."""

    __tablename__ = "reach_tap"
    __table_args__ = (
        sa.UniqueConstraint("schedule", "starts_at", "person"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    schedule: str = word()
    starts_at: datetime = instant()
    person: str = word()
    asked_at: datetime = instant()
    due_at: datetime = instant()
    tapped_at: datetime | None = instant()
    missed_at: datetime | None = instant()


class TapLinkTable(Base, table=True):
    """One secret link to one tap, its token as a digest; every attempt to send it makes one."""

    __tablename__ = "tap_link"
    __table_args__ = (sa.PrimaryKeyConstraint("digest"),)

    digest: str = word()
    tap_id: int = reference("reach_tap.id")
    made_at: datetime = instant()


class WatchTable(Base, table=True):
    """What was last known of one schedule: who was on call, and the shifts ahead by which rules of the clocks."""

    __tablename__ = "watched_schedule"
    __table_args__ = (sa.PrimaryKeyConstraint("schedule"),)

    schedule: str = word()
    people: Any = document()
    looked_at: datetime = instant()
    digest: str = word()
    clocks: str = word()
    counted_at: datetime = instant()
    counted_until: datetime = instant()
    shifts: Any = document()
