"""What the database server's clock shows: the one that replicas agree on (S8)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.transaction import Tx

_NOW = sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))


def server_time(tx: Tx) -> datetime:
    """Give the server's time at this moment, not that of the transaction's begin; SQLite has no server to ask."""
    told: datetime = tx.connection.execute(_NOW).scalar_one()
    return told
