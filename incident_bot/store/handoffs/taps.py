"""Whether those whose shift begins said that they are reachable. Of a link only the digest is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from incident_bot.store.bulk import among
from incident_bot.store.handoffs.values import Tap
from incident_bot.store.tables import reach_tap as table
from incident_bot.store.tables import tap_link
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_OPEN: Final = sa.and_(table.c.tapped_at.is_(None), table.c.missed_at.is_(None))


def ask(
    tx: Tx, schedule: str, starts_at: datetime, person: str, *, due_at: datetime, now: datetime
) -> Tap | None:
    """Note that a person is asked about a shift; None where they were asked already."""
    known = sa.select(table.c.id).where(
        table.c.schedule == schedule, table.c.starts_at == starts_at, table.c.person == person
    )
    if tx.connection.execute(known).first() is not None:
        return None
    statement = sa.insert(table).values(
        schedule=schedule,
        starts_at=starts_at,
        person=person,
        asked_at=now,
        due_at=due_at,
        tapped_at=None,
        missed_at=None,
    )
    return _value(tx.connection.execute(statement.returning(table)).one())


def add_link(tx: Tx, tap_id: int, digest: str, *, now: datetime) -> None:
    """Have a token, by its digest, stand for a tap."""
    tx.connection.execute(sa.insert(tap_link).values(digest=digest, tap_id=tap_id, made_at=now))


def by_digest(tx: Tx, digest: str, *, lock: bool = False) -> Tap | None:
    """Give the tap that a token stands for; `lock` keeps others from answering it meanwhile."""
    query = (
        sa.select(table).join(tap_link, tap_link.c.tap_id == table.c.id).where(tap_link.c.digest == digest)
    )
    if lock:
        query = query.with_for_update(of=table)
    row = tx.connection.execute(query).first()
    return None if row is None else _value(row)


def of_person(tx: Tx, person: str, *, since: datetime) -> list[Tap]:
    """Give what a person was asked about shifts that begin after an instant, the earliest first."""
    query = (
        sa.select(table)
        .where(table.c.person == person, table.c.starts_at > since)
        .order_by(table.c.starts_at, table.c.schedule)
    )
    return [_value(row) for row in tx.connection.execute(query)]


def taps(tx: Tx, schedule: str, start: datetime, end: datetime) -> list[Tap]:
    """Give what was asked about the shifts of a schedule that begin in `[start, end]`, the earliest first."""
    query = (
        sa.select(table)
        .where(table.c.schedule == schedule, table.c.starts_at >= start, table.c.starts_at <= end)
        .order_by(table.c.starts_at, table.c.id)
    )
    return [_value(row) for row in tx.connection.execute(query)]


def unanswered(tx: Tx, schedule: str, *, since: datetime) -> list[Tap]:
    """Give what waits for an answer about shifts that begin after an instant, what is due first first."""
    query = (
        sa.select(table)
        .where(table.c.schedule == schedule, _OPEN, table.c.starts_at > since)
        .order_by(table.c.due_at, table.c.id)
    )
    return [_value(row) for row in tx.connection.execute(query)]


def mark_tapped(tx: Tx, tap_ids: Sequence[int], *, now: datetime) -> None:
    """Note the answer, where there was none."""
    where = (among(tx, table.c.id, tap_ids), table.c.tapped_at.is_(None))
    tx.connection.execute(sa.update(table).where(*where).values(tapped_at=now))


def mark_missed(tx: Tx, tap_ids: Sequence[int], *, now: datetime) -> None:
    """Note that it is over without an answer, whether anybody was told or not."""
    where = (among(tx, table.c.id, tap_ids), table.c.missed_at.is_(None))
    tx.connection.execute(sa.update(table).where(*where).values(missed_at=now))


def _value(row: Found) -> Tap:
    return Tap(
        id=row.id,
        schedule=row.schedule,
        starts_at=row.starts_at,
        person=row.person,
        asked_at=row.asked_at,
        due_at=row.due_at,
        tapped_at=row.tapped_at,
        missed_at=row.missed_at,
    )
