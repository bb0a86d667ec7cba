"""Whose turn it was in each step whose people take turns. Who comes next is decided in `core.escalation`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from incident_bot.store.tables import step_turn as table
from incident_bot.store.transaction import Tx

_BEGIN: Final[Mapping[bool, Any]] = {
    True: sqlite.insert(table).on_conflict_do_nothing(),
    False: postgresql.insert(table).on_conflict_do_nothing(),
}


def lock(tx: Tx, steps: Iterable[str], *, now: datetime) -> dict[str, str]:
    """Give whom these steps paged last, and keep others from using the same turn until the transaction ends."""
    # In one order everywhere, so that two replicas never wait for each other's turns in a circle. A step that never
    # ran has no row to lock: it gets one.
    wanted = sorted(set(steps))
    if not wanted:
        return {}
    rows = [{"step": step, "person": None, "moved_at": now} for step in wanted]
    tx.connection.execute(_BEGIN[tx.sqlite], rows)
    query = sa.select(table).where(table.c.step.in_(wanted)).order_by(table.c.step).with_for_update()
    return _people(tx, query)


def read(tx: Tx, steps: Iterable[str]) -> dict[str, str]:
    """Give whom these steps paged last, of those that ever did."""
    return _people(tx, sa.select(table).where(table.c.step.in_(sorted(set(steps)))))


def _people(tx: Tx, query: sa.Select[Any]) -> dict[str, str]:
    return {row.step: row.person for row in tx.connection.execute(query) if row.person is not None}


def move(tx: Tx, moved: Mapping[str, str], *, now: datetime) -> None:
    """Note whom locked steps paged."""
    for step, person in sorted(moved.items()):
        where = table.c.step == step
        tx.connection.execute(sa.update(table).where(where).values(person=person, moved_at=now))
