"""Secret links to calendars: found by the digest of their token, which itself is never stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from incident_bot.store.interventions.values import CalendarLink
from incident_bot.store.tables import calendar_link as table
from incident_bot.store.tables.states import FeedKind
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

USE_NOTED_EVERY: Final = timedelta(hours=1)
"""Programs read a calendar again and again; when they last did is kept this exactly."""


def add_calendar_link(
    tx: Tx, kind: FeedKind, name: str, digest: str, *, by: str, now: datetime
) -> CalendarLink:
    """Store a link by the digest of its token."""
    columns = {"kind": kind.value, "name": name, "digest": digest, "created_by": by, "created_at": now}
    statement = sa.insert(table).values(**columns, revoked_at=None, last_used_at=None)
    return _value(tx.connection.execute(statement.returning(table)).one())


def calendar_links(tx: Tx) -> list[CalendarLink]:
    """Give every link, revoked ones too, oldest first."""
    return [_value(row) for row in tx.connection.execute(sa.select(table).order_by(table.c.id))]


def find_calendar_link(tx: Tx, digest: str) -> CalendarLink | None:
    """Give the link with this digest unless it was revoked."""
    query = sa.select(table).where(table.c.digest == digest, table.c.revoked_at.is_(None))
    row = tx.connection.execute(query).first()
    return None if row is None else _value(row)


def note_calendar_use(tx: Tx, link_id: int, *, now: datetime) -> None:
    """Keep that a link was used, unless that was kept within the last hour."""
    stale = sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at <= now - USE_NOTED_EVERY)
    tx.connection.execute(sa.update(table).where(table.c.id == link_id, stale).values(last_used_at=now))


def revoke_calendar_link(tx: Tx, link_id: int, *, now: datetime) -> CalendarLink | None:
    """Have a link open nothing from now on, and give it; None where there is none that still did."""
    where = (table.c.id == link_id, table.c.revoked_at.is_(None))
    statement = sa.update(table).where(*where).values(revoked_at=now).returning(table)
    row = tx.connection.execute(statement).first()
    return None if row is None else _value(row)


def _value(row: Found) -> CalendarLink:
    return CalendarLink(
        id=row.id,
        kind=FeedKind(row.kind),
        name=row.name,
        created_at=row.created_at,
        created_by=row.created_by,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
