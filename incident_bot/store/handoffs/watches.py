"""What was last known of each schedule, and its timer: who looks at a schedule holds both until the end."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.model import rfc3339
from incident_bot.core.oncall import Shift
from incident_bot.store.bulk import upserts
from incident_bot.store.handoffs.values import Watch
from incident_bot.store.tables import timer
from incident_bot.store.tables import watched_schedule as table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_SAVE: Final = upserts(
    table,
    ["schedule"],
    lambda new: {column.name: new[column.name] for column in table.c if column.name != "schedule"},
)


def timer_key(schedule: str) -> str:
    """Give the key of the one timer that a schedule has."""
    return f"handoff:{schedule}"


def lock(tx: Tx, schedule: str) -> bool:
    """Hold the schedule's timer until the transaction ends; False where it has none.

    Whoever changes who is on call sets that timer last, so that no change falls between two looks.
    """
    query = sa.select(timer.c.id).where(timer.c.key == timer_key(schedule)).with_for_update()
    return tx.connection.execute(query).first() is not None


def hasten(tx: Tx, schedule: str, *, now: datetime) -> None:
    """Have the schedule looked at now; where it has no timer, there is nobody to look."""
    where = (timer.c.key == timer_key(schedule), timer.c.due_at > now)
    tx.connection.execute(sa.update(timer).where(*where).values(due_at=now, version=timer.c.version + 1))


def watch(tx: Tx, schedule: str) -> Watch | None:
    """Give what was last known of a schedule; None before the first look."""
    row = tx.connection.execute(sa.select(table).where(table.c.schedule == schedule)).first()
    return None if row is None else _value(row)


def save_watch(tx: Tx, watch: Watch) -> None:
    """Keep what is known of a schedule now, in place of what was."""
    row: dict[str, Any] = {
        "schedule": watch.schedule,
        "people": list(watch.people),
        "looked_at": watch.looked_at,
        "digest": watch.digest,
        "clocks": watch.clocks,
        "counted_at": watch.counted_at,
        "counted_until": watch.counted_until,
        "shifts": [[rfc3339(one.start), rfc3339(one.end), list(one.people)] for one in watch.shifts],
    }
    _SAVE(tx, [row])


def _value(row: Found) -> Watch:
    return Watch(
        schedule=row.schedule,
        people=tuple(row.people),
        looked_at=row.looked_at,
        digest=row.digest,
        clocks=row.clocks,
        counted_at=row.counted_at,
        counted_until=row.counted_until,
        shifts=tuple(
            Shift(
                start=datetime.fromisoformat(start),
                end=datetime.fromisoformat(end),
                people=tuple(people),
                why="",
            )
            for start, end, people in row.shifts
        ),
    )
