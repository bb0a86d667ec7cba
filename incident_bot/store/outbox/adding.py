"""What is put into the outbox, and taken out again before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.effects import Moment, Page
from incident_bot.store.bulk import Asked, BulkNew, among, one_of_asked
from incident_bot.store.outbox.rows import every, found
from incident_bot.store.outbox.values import NewMessage, OutboxRow
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import RowKind, RowState
from incident_bot.store.transaction import Tx
from incident_bot.store.types import storable

_NEW: Final = BulkNew(table)
_WAITING: Final = Asked(
    lambda asked: sa.select(table.c.id, table.c.coalesce_key).where(
        sa.text("outbox.coalesce_key IS NOT NULL AND outbox.state = 'pending'"),
        one_of_asked(table.c.coalesce_key, asked),
    )
)
_DONE: dict[str, Any] = {
    "ready_at": None, "lane": None, "late_at": None, "lease_owner": None, "lease_until": None
}  # fmt: skip


def add_pages(tx: Tx, incident_id: int, pages: Sequence[Page], *, rank: int, now: datetime) -> list[Page]:
    """Store the pages of one incident and give those that were not there already (P4)."""
    return [page for _, _, page in add_pages_many(tx, [(incident_id, rank, page) for page in pages], now=now)]


def add_pages_many(
    tx: Tx, pages: Sequence[tuple[int, int, Page]], *, now: datetime
) -> list[tuple[int, int, Page]]:
    """Store (incident, severity rank, page) and give those that were not there already (P4)."""
    wanted = {page.key(incident_id): (incident_id, rank, page) for incident_id, rank, page in pages}
    new = _insert(tx, [_page_row(key, *given, now) for key, given in wanted.items()])
    return [given for key, given in wanted.items() if key in new]


def _page_row(key: str, incident_id: int, rank: int, page: Page, now: datetime) -> dict[str, Any]:
    return _row(now) | {
        "kind": RowKind.PAGE.value,
        "key": key,
        "incident_id": incident_id,
        "epoch": page.epoch,
        "loop": page.loop,
        "step": page.step,
        "page_kind": page.kind.value,
        "person": page.person,
        "via": page.via,
        "reason": page.reason,
        "urgency": page.urgency.value,
        "rank": rank,
        "due_at": page.due_at,
        "ready_at": page.due_at,
        "give_up_at": page.give_up_at,
    }


def add_messages(tx: Tx, messages: Sequence[NewMessage], *, now: datetime) -> list[NewMessage]:
    """Store messages and give those that were not there already.

    Those that waited with the same `coalesce` word are cancelled as superseded; of several here the last one stays.
    """
    latest = {message.coalesce or f"key:{message.key}": message for message in messages}
    wanted = {message.key: message for message in latest.values()}
    waiting = _coalesced(tx, [message.coalesce for message in wanted.values() if message.coalesce])
    new = _insert(tx, [_message_row(message, now) for message in wanted.values()])
    fresh = {message.coalesce for key, message in wanted.items() if key in new}
    superseded = [number for number, coalesce in waiting if coalesce in fresh]
    if superseded:
        tx.connection.execute(
            sa.update(table)
            .where(among(tx, table.c.id, superseded), table.c.state == RowState.PENDING.value)
            .values(state=RowState.CANCELLED.value, error="superseded", **_DONE)
        )
    return [message for key, message in wanted.items() if key in new]


def _coalesced(tx: Tx, keys: Sequence[str]) -> list[tuple[int, str]]:
    if not keys:
        return []
    return [(row[0], row[1]) for row in _WAITING(tx, [storable(key) for key in keys])]


def _message_row(message: NewMessage, now: datetime) -> dict[str, Any]:
    return _row(now) | {
        "kind": RowKind.MESSAGE.value,
        "key": message.key,
        "coalesce_key": message.coalesce,
        "incident_id": message.incident_id,
        "via": message.via,
        "recipient": message.recipient,
        "person": message.person,
        "moment": message.moment.value,
        "data": message.data,
        "rank": message.rank,
        "due_at": message.due_at,
        "ready_at": message.due_at,
        "give_up_at": message.give_up_at,
    }


def _row(now: datetime) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(table.columns.keys())
    return blank | {
        "loop": 0,
        "step": 0,
        "data": {},
        "reason": "",
        "state": RowState.PENDING.value,
        "attempts": 0,
        "created_at": now,
    }


def _insert(tx: Tx, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Insert the rows whose key is new and give those keys."""
    # In one order everywhere, so that two replicas never wait for each other's keys in a circle.
    ordered = sorted(rows, key=lambda row: str(row["key"]))
    return _NEW.insert(tx, [tuple(row[column.name] for column in table.columns) for row in ordered])


def cancel_pages(
    tx: Tx, incident_id: int, *, person: str | None = None, reason: str, now: datetime
) -> list[OutboxRow]:
    """Cancel the incident's pages that wait, of one person or of everybody.

    Gives the cancelled ones (state `cancelled`) and those whose provider call is under way (state `sending`): these
    cannot be taken back.
    """
    del now  # A cancelled row keeps no time of its own: the event that caused it does.
    query = every().where(
        table.c.incident_id == incident_id,
        table.c.kind == RowKind.PAGE.value,
        table.c.state.in_([RowState.PENDING.value, RowState.SENDING.value]),
    )
    if person is not None:
        query = query.where(table.c.person == person)
    rows = found(tx, query.order_by(table.c.id))
    if not rows:
        return []
    waiting = [row.id for row in rows if row.state is RowState.PENDING]
    if waiting:
        tx.connection.execute(
            sa.update(table)
            .where(among(tx, table.c.id, waiting), table.c.state == RowState.PENDING.value)
            .values(state=RowState.CANCELLED.value, error=reason, **_DONE)
        )
    return found(tx, every().where(among(tx, table.c.id, [row.id for row in rows])).order_by(table.c.id))


def cancel_announced(tx: Tx, incident_id: int, moments: Iterable[Moment], *, reason: str) -> int:
    """Cancel what waits to be told to channels about an incident at these moments, and say how many there were."""
    waiting = (
        table.c.incident_id == incident_id,
        table.c.kind == RowKind.MESSAGE.value,
        table.c.state == RowState.PENDING.value,
        table.c.ready_at.is_not(None),
        table.c.person.is_(None),
        table.c.moment.in_([moment.value for moment in moments]),
    )
    values = {"state": RowState.CANCELLED.value, "error": reason, **_DONE}
    return tx.connection.execute(sa.update(table).where(*waiting).values(**values)).rowcount


def cancel_messages(tx: Tx, prefix: str, *, reason: str) -> int:
    """Cancel the messages that wait whose key begins so, and say how many there were."""
    waiting = (
        table.c.kind == RowKind.MESSAGE.value,
        table.c.state == RowState.PENDING.value,
        table.c.ready_at.is_not(None),
        table.c.key.startswith(prefix, autoescape=True),
    )
    values = {"state": RowState.CANCELLED.value, "error": reason, **_DONE}
    return tx.connection.execute(sa.update(table).where(*waiting).values(**values)).rowcount
