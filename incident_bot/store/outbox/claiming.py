"""Rule S1: what is due is taken by one owner, for the length of a lease, and only if it may still be sent (P3, P6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from incident_bot.core.effects import PageKind
from incident_bot.core.model import Paging
from incident_bot.store.bulk import Asked, among, one_of_asked
from incident_bot.store.outbox.rows import every, row_value
from incident_bot.store.outbox.settling import note_lost_attempts
from incident_bot.store.outbox.values import Claimed, OutboxRow
from incident_bot.store.tables import incident
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import RowKind, RowState
from incident_bot.store.transaction import Tx


class _Fence(NamedTuple):
    """What of an incident decides whether its pages may go out."""

    paging: Paging
    epoch: int
    taken: tuple[str, ...]
    """Who has their part of it while others are still paged."""


_INSTANT: Final = table.c.ready_at.type
_DUE: Final = (
    every()
    .where(table.c.ready_at.is_not(None), table.c.ready_at <= sa.bindparam("b_now", type_=_INSTANT))
    .order_by(table.c.kind.desc(), table.c.rank, table.c.due_at, table.c.id)
    .limit(sa.bindparam("b_limit", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_FENCES: Final = Asked(
    lambda asked: (
        sa.select(incident.c.id, incident.c.paging, incident.c.epoch, incident.c.taken)
        .where(one_of_asked(incident.c.id, asked))
        .with_for_update(read=True, skip_locked=True)
    ),
    sa.BigInteger,
)
_TAKE: Final = Asked(
    lambda asked: (
        sa.update(table)
        .where(one_of_asked(table.c.id, asked))
        .values(
            state=RowState.SENDING.value,
            attempts=table.c.attempts + 1,
            lease_owner=sa.bindparam("b_owner", type_=sa.Text),
            lease_until=sa.bindparam("b_until", type_=_INSTANT),
            ready_at=sa.bindparam("b_until", type_=_INSTANT),
            claimed_at=sa.bindparam("b_now", type_=_INSTANT),
        )
    ),
    sa.BigInteger,
)


def claim(tx: Tx, *, owner: str, lease: timedelta, limit: int, now: datetime) -> Claimed:
    """Take what is due: pages before messages, the worst severity first.

    What another owner took and did not settle within its lease is due again. A page that must not be sent any more is
    cancelled instead, with the reason in `error`.
    """
    # Both locks skip what is held instead of waiting for it. Others lock the incident first and its pages second; we,
    # going the other way round, would wait for each other in a circle.
    found = tx.connection.execute(_DUE, {"b_now": now, "b_limit": limit})
    due = [(row_value(row), row.claimed_at) for row in found]
    fences = _fences(tx, {row.incident_id for row, _ in due if row.kind is RowKind.PAGE and row.incident_id})
    take: list[OutboxRow] = []
    drop: list[OutboxRow] = []
    free = 0
    for row, _ in due:
        if row.kind is RowKind.PAGE and row.incident_id not in fences:
            continue
        free += 1
        reason = _obstacle(row, fences)
        if reason is None:
            take.append(row)
        else:
            drop.append(replace(row, state=RowState.CANCELLED, error=reason, lease_until=None, ready_at=None))
    handled = {row.id for row in (*take, *drop)}
    note_lost_attempts(
        tx, [(row, at) for row, at in due if row.state is RowState.SENDING and row.id in handled]
    )
    until = now + lease
    _take(tx, take, owner=owner, until=until, now=now)
    _drop(tx, drop)
    rows = [
        replace(row, state=RowState.SENDING, attempts=row.attempts + 1, lease_until=until, ready_at=until)
        for row in take
    ]
    return Claimed(rows=rows, dropped=drop, busy=len(due) - free)


def _fences(tx: Tx, incident_ids: Iterable[int]) -> dict[int, _Fence]:
    wanted = sorted(incident_ids)
    if not wanted:
        return {}
    return {row[0]: _Fence(Paging(row[1]), row[2], tuple(row[3] or ())) for row in _FENCES(tx, wanted)}


def _obstacle(row: OutboxRow, fences: Mapping[int, _Fence]) -> str | None:
    """Say why a row must not be sent, or None."""
    if row.kind is not RowKind.PAGE or row.incident_id is None:
        return None
    fence = fences[row.incident_id]
    if row.epoch != fence.epoch:
        return f"planned in epoch {row.epoch}, the incident is in epoch {fence.epoch}"
    if row.page_kind is PageKind.DIRECT:
        return None if fence.paging.is_open else f"the incident is {fence.paging.value}"
    if row.page_kind is PageKind.NOTE:
        return None if fence.paging is not Paging.TRIGGERED else "it is paged for again"
    if row.page_kind is PageKind.ASK:
        return None if fence.paging is Paging.ACKNOWLEDGED else f"the incident is {fence.paging.value}"
    if fence.paging is not Paging.TRIGGERED:
        return f"the incident is {fence.paging.value}"
    return f"{row.person} has their part of it" if row.person in fence.taken else None


def _take(tx: Tx, rows: Sequence[OutboxRow], *, owner: str, until: datetime, now: datetime) -> None:
    if not rows:
        return
    _TAKE(tx, [row.id for row in rows], {"b_owner": owner, "b_until": until, "b_now": now})


def _drop(tx: Tx, rows: Sequence[OutboxRow]) -> None:
    reasons: dict[Any, list[int]] = {}
    for row in rows:
        reasons.setdefault(row.error, []).append(row.id)
    for reason, numbers in reasons.items():
        tx.connection.execute(
            sa.update(table)
            .where(among(tx, table.c.id, numbers))
            .values(
                state=RowState.CANCELLED.value,
                error=reason,
                ready_at=None,
                lease_owner=None,
                lease_until=None,
            )
        )
