"""Silences as rows: what a source is to do, who is about to ask it, and what it has done.

One owner at a time works on a row, for the length of a lease; what people ask meanwhile makes it due again at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.effects import AskSilence
from incident_bot.core.model import SilenceMatchers
from incident_bot.store.bulk import upserts
from incident_bot.store.tables import silence as table
from incident_bot.store.tables.states import SilenceWish
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_ASK: Final = upserts(
    table,
    ["incident_id", "number"],
    lambda new: {
        "asked_by": new.asked_by,
        "reason": sa.func.coalesce(new.reason, table.c.reason),
        "asked_at": new.asked_at,
        "ends_at": new.ends_at,
        "wish": new.wish,
        "lift_reason": None,
        "attempts": 0,
        "error": None,
        "version": table.c.version + 1,
        # Who works on it now looks again when done.
        "due_at": sa.case((table.c.lease_owner.is_not(None), table.c.due_at), else_=new.due_at),
    },
)
_NEXT: Final = sa.select(sa.func.min(table.c.due_at)).where(table.c.due_at.is_not(None))

__all__ = [
    "SilenceRow",
    "SilenceWish",
    "ask",
    "claim",
    "holding",
    "lift",
    "next_due",
    "of",
    "release",
    "settle",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRow:
    """One silence as it is claimed or read."""

    id: int
    incident_id: int
    number: int
    source: str
    matchers: SilenceMatchers
    asked_by: str
    reason: str | None
    asked_at: datetime
    ends_at: datetime
    wish: SilenceWish
    lift_reason: str | None
    silence_id: str | None
    """What the source calls it, as far as it has said."""
    held_until: datetime | None
    """Until when the source said that it holds it."""
    version: int
    attempts: int
    """How many tries in a row failed."""
    error: str | None


def ask(tx: Tx, incident_id: int, silences: Sequence[AskSilence], *, now: datetime) -> None:
    """Have these held; one that is there already gets the new end and is due at once."""
    rows = [
        {
            "incident_id": incident_id,
            "number": one.number,
            "source": one.source,
            "matchers": [list(pair) for pair in one.matchers],
            "asked_by": one.by,
            "reason": one.reason,
            "asked_at": now,
            "ends_at": one.ends_at,
            "wish": SilenceWish.HOLD.value,
            "lift_reason": None,
            "silence_id": None,
            "held_until": None,
            "due_at": now,
            "lease_owner": None,
            "version": 1,
            "attempts": 0,
            "error": None,
        }
        for one in silences
    ]
    if rows:
        _ASK(tx, rows)


def lift(tx: Tx, incident_id: int, numbers: Collection[int], *, reason: str, now: datetime) -> int:
    """Have these lifted, at once; gives how many there were that are not over."""
    changed = (
        sa.update(table)
        .where(
            table.c.incident_id == incident_id, table.c.number.in_(list(numbers)), table.c.due_at.is_not(None)
        )
        .values(
            wish=SilenceWish.LIFT.value,
            lift_reason=reason,
            attempts=0,
            error=None,
            version=table.c.version + 1,
            due_at=sa.case((table.c.lease_owner.is_not(None), table.c.due_at), else_=now),
        )
    )
    return tx.connection.execute(changed).rowcount


def next_due(tx: Tx) -> datetime | None:
    """Give the next instant at which a silence is due; None where none is."""
    return tx.connection.execute(_NEXT).scalar()


def claim(tx: Tx, *, owner: str, lease: timedelta, now: datetime) -> SilenceRow | None:
    """Take the silence that is due for longest, for the length of a lease."""
    query = (
        sa.select(table)
        .where(table.c.due_at.is_not(None), table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.connection.execute(query).first()
    if row is None:
        return None
    values = {"due_at": now + lease, "lease_owner": owner}
    tx.connection.execute(sa.update(table).where(table.c.id == row.id).values(**values))
    return _value(row)


def settle(
    tx: Tx,
    row: SilenceRow,
    *,
    owner: str,
    due_at: datetime | None,
    silence_id: str | None,
    held_until: datetime | None,
    ends_at: datetime | None = None,
    attempts: int = 0,
    error: str | None = None,
    now: datetime,
) -> bool | None:
    """Give it back with what the source did; None where it is another owner's by now.

    True where nobody asked for anything else meanwhile; otherwise it is due at once, and False.
    """
    held = (
        sa.select(table.c.version).where(table.c.id == row.id, table.c.lease_owner == owner).with_for_update()
    )
    version = tx.connection.execute(held).scalar()
    if version is None:
        return None
    same = version == row.version
    values: dict[str, Any] = {
        "lease_owner": None,
        "silence_id": silence_id,
        "held_until": held_until,
        "due_at": due_at if same else now,
    }
    if same:
        values |= {"attempts": attempts, "error": error}
        values |= {} if ends_at is None else {"ends_at": ends_at}
    tx.connection.execute(sa.update(table).where(table.c.id == row.id).values(**values))
    return bool(same)


def release(tx: Tx, *, now: datetime) -> int:
    """Have what is being worked on due now, and say how many there were; for whoever is the only process."""
    held = sa.update(table).where(table.c.lease_owner.is_not(None))
    return tx.connection.execute(held.values(lease_owner=None, due_at=now)).rowcount


def of(tx: Tx, incident_id: int) -> list[SilenceRow]:
    """Give every silence of an incident, in the order of their numbers."""
    query = sa.select(table).where(table.c.incident_id == incident_id).order_by(table.c.number)
    return [_value(row) for row in tx.connection.execute(query)]


def holding(tx: Tx, source: str) -> list[SilenceRow]:
    """Give the silences that a source said it holds and that are not over."""
    query = sa.select(table).where(
        table.c.source == source, table.c.silence_id.is_not(None), table.c.due_at.is_not(None)
    )
    return [_value(row) for row in tx.connection.execute(query.order_by(table.c.id))]


def _value(row: Found) -> SilenceRow:
    columns = row._mapping  # noqa: SLF001 - public in SQLAlchemy despite its name
    names = ("id", "incident_id", "number", "source", "asked_by", "reason", "asked_at", "ends_at", "lift_reason",
             "silence_id", "held_until", "version", "attempts", "error")  # fmt: skip
    return SilenceRow(
        **{name: columns[name] for name in names},
        wish=SilenceWish(columns["wish"]),
        matchers=tuple((name, value) for name, value in columns["matchers"]),
    )
