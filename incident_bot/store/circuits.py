"""What is known of each way out, for all replicas; one that works has no row, or an empty one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.circuit import Circuit
from incident_bot.store.bulk import among, upserts
from incident_bot.store.ready import Ready
from incident_bot.store.tables import circuit as table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_CHANGED: Final = ("failed_at", "opened_at", "retry_at", "opens", "reason")
_SAVE: Final = upserts(table, ["name"], lambda new: {name: new[name] for name in _CHANGED})
_KEEP: Final = upserts(table, ["name"], lambda new: {"name": new.name})
_ALL: Final = Ready(sa.select(table).order_by(table.c.name))


def circuits(tx: Tx) -> dict[str, Circuit]:
    """Give what is known of every way out that ever failed, by name."""
    return {row.name: _value(row) for row in _ALL(tx)}


def locked(tx: Tx, names: Iterable[str]) -> dict[str, Circuit]:
    """Give the same of these, which nobody else changes until this transaction ends."""
    # In one order everywhere, so that two replicas never wait for each other in a circle.
    wanted = sorted(set(names))
    if not wanted:
        return {}
    _KEEP(tx, [_row(name, Circuit()) for name in wanted])
    query = sa.select(table).where(among(tx, table.c.name, wanted)).order_by(table.c.name).with_for_update()
    return {row.name: _value(row) for row in tx.connection.execute(query)}


def save(tx: Tx, known: Mapping[str, Circuit]) -> None:
    """Keep what is known now."""
    if known:
        _SAVE(tx, [_row(name, known[name]) for name in sorted(known)])


def _row(name: str, circuit: Circuit) -> dict[str, Any]:
    return {
        "name": name,
        "failed_at": [at.isoformat() for at in circuit.failed_at],
        "opened_at": circuit.opened_at,
        "retry_at": circuit.retry_at,
        "opens": circuit.opens,
        "reason": circuit.reason,
    }


def _value(row: Found) -> Circuit:
    return Circuit(
        failed_at=tuple(datetime.fromisoformat(at).astimezone(UTC) for at in row.failed_at),
        opened_at=row.opened_at,
        retry_at=row.retry_at,
        opens=row.opens,
        reason=row.reason,
    )
