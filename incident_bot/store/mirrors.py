"""What PagerDuty last said of its schedules: one row each, replaced whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.model import rfc3339
from incident_bot.core.oncall.mirrored import Mirror, Stretch
from incident_bot.store.bulk import upserts
from incident_bot.store.tables import pagerduty_schedule as table
from incident_bot.store.transaction import Tx

_SAVE: Final = upserts(
    table,
    ["schedule"],
    lambda new: {column.name: new[column.name] for column in table.c if column.name != "schedule"},
)


def mirrors(tx: Tx, schedules: Sequence[str]) -> dict[str, Mirror]:
    """Give what is known of these schedules, by id; the empty word of one that was never told of."""
    query = sa.select(table).where(table.c.schedule.in_(list(schedules)))
    found = {row.schedule: row for row in tx.connection.execute(query)}
    return {
        one: Mirror(
            schedule=one,
            asked_at=found[one].asked_at,
            stretches=tuple(_stretch(*entry) for entry in found[one].stretches),
            error=found[one].error,
        )
        if one in found
        else Mirror(schedule=one)
        for one in schedules
    }


def save_mirror(tx: Tx, mirror: Mirror) -> None:
    """Keep what is known of a schedule now, in place of what was."""
    row: dict[str, Any] = {
        "schedule": mirror.schedule,
        "asked_at": mirror.asked_at,
        "stretches": [
            [one.user, one.name, one.level, _written(one.start), _written(one.end)]
            for one in mirror.stretches
        ],
        "error": mirror.error,
    }
    _SAVE(tx, [row])


def _written(instant: datetime | None) -> str | None:
    return rfc3339(instant) if instant else None


def _stretch(user: str, name: str, level: int, start: str | None, end: str | None) -> Stretch:
    return Stretch(
        user=user,
        name=name,
        level=level,
        start=datetime.fromisoformat(start) if start else None,
        end=datetime.fromisoformat(end) if end else None,
    )
