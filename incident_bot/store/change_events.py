"""Changes outside: told once each, found by their time, forgotten when they are old."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from incident_bot.core.nearby import ChangeEvent
from incident_bot.store.bulk import among
from incident_bot.store.tables import change_event as table
from incident_bot.store.tables import incident as incident_table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found, storable

_FIELDS: Final = tuple(column.name for column in table.c if column.name != "forget_at")
# Written out: a database uses a partial index only where it can read the index's condition in the query.
_FORGETTABLE: Final = sa.text("change_event.forget_at IS NOT NULL")
BESIDE: Final = timedelta(days=1)
FORGOTTEN_AT_ONCE: Final = 1000


def add(tx: Tx, change: ChangeEvent, *, forget_at: datetime) -> ChangeEvent:
    """Store a change until then and give it with its identifier; a lost race where its key is told already."""
    values = {name: getattr(change, name) for name in _FIELDS if name not in ("id", "labels")}
    statement = sa.insert(table).values(**values, labels=dict(change.labels), forget_at=forget_at)
    number = tx.connection.execute(statement.returning(table.c.id)).scalar_one()
    return replace(change, id=number)


def of_key(tx: Tx, told_by: str, key: str) -> ChangeEvent | None:
    """Give the change that this teller told under this key."""
    query = sa.select(table).where(
        sa.text("change_event.key IS NOT NULL"),
        table.c.told_by == storable(told_by),
        table.c.key == storable(key),
    )
    row = tx.connection.execute(query).first()
    return None if row is None else _value(row)


def listed(
    tx: Tx,
    *,
    service: str | None = None,
    team: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[ChangeEvent]:
    """Give the changes of `[start, end)`, the last told first."""
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if service is not None:
        query = query.where(table.c.service == storable(service))
    if team is not None:
        query = query.where(table.c.team == storable(team))
    if start is not None:
        query = query.where(table.c.at >= start)
    if end is not None:
        query = query.where(table.c.at < end)
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    return [_value(row) for row in tx.connection.execute(query)]


def between(tx: Tx, start: datetime, end: datetime, *, limit: int) -> list[ChangeEvent]:
    """Give the changes that happened from `start` to `end`, both included, the latest first."""
    query = sa.select(table).where(table.c.at >= start, table.c.at <= end)
    found = tx.connection.execute(query.order_by(table.c.at.desc(), table.c.id.desc()).limit(limit))
    return [_value(row) for row in found]


def forget(tx: Tx, *, now: datetime) -> int:
    """Remove changes whose time is over, a thousand at most, and say how many.

    One that lies within the day before an incident is a part of its record and stays for good.
    """
    old = sa.select(table.c.id, table.c.at).where(_FORGETTABLE, table.c.forget_at <= now)
    rows = tx.connection.execute(old.order_by(table.c.forget_at).limit(FORGOTTEN_AT_ONCE)).all()
    if not rows:
        return 0
    first, last = min(row.at for row in rows), max(row.at for row in rows) + BESIDE
    opened = sa.select(incident_table.c.opened_at).where(incident_table.c.opened_at.between(first, last))
    instants = list(tx.connection.execute(opened.order_by(incident_table.c.opened_at)).scalars())
    stay = [row.id for row in rows if _follows(instants, row.at)]
    go = [row.id for row in rows if row.id not in set(stay)]
    tx.connection.execute(sa.update(table).where(among(tx, table.c.id, stay)).values(forget_at=None))
    return tx.connection.execute(sa.delete(table).where(among(tx, table.c.id, go))).rowcount


def _follows(opened: list[datetime], at: datetime) -> bool:
    """Say whether an incident opened within a day of it."""
    place = bisect_left(opened, at)
    return place < len(opened) and opened[place] <= at + BESIDE


def _value(row: Found) -> ChangeEvent:
    columns = row._mapping  # noqa: SLF001 - public in SQLAlchemy despite its name
    return ChangeEvent(**{name: columns[name] for name in _FIELDS})
