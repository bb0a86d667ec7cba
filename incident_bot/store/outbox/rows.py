"""Outbox rows and attempts as values."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.effects import MESSAGE_PATIENCE, PAGE_PATIENCE, Moment, PageKind
from incident_bot.core.model import Urgency
from incident_bot.store.outbox.values import Attempt, OutboxRow
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import AttemptResult, RowKind, RowState
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_PATIENCE: Final = {RowKind.PAGE.value: PAGE_PATIENCE, RowKind.MESSAGE.value: MESSAGE_PATIENCE}


def row_value(row: Found) -> OutboxRow:
    """Give the page or message that a row of the whole table holds."""
    return OutboxRow(
        id=row.id,
        kind=RowKind(row.kind),
        key=row.key,
        incident_id=row.incident_id,
        epoch=row.epoch,
        loop=row.loop,
        step=row.step,
        page_kind=None if row.page_kind is None else PageKind(row.page_kind),
        person=row.person,
        via=row.via,
        recipient=row.recipient,
        moment=None if row.moment is None else Moment(row.moment),
        data=row.data,
        reason=row.reason,
        urgency=None if row.urgency is None else Urgency(row.urgency),
        rank=row.rank,
        due_at=row.due_at,
        ready_at=row.ready_at,
        state=RowState(row.state),
        attempts=row.attempts,
        lease_until=row.lease_until,
        sent_at=row.sent_at,
        provider_id=row.provider_id,
        error=row.error,
        created_at=row.created_at,
        give_up_at=row.give_up_at or row.due_at + _PATIENCE[row.kind],
        carried_by=row.carried_by,
    )


def attempt_value(row: Found) -> Attempt:
    """Give the attempt that a row of the whole table holds."""
    return Attempt(
        number=row.number,
        at=row.at,
        finished_at=row.finished_at,
        result=AttemptResult(row.result),
        provider_id=row.provider_id,
        error=row.error,
    )


def found(tx: Tx, query: sa.Select[Any]) -> list[OutboxRow]:
    """Give the rows of a query over the whole table."""
    return [row_value(row) for row in tx.connection.execute(query)]


def every() -> sa.Select[Any]:
    """Give the query for all rows, to be narrowed."""
    return sa.select(table)
