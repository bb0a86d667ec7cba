"""Maintenance windows. What they mute is decided in `core.muting`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from incident_bot.store.interventions.values import Maintenance
from incident_bot.store.ready import Ready
from incident_bot.store.tables import maintenance as table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found


def add_maintenance(tx: Tx, window: Maintenance, *, now: datetime) -> Maintenance:
    """Store a new window and give it with its identifier and the time of its making."""
    statement = sa.insert(table).values(
        matchers=list(window.matchers),
        starts_at=window.start,
        ends_at=window.end,
        reason=window.reason,
        created_by=window.created_by,
        created_at=now,
        ended_by=None,
        public=window.public,
    )
    number = tx.connection.execute(statement.returning(table.c.id)).scalar_one()
    return replace(window, id=number, created_at=now, ended_by=None)


_OPEN: Final = Ready(
    sa.select(table)
    .where(table.c.ends_at > sa.bindparam("b_now", type_=table.c.ends_at.type))
    .order_by(table.c.starts_at, table.c.id)
)


def maintenance(tx: Tx, *, now: datetime) -> list[Maintenance]:
    """Give the windows that are open now or later, the earliest first."""
    found = _OPEN(tx, {"b_now": now})
    return [window for row in found if (window := _value(row)).called_off_at is None]


def public_maintenance(tx: Tx, *, since: datetime) -> list[Maintenance]:
    """Give the windows that the public is told of and that end after this, called off ones too, earliest first."""
    query = sa.select(table).where(table.c.ends_at > since, table.c.public.is_not(None))
    found = tx.connection.execute(query.order_by(table.c.starts_at, table.c.id))
    return [_value(row) for row in found]


def end_maintenance(tx: Tx, maintenance_id: int, *, by: str, now: datetime) -> Maintenance | None:
    """End a window now and give it as it stands then; None where there is none that has not ended."""
    where = (table.c.id == maintenance_id, table.c.ends_at > now)
    changed = tx.connection.execute(sa.update(table).where(*where).values(ends_at=now, ended_by=by))
    if not changed.rowcount:
        return None
    return _value(tx.connection.execute(sa.select(table).where(table.c.id == maintenance_id)).one())


def _value(row: Found) -> Maintenance:
    return Maintenance(
        id=row.id,
        matchers=tuple(row.matchers),
        start=row.starts_at,
        end=row.ends_at,
        reason=row.reason,
        created_by=row.created_by,
        created_at=row.created_at,
        ended_by=row.ended_by,
        public=row.public,
    )
