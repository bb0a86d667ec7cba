"""Rule S3: how an attempt ended is recorded once, by whoever still owns the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, assert_never

import sqlalchemy as sa

from incident_bot.store.bulk import Asked, one_of_asked, upserts
from incident_bot.store.outbox.rows import every, found
from incident_bot.store.outbox.values import Again, Failed, OutboxRow, Outcome, Sent
from incident_bot.store.ready import ReadyMany
from incident_bot.store.tables import attempt as attempt_table
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import AttemptResult, RowState
from incident_bot.store.transaction import Tx

_CLAIMED: Final = Asked(
    lambda asked: (
        sa.select(table.c.id, table.c.attempts, table.c.state, table.c.claimed_at)
        .where(one_of_asked(table.c.id, asked))
        .order_by(table.c.id)
        .with_for_update()
    ),
    sa.BigInteger,
)
_ENDED: Final = (
    sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(lease_owner=None, lease_until=None)
)
_TRIED: Final = _ENDED.values({name: sa.bindparam(name) for name in ("state", "error", "ready_at")})
_NOT_SENT: Final = ReadyMany(_TRIED)
_SENT: Final = ReadyMany(_TRIED.values({name: sa.bindparam(name) for name in ("sent_at", "provider_id")}))
_NOTE: Final = upserts(
    attempt_table,
    ["outbox_id", "number"],
    lambda new: {name: new[name] for name in ("finished_at", "result", "provider_id", "error")},
)


def settle(tx: Tx, row: OutboxRow, outcome: Outcome, *, now: datetime) -> bool:
    """Record how the attempt on a claimed row ended; False, and only the attempt is kept, if another took it over.

    Whoever also writes the row's incident in this transaction locks the incident first.
    """
    return bool(settle_all(tx, [(row, outcome)], now=now))


def settle_all(tx: Tx, ended: Sequence[tuple[OutboxRow, Outcome]], *, now: datetime) -> set[int]:
    """Do the same for many rows; gives the identifiers of those that were still ours."""
    stored = {row.id: row for row in _CLAIMED(tx, sorted({row.id for row, _ in ended}))} if ended else {}
    ours: set[int] = set()
    changes: dict[bool, list[dict[str, Any]]] = {}
    attempts: list[dict[str, Any]] = []
    for row, outcome in ended:
        known = stored.get(row.id)
        same = known is not None and known.attempts == row.attempts
        if known is not None and same and known.state == RowState.SENDING.value:
            ours.add(row.id)
            changes.setdefault(isinstance(outcome, Sent), []).append(
                {"b_id": row.id, **_columns(outcome, now)}
            )
        attempts.append(_attempt(row, outcome, known.claimed_at if known is not None and same else now, now))
    for sent, rows in changes.items():
        (_SENT if sent else _NOT_SENT)(tx, rows)
    _note(tx, attempts)
    return ours


def _attempt(row: OutboxRow, outcome: Outcome, at: datetime | None, now: datetime) -> dict[str, Any]:
    result, provider_id, error = _ending(outcome)
    return {
        "outbox_id": row.id,
        "number": row.attempts,
        "at": at or now,
        "finished_at": now,
        "result": result.value,
        "provider_id": provider_id,
        "error": error,
    }


def _columns(outcome: Outcome, now: datetime) -> dict[str, Any]:
    match outcome:
        case Sent():
            return {"state": RowState.SENT.value, "sent_at": now, "provider_id": outcome.provider_id,
                    "error": None, "ready_at": None}  # fmt: skip
        case Again():
            return {"state": RowState.PENDING.value, "error": outcome.error, "ready_at": outcome.due_at}
        case Failed():
            return {"state": RowState.FAILED.value, "error": outcome.error, "ready_at": None}
        case _:
            assert_never(outcome)


def _ending(outcome: Outcome) -> tuple[AttemptResult, str | None, str | None]:
    match outcome:
        case Sent():
            return AttemptResult.SENT, outcome.provider_id, None
        case Again():
            return AttemptResult.AGAIN, None, outcome.error
        case Failed():
            return AttemptResult.FAILED, None, outcome.error
        case _:
            assert_never(outcome)


def following(tx: Tx, row: OutboxRow) -> OutboxRow | None:
    """Give the page of the same step by which the same person is told next; what failed already is passed over."""
    same = (
        table.c.incident_id == row.incident_id,
        table.c.person == row.person,
        table.c.page_kind == (row.page_kind.value if row.page_kind else None),
        table.c.epoch == row.epoch,
        table.c.loop == row.loop,
        table.c.step == row.step,
        sa.or_(table.c.due_at > row.due_at, sa.and_(table.c.due_at == row.due_at, table.c.id > row.id)),
        table.c.state.not_in([RowState.FAILED.value, RowState.CANCELLED.value]),
    )
    later = found(tx, every().where(*same).order_by(table.c.due_at, table.c.id))
    return next((one for one in later if not one.lost), None)


def hasten(tx: Tx, row: OutboxRow, *, now: datetime) -> OutboxRow | None:
    """Make the page that follows ready now, if it waits for its time (S5), and give it.

    What is on its way, or was tried already, needs no haste. Its own time begins now, as long as it was to be.
    """
    later = following(tx, row)
    if later is None or later.state is not RowState.PENDING or later.attempts:
        return None
    if later.ready_at is None or later.ready_at <= now:
        return None
    until = now + (later.give_up_at - later.due_at)
    changed = tx.connection.execute(
        sa.update(table)
        .where(table.c.id == later.id, table.c.state == RowState.PENDING.value, table.c.attempts == 0)
        .values(ready_at=now, give_up_at=until)
    )
    return replace(later, ready_at=now, give_up_at=until) if changed.rowcount else None


def note_lost_attempts(tx: Tx, rows: Sequence[tuple[OutboxRow, datetime]]) -> None:
    """Record attempts whose lease ran out as unknown (S4); their owner's late word still replaces that."""
    _note(
        tx,
        [{
            "outbox_id": row.id,
            "number": row.attempts,
            "at": claimed_at,
            "finished_at": None,
            "result": AttemptResult.UNKNOWN.value,
            "provider_id": None,
            "error": None,
        } for row, claimed_at in rows],
    )  # fmt: skip


def _note(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    _NOTE(tx, list(rows))
