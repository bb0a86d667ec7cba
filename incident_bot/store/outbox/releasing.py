"""Rule S4 where it is known that a sender is gone: what it held is due now, not when its lease ends."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.bulk import among
from incident_bot.store.outbox.rows import row_value
from incident_bot.store.outbox.settling import note_lost_attempts
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import RowState
from incident_bot.store.transaction import Tx


def release(tx: Tx, *, owner: str | None = None, now: datetime) -> int:
    """Have what is being sent, by this owner or by anybody, sent again from now on, and say how many there were.

    For owners that send nothing any more only. Their attempts are recorded as unknown: they may have got through.
    """
    held = [table.c.ready_at.is_not(None), table.c.state == RowState.SENDING.value]
    if owner is not None:
        held.append(table.c.lease_owner == owner)
    query = sa.select(table).where(*held).order_by(table.c.id).with_for_update(skip_locked=True)
    found = tx.connection.execute(query).all()
    if not found:
        return 0
    note_lost_attempts(tx, [(row_value(row), row.claimed_at) for row in found])
    tx.connection.execute(
        sa.update(table)
        .where(among(tx, table.c.id, [row.id for row in found]))
        .values(state=RowState.PENDING.value, ready_at=now, lease_owner=None, lease_until=None)
    )
    return len(found)
