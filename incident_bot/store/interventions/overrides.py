"""Overrides of schedules that people make at run time (R13). Who answers by them is decided in `core.oncall`.

What has passed is never edited: an override is only added, cut off, or taken back before it begins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, assert_never

import sqlalchemy as sa

from incident_bot.core.oncall import Add, Cover, Override, Remove, Replace
from incident_bot.store.interventions.values import StoredOverride
from incident_bot.store.ready import Ready
from incident_bot.store.tables import override as table
from incident_bot.store.tables.states import OverrideKind
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found


def add_override(tx: Tx, schedule: str, override: Override, *, by: str, now: datetime) -> StoredOverride:
    """Store a new override, and give it with its identifier, by which `why` names it (R1)."""
    statement = sa.insert(table).values(
        **_columns(override),
        schedule=schedule,
        starts_at=override.start,
        ends_at=override.end,
        reason=override.reason,
        created_by=by,
        created_at=now,
        ended_by=None,
        ended_at=None,
    )
    return _value(tx.connection.execute(statement.returning(table)).one())


_COUNTING: Final = sa.or_(table.c.ended_at.is_(None), table.c.ended_at > table.c.starts_at)
"""Those that were not taken back before they began."""

_INSTANT: Final = table.c.ends_at.type
_OVERLAPPING: Final = (
    sa.select(table)
    .where(
        table.c.schedule == sa.bindparam("b_schedule"),
        table.c.ends_at > sa.bindparam("b_start", type_=_INSTANT),
    )
    .order_by(table.c.id)
)
_FROM_NOW_ON: Final = Ready(_OVERLAPPING.where(_COUNTING))


def overrides(
    tx: Tx, schedule: str, start: datetime, end: datetime | None = None, *, cancelled: bool = False
) -> list[StoredOverride]:
    """Give a schedule's overrides that overlap `[start, end)`, the newest last (R13).

    Without an end, every one that is not over at the start. Cancelled ones count for nothing and are left out,
    unless they are asked for: then at the span that they were made for.
    """
    asked = {"b_schedule": schedule, "b_start": start}
    if end is None and not cancelled:
        # What every page asks.
        return [_value(row) for row in _FROM_NOW_ON(tx, asked)]
    query = _OVERLAPPING if end is None else _OVERLAPPING.where(table.c.starts_at < end)
    if not cancelled:
        query = query.where(_COUNTING)
    return [_value(row) for row in tx.connection.execute(query, asked)]


def override(tx: Tx, override_id: int, *, lock: bool = False) -> StoredOverride | None:
    """Give an override, whatever became of it; `lock` keeps others from ending it meanwhile."""
    query = sa.select(table).where(table.c.id == override_id)
    if lock:
        query = query.with_for_update()
    row = tx.connection.execute(query).first()
    return None if row is None else _value(row)


def end_override(tx: Tx, override_id: int, *, by: str, now: datetime) -> StoredOverride | None:
    """Cut an override off now, or cancel it where it has not begun, and give it as it stands then.

    None where there is none, where it has ended, or where it was cancelled: the past is not edited (R13).
    """
    where = (table.c.id == override_id, table.c.ended_at.is_(None), table.c.ends_at > now)
    changed = (
        sa.update(table)
        .where(*where)
        .values(
            # A cancelled one keeps the span that it was made for, for the record.
            ends_at=sa.case((table.c.starts_at < now, sa.bindparam("b_now", now)), else_=table.c.ends_at),
            ended_by=by,
            ended_at=now,
        )
        .returning(table)
    )
    row = tx.connection.execute(changed).first()
    return None if row is None else _value(row)


def _columns(change: Override) -> dict[str, Any]:
    nobody = isinstance(change, Cover) and change.nobody
    columns: dict[str, Any] = {"people": [], "person": None, "stand_in": None, "nobody": nobody}
    match change:
        case Cover(people=people):
            return columns | {"kind": OverrideKind.COVER, "people": list(people)}
        case Replace(person=person, by=by):
            return columns | {"kind": OverrideKind.REPLACE, "person": person, "stand_in": by}
        case Remove(person=person):
            return columns | {"kind": OverrideKind.REMOVE, "person": person}
        case Add(people=people):
            return columns | {"kind": OverrideKind.ADD, "people": list(people)}
    assert_never(change)


def _value(row: Found) -> StoredOverride:
    return StoredOverride(
        id=row.id,
        schedule=row.schedule,
        change=_change(row),
        created_by=row.created_by,
        created_at=row.created_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
    )


def _change(row: Found) -> Override:
    common: dict[str, Any] = {
        "start": row.starts_at, "end": row.ends_at, "reason": row.reason, "id": str(row.id),
    }  # fmt: skip
    kind = OverrideKind(row.kind)
    if kind is OverrideKind.COVER:
        return Cover(people=tuple(row.people), nobody=row.nobody, **common)
    if kind is OverrideKind.REPLACE:
        return Replace(person=row.person, by=row.stand_in, **common)
    if kind is OverrideKind.REMOVE:
        return Remove(person=row.person, **common)
    return Add(people=tuple(row.people), **common)
