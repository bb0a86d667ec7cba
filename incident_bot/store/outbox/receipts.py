"""What providers say later of what they took, and what is looked up when they or people answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.bulk import among
from incident_bot.store.outbox.rows import every, found
from incident_bot.store.outbox.values import GivenReceipt, OutboxRow
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables import receipt as receipt_table
from incident_bot.store.tables.states import RowKind, RowState
from incident_bot.store.transaction import Tx
from incident_bot.store.types import storable

TOLD_MOST = 20


def row_of_key(tx: Tx, key: str) -> OutboxRow | None:
    """Give the row of this key."""
    rows = found(tx, every().where(table.c.key == storable(key)))
    return rows[0] if rows else None


def pages_told(tx: Tx, person: str) -> list[OutboxRow]:
    """Give the newest pages that went out to a person, the newest first; twenty at most."""
    query = (
        every()
        .where(
            sa.text("outbox.person IS NOT NULL AND outbox.sent_at IS NOT NULL"),
            table.c.person == storable(person),
            table.c.kind == RowKind.PAGE.value,
        )
        .order_by(table.c.sent_at.desc(), table.c.id.desc())
        .limit(TOLD_MOST)
    )
    return found(tx, query)


def add_receipt(tx: Tx, row_id: int, status: str, detail: str | None, *, now: datetime) -> bool:
    """Keep what a provider said of a row; False where it said so before."""
    query = sa.select(receipt_table.c.status).where(
        receipt_table.c.outbox_id == row_id, receipt_table.c.status == status
    )
    if tx.connection.execute(query).first() is not None:
        return False
    values = {"outbox_id": row_id, "status": status, "at": now, "detail": detail}
    tx.connection.execute(sa.insert(receipt_table).values(values))
    return True


def receipts_of(tx: Tx, row_ids: Iterable[int]) -> dict[int, list[GivenReceipt]]:
    """Give what providers said of these rows, by row, in the order of time."""
    wanted = list(row_ids)
    given: dict[int, list[GivenReceipt]] = {}
    if wanted:
        query = sa.select(receipt_table).where(among(tx, receipt_table.c.outbox_id, wanted))
        for one in tx.connection.execute(query.order_by(receipt_table.c.at, receipt_table.c.status)):
            receipt = GivenReceipt(status=one.status, at=one.at, detail=one.detail)
            given.setdefault(one.outbox_id, []).append(receipt)
    return given


def lose(tx: Tx, row_id: int, error: str) -> bool:
    """Note that what was sent did not arrive; False where it was not sent, or where that is known.

    It stays sent: nothing is wrong with us, and nobody has to look, when somebody does not take a call.
    """
    sent = (table.c.id == row_id, table.c.state == RowState.SENT.value, table.c.error.is_(None))
    changed = tx.connection.execute(sa.update(table).where(*sent).values(error=error))
    return changed.rowcount == 1
