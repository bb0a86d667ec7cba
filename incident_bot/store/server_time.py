"""What time it is by the database: its server's clock, which replicas agree on, and the newest of its own rows (S8)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.tables import delivery as delivery_table
from incident_bot.store.tables import event as event_table
from incident_bot.store.transaction import Tx

_NOW = sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))


def server_time(tx: Tx) -> datetime:
    """Give the server's time at this moment, not that of the transaction's begin; SQLite has no server to ask."""
    told: datetime = tx.connection.execute(_NOW).scalar_one()
    return told


def latest_recorded(tx: Tx) -> datetime | None:
    """Give the instant at which the newest delivery or entry of a timeline was stored; None in an empty database."""
    newest = (
        sa.select(delivery_table.c.received_at).order_by(delivery_table.c.id.desc()).limit(1),
        sa.select(event_table.c.recorded_at).order_by(event_table.c.id.desc()).limit(1),
    )
    known: list[datetime] = [at for query in newest for at in tx.connection.execute(query).scalars()]
    return max(known, default=None)
