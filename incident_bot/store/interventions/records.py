"""What is kept for the record: configuration revisions (R15)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from incident_bot.core.model import JsonObject
from incident_bot.store.interventions.values import Activation, Revision
from incident_bot.store.tables import revision as revision_table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found


def save_revision(tx: Tx, revision_id: str, digest: str, documents: JsonObject, *, now: datetime) -> bool:
    """Note that a configuration became active; False where it is the active one already.

    Going back to an earlier configuration is an activation of its own.
    """
    active = revision_at(tx, now)
    if active is not None and active.digest == digest:
        return False
    columns = {"id": revision_id, "digest": digest, "documents": documents, "activated_at": now}
    tx.connection.execute(sa.insert(revision_table).values(columns))
    return True


def revisions(tx: Tx) -> list[Revision]:
    """Give every activation, oldest first."""
    query = sa.select(revision_table).order_by(revision_table.c.activated_at, revision_table.c.number)
    return [_revision(row) for row in tx.connection.execute(query)]


def activations(tx: Tx) -> list[Activation]:
    """Give when each configuration became active, oldest first, without reading what it was (R15)."""
    table = revision_table.c
    query = sa.select(table.number, table.id, table.digest, table.activated_at)
    query = query.order_by(table.activated_at, table.number)
    return [
        Activation(number=row.number, id=row.id, digest=row.digest, activated_at=row.activated_at)
        for row in tx.connection.execute(query)
    ]


def documents_of(tx: Tx, number: int) -> JsonObject:
    """Give the documents of one activation; none where there is no such activation."""
    query = sa.select(revision_table.c.documents).where(revision_table.c.number == number)
    found: JsonObject | None = tx.connection.execute(query).scalar()
    return found or {}


def revision_at(tx: Tx, instant: datetime) -> Revision | None:
    """Give the configuration that was active at an instant; before the first one, the first (R15)."""
    order = (revision_table.c.activated_at, revision_table.c.number)
    before = (
        sa.select(revision_table)
        .where(revision_table.c.activated_at <= instant)
        .order_by(*(column.desc() for column in order))
    )
    row = tx.connection.execute(before.limit(1)).first()
    if row is None:
        row = tx.connection.execute(sa.select(revision_table).order_by(*order).limit(1)).first()
    return None if row is None else _revision(row)


def _revision(row: Found) -> Revision:
    return Revision(id=row.id, digest=row.digest, documents=row.documents, activated_at=row.activated_at)
