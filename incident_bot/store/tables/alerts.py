"""Tables of the intake: episodes, delivery groups, deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.core.model import Disposition, Status
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
from incident_bot.store.tables.states import DeliveryState

_FIRING = "status = 'firing'"


class EpisodeTable(Base, table=True):
    """One continuous firing of one alert."""

    __tablename__ = "episode"
    __table_args__ = (
        one_of("status", Status),
        one_of("disposition", Disposition),
        # One alert fires once at a time: the loser of a race reads the winner's episode.
        unique_where("uq_episode_firing", "alert_key", _FIRING),
        sa.Index("ix_episode_newest", "alert_key", "id"),
        index_where("ix_episode_firing_source", "source", condition=_FIRING),
        index_where("ix_episode_firing_group", "group_hash", condition=_FIRING),
        index_where("ix_episode_incident", "incident_id", "id", condition="incident_id IS NOT NULL"),
        index_where("ix_episode_held", "id", condition="disposition = 'held' AND status = 'firing'"),
        # What is counted stands in the index: a month of episodes is counted without reading their rows.
        sa.Index("ix_episode_named", "alertname", "opened_at", "incident_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    source: str = word()
    alert_key: str = word()
    fingerprint: str = words()
    labels: Any = document()
    annotations: Any = document()
    generator_url: str = words()
    status: str = word()
    starts_at: datetime = instant()
    ends_at: datetime | None = instant()
    opened_at: datetime = instant()
    updated_at: datetime = instant()
    closed_at: datetime | None = instant()
    refires: int
    flags: str = word()
    disposition: str = word()
    reason: str | None = words()
    incident_id: int | None = reference("incident.id")
    severity: str | None = words()
    service: str | None = words()
    team: str | None = words()
    runbook: str | None = words()
    group_hash: str = word()
    why: Any | None = document()
    changes: Any | None = document()
    # The label of this name, cut where it is longer than an index entry should be.
    alertname: str | None = words()


class GroupTable(Base, table=True):
    """What was last applied of one delivery group."""

    __tablename__ = "delivery_group"

    hash: str = word()
    source: str = word()
    digest: str = word()
    delivery_id: int = number()
    last_seen: datetime = instant()

    __table_args__ = (sa.PrimaryKeyConstraint("hash"), sa.Index("ix_delivery_group_source", "source"))


class DeliveryTable(Base, table=True):
    """One webhook, its body as received."""

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("state", DeliveryState),
        index_where("ix_delivery_unapplied", "state", "id", condition="state <> 'applied'"),
        sa.Index("ix_delivery_received_at", "received_at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    source: str = word()
    receiver: str = words()
    group_hash: str = word()
    digest: str = word()
    packed: bool
    body: bytes
    alerts: int
    rejected: Any | None = document()
    state: str = word()
    attempts: int
    error: str | None = words()
    received_at: datetime = instant()
    settled_at: datetime | None = instant()
