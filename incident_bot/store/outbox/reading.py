"""The outbox, read: what is due, what became of each page, which channel works."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from incident_bot.store.bulk import among
from incident_bot.store.outbox.rows import attempt_value, every, found, row_value
from incident_bot.store.outbox.values import Attempt, OutboxRow
from incident_bot.store.ready import Ready
from incident_bot.store.tables import attempt as attempt_table
from incident_bot.store.tables import incident as incident_table
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import AttemptResult, RowKind, RowState
from incident_bot.store.transaction import Tx
from incident_bot.store.types import storable

# Written out: a database uses a partial index only where it can read the index's condition in the query.
_FAILED: Final = sa.text("outbox.state = 'failed'")

# Asked with every decision on an incident, which may have thousands of pages: the database picks the few.
_BY_CHANNEL: Final = Ready(
    every()
    .where(
        table.c.incident_id == sa.bindparam("b_id"),
        table.c.kind == RowKind.PAGE.value,
        table.c.via == sa.bindparam("b_via"),
    )
    .order_by(table.c.id)
)


_MESSAGES_BY_CHANNEL: Final = Ready(
    every()
    .where(
        table.c.incident_id == sa.bindparam("b_id"),
        table.c.kind == RowKind.MESSAGE.value,
        table.c.via == sa.bindparam("b_via"),
    )
    .order_by(table.c.id)
)


def row(tx: Tx, row_id: int) -> OutboxRow | None:
    """Give one row."""
    rows = found(tx, every().where(table.c.id == row_id))
    return rows[0] if rows else None


def of_keys(tx: Tx, keys: Sequence[str]) -> list[OutboxRow]:
    """Give the rows with these keys, in the order in which they were planned."""
    return found(tx, every().where(table.c.key.in_(keys)).order_by(table.c.id))


def is_there(tx: Tx, key: str) -> bool:
    """Say whether there is, or was, a page or message of this key."""
    return (
        tx.connection.execute(sa.select(table.c.id).where(table.c.key == storable(key))).first() is not None
    )


def pages_of(tx: Tx, incident_id: int) -> list[tuple[OutboxRow, list[Attempt]]]:
    """Give every page of the incident with its attempts, in the order in which they were planned."""
    return _with_attempts(tx, RowKind.PAGE, table.c.incident_id == incident_id)


def pages_to(
    tx: Tx, person: str, incident_ids: Collection[int]
) -> dict[int, list[tuple[OutboxRow, list[Attempt]]]]:
    """Give the pages to one person by incident, with their attempts, in the order in which they were planned."""
    pages: dict[int, list[tuple[OutboxRow, list[Attempt]]]] = {number: [] for number in incident_ids}
    if not pages:
        return pages
    wanted = (
        table.c.incident_id.is_not(None),
        among(tx, table.c.incident_id, pages),
        table.c.person == person,
    )
    for row, attempts in _with_attempts(tx, RowKind.PAGE, *wanted):
        if row.incident_id is not None:
            pages[row.incident_id].append((row, attempts))
    return pages


def pages_by(tx: Tx, incident_id: int, via: str) -> list[OutboxRow]:
    """Give the incident's pages by one channel, in the order in which they were planned."""
    return [row_value(row) for row in _BY_CHANNEL(tx, {"b_id": incident_id, "b_via": via})]


def messages_by(tx: Tx, incident_id: int, via: str) -> list[OutboxRow]:
    """Give the messages about an incident by one channel, in the order in which they were planned."""
    asked = {"b_id": incident_id, "b_via": via}
    return [row_value(row) for row in _MESSAGES_BY_CHANNEL(tx, asked)]


def in_flight(tx: Tx, incident_ids: Sequence[int], *, limit: int) -> list[OutboxRow]:
    """Give the pages of these incidents that are due, planned or being sent, the next one first."""
    if not incident_ids:
        return []
    waiting = table.c.state.in_([RowState.PENDING.value, RowState.SENDING.value])
    query = every().where(
        table.c.incident_id.is_not(None),
        among(tx, table.c.incident_id, incident_ids),
        table.c.kind == RowKind.PAGE.value,
        waiting,
    )
    return found(tx, query.order_by(table.c.due_at, table.c.id).limit(limit))


def sent_pages(tx: Tx, start: datetime, end: datetime) -> list[OutboxRow]:
    """Give every page that went out in `[start, end)`, whatever it was about, the first one first."""
    sent = (table.c.sent_at.is_not(None), table.c.sent_at >= start, table.c.sent_at < end)
    query = every().where(table.c.kind == RowKind.PAGE.value, *sent)
    return found(tx, query.order_by(table.c.sent_at, table.c.id))


def messages_of(tx: Tx, incident_id: int) -> list[tuple[OutboxRow, list[Attempt]]]:
    """Give every message about the incident with its attempts, in the order in which they were planned."""
    return _with_attempts(tx, RowKind.MESSAGE, table.c.incident_id == incident_id)


def people_told(tx: Tx, prefix: str) -> list[str]:
    """Give the people for whom there are messages whose key begins so, each once, sorted."""
    query = sa.select(table.c.person).where(
        table.c.kind == RowKind.MESSAGE.value, table.c.key.startswith(prefix, autoescape=True)
    )
    return sorted({person for person in tx.connection.execute(query).scalars() if person is not None})


def pages_sent(tx: Tx, teams: Sequence[str], start: datetime, end: datetime) -> int:
    """Count how often people were paged in `[start, end)` for incidents of these teams.

    Once a step and person, however many channels told of it.
    """
    step = (table.c.incident_id, table.c.person, table.c.epoch, table.c.loop, table.c.step, table.c.page_kind)
    sent = (
        sa.select(*step)
        .join(incident_table, incident_table.c.id == table.c.incident_id)
        .where(
            table.c.kind == RowKind.PAGE.value,
            table.c.sent_at.is_not(None),
            table.c.sent_at >= start,
            table.c.sent_at < end,
            among(tx, incident_table.c.team, [storable(team) for team in teams]),
        )
        .distinct()
        .subquery()
    )
    return tx.connection.execute(sa.select(sa.func.count()).select_from(sent)).scalar_one()


def _with_attempts(
    tx: Tx, kind: RowKind, *wanted: sa.ColumnElement[bool]
) -> list[tuple[OutboxRow, list[Attempt]]]:
    rows = found(tx, every().where(table.c.kind == kind.value, *wanted).order_by(table.c.id))
    attempts: dict[int, list[Attempt]] = {one.id: [] for one in rows}
    if rows:
        tried = (
            sa.select(attempt_table)
            .where(among(tx, attempt_table.c.outbox_id, attempts))
            .order_by(attempt_table.c.outbox_id, attempt_table.c.number)
        )
        for one in tx.connection.execute(tried):
            attempts[one.outbox_id].append(attempt_value(one))
    return [(one, attempts[one.id]) for one in rows]


def attempts_lost(tx: Tx, row_id: int) -> int:
    """Count the attempts of which nobody knows how they ended: their processes died (S4)."""
    lost = (attempt_table.c.outbox_id == row_id, attempt_table.c.result == AttemptResult.UNKNOWN.value)
    count: int = tx.connection.execute(sa.select(sa.func.count()).where(*lost)).scalar_one()
    return count


def failed_rows(tx: Tx, *, limit: int = 100) -> list[OutboxRow]:
    """Give what was given up, newest first."""
    return found(tx, every().where(_FAILED).order_by(table.c.id.desc()).limit(limit))


def count_by_state(tx: Tx) -> dict[RowState, int]:
    """Count what waits, is being sent, or was given up; sent and cancelled rows are not counted."""
    waiting = (
        sa.select(table.c.state, sa.func.count()).where(table.c.ready_at.is_not(None)).group_by(table.c.state)
    )
    counts = {RowState.PENDING: 0, RowState.SENDING: 0}
    counts.update((RowState(state), number) for state, number in tx.connection.execute(waiting))
    failed = tx.connection.execute(sa.select(sa.func.count()).select_from(table).where(_FAILED)).scalar_one()
    return counts | {RowState.FAILED: failed}


def last_success(tx: Tx) -> dict[str, datetime]:
    """Give, of every channel that ever worked, when something last went out."""
    # One step into the index per channel, however many rows were sent.
    sent = table.c.sent_at.is_not(None)
    first = sa.select(sa.func.min(table.c.via).label("via")).where(sent).cte("channel", recursive=True)
    following = sa.select(sa.func.min(table.c.via)).where(sent, table.c.via > first.c.via).scalar_subquery()
    channel = first.union_all(sa.select(following).where(first.c.via.is_not(None)))
    last = sa.select(sa.func.max(table.c.sent_at)).where(sent, table.c.via == channel.c.via).scalar_subquery()
    query = sa.select(channel.c.via, last).where(channel.c.via.is_not(None))
    return {via: at for via, at in tx.connection.execute(query) if at is not None}
