"""The audit, read and exported: who did what to the bot itself, when, known how, and what was before and after."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.model import JsonObject, rfc3339
from incident_bot.flow.context import Context
from incident_bot.render.timelines import cell
from incident_bot.store import interventions
from incident_bot.store.interventions import AuditEntry, Sought

EXPORT_MOST: Final = 50_000
"""So many entries one export has; a filter by time gets the rest."""
BATCH: Final = 500
COLUMNS: Final = ("id", "at", "actor", "how", "action", "data", "before", "after", "request_id")

__all__ = ["AuditEntry", "Sought", "actions", "entries", "export"]


def entries(
    context: Context, sought: Sought, *, before: int | None = None, limit: int = 50
) -> list[AuditEntry]:
    """Give the entries that are asked for, the newest first."""
    with context.store.read() as tx:
        return interventions.audit(tx, sought, before_id=before, limit=limit)


def actions(context: Context) -> list[str]:
    """Give every action that there is an entry of."""
    with context.store.read() as tx:
        return interventions.audited_actions(tx)


def export(context: Context, sought: Sought, form: str) -> Iterator[str]:
    """Give the entries as a document of CSV or JSON, piece by piece; raises Refused for any other form.

    A piece is read in a transaction of its own, so that a slow reader holds nothing up.
    """
    if form not in ("csv", "json"):
        raise Refused("The audit is exported as csv or json.")
    return _csv(context, sought) if form == "csv" else _json(context, sought)


def _batches(context: Context, sought: Sought) -> Iterator[list[AuditEntry]]:
    before, count = None, 0
    while count < EXPORT_MOST:
        found = entries(context, sought, before=before, limit=min(BATCH, EXPORT_MOST - count))
        if found:
            yield found
        if len(found) < BATCH:
            return
        before, count = found[-1].id, count + len(found)


def _csv(context: Context, sought: Sought) -> Iterator[str]:
    yield _lines([COLUMNS])
    for found in _batches(context, sought):
        yield _lines(
            [tuple("" if value is None else cell(value) for value in _values(one).values()) for one in found]
        )


def _lines(rows: list[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _json(context: Context, sought: Sought) -> Iterator[str]:
    yield '{"items": ['
    joint = ""
    for found in _batches(context, sought):
        yield joint + ",\n".join(json.dumps(_values(one), ensure_ascii=False) for one in found)
        joint = ",\n"
    yield "]}\n"


def _values(one: AuditEntry) -> JsonObject:
    return {
        "id": one.id,
        "at": rfc3339(one.at),
        "actor": one.actor,
        "how": one.how,
        "action": one.action,
        "data": one.data,
        "before": one.before,
        "after": one.after,
        "request_id": one.request_id,
    }
