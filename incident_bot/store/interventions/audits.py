"""The audit: what people did to the bot itself. Entries are added and read; the database refuses to change them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from incident_bot.core.model import JsonObject
from incident_bot.store.interventions.values import AuditEntry
from incident_bot.store.tables import audit as table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found
from incident_bot.telemetry import asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which entries are asked for; what is None does not count."""

    actor: str | None = None
    action: str | None = None
    """Or the beginning of it, before a dot: `token` finds `token.created`."""
    start: datetime | None = None
    end: datetime | None = None


def record(
    tx: Tx,
    actor: str,
    action: str,
    data: JsonObject,
    *,
    before: JsonObject | None = None,
    after: JsonObject | None = None,
    now: datetime,
) -> None:
    """Add one entry to the audit, with how the actor is known and the request that it is about."""
    known = asked()
    columns = {
        "at": now,
        "actor": actor,
        "action": action,
        "data": data,
        "data_before": before,
        "data_after": after,
        "how": known.how,
        "request_id": known.request_id,
    }
    tx.connection.execute(sa.insert(table).values(columns))


def audit(
    tx: Tx, sought: Sought | None = None, *, before_id: int | None = None, limit: int = 100
) -> list[AuditEntry]:
    """Give the audit's entries, newest first."""
    query = sa.select(table).where(*_where(sought or Sought())).order_by(table.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    return [_entry(row) for row in tx.connection.execute(query)]


def audited_actions(tx: Tx) -> list[str]:
    """Give every action that the audit has an entry of, by name."""
    query = sa.select(table.c.action).distinct().order_by(table.c.action)
    return [str(row.action) for row in tx.connection.execute(query)]


def _where(sought: Sought) -> Iterable[sa.ColumnElement[bool]]:
    if sought.actor is not None:
        yield table.c.actor == sought.actor
    if sought.action is not None:
        yield sa.or_(
            table.c.action == sought.action, table.c.action.startswith(f"{sought.action}.", autoescape=True)
        )
    if sought.start is not None:
        yield table.c.at >= sought.start
    if sought.end is not None:
        yield table.c.at < sought.end


def _entry(row: Found) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        data=row.data,
        before=row.data_before,
        after=row.data_after,
        how=row.how,
        request_id=row.request_id,
    )
