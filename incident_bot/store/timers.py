"""What falls due: set, taken, done. The firing and its deletion share one transaction, so the row lock is the lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.effects import TimerKind
from incident_bot.core.model import JsonObject
from incident_bot.store.bulk import Asked, among, one_of_asked, upserts
from incident_bot.store.ready import Ready, ReadyMany
from incident_bot.store.tables import incident
from incident_bot.store.tables import timer as table
from incident_bot.store.tables.states import TimerState
from incident_bot.store.transaction import Tx

ATTEMPTS_MOST: Final = 8
"""A timer whose firing failed this often is parked."""

_LEASED: Final = "leased"
_PENDING: Final = table.c.state == TimerState.PENDING.value
_DONE: Final = ReadyMany(
    sa.delete(table).where(table.c.id == sa.bindparam("b_id"), table.c.version == sa.bindparam("b_version"))
)


_NEXT: Final = Ready(sa.select(sa.func.min(table.c.due_at)).where(_PENDING))
_KEPT: Final = frozenset({"id", "key", "version"})
_SET: Final = upserts(
    table,
    ["key"],
    lambda new: {
        **{column.name: new[column.name] for column in table.c if column.name not in _KEPT},
        "version": table.c.version + 1,
    },
)
_FORGET: Final = Asked(lambda asked: sa.delete(table).where(one_of_asked(table.c.key, asked)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One thing to look at when it falls due; `id` is 0 until the store has given one."""

    id: int = 0
    kind: TimerKind
    key: str
    """Unique: setting a timer of the same key replaces it."""
    incident_id: int | None = None
    subject: int | None = None
    """What it is about, where that is not an incident: an episode's or a delivery's id."""
    epoch: int | None = None
    due_at: datetime
    data: JsonObject = field(default_factory=dict)
    attempts: int = 0
    error: str | None = None
    version: int = 0
    """Counts how often it was set, so that `done` never removes a timer that its own firing set anew."""


def set_timers(tx: Tx, timers: Sequence[Timer], *, now: datetime) -> None:
    """Set timers; one that has the key already is replaced, its attempts forgotten, a parked one taken up again."""
    rows = {timer.key: _row(timer, now) for timer in timers}
    if not rows:
        return
    # In one order everywhere, so that two replicas never wait for each other in a circle.
    _SET(tx, [rows[key] for key in sorted(rows)])


def _row(timer: Timer, now: datetime) -> dict[str, Any]:
    return {
        "kind": timer.kind.value,
        "key": timer.key,
        "incident_id": timer.incident_id,
        "subject": timer.subject,
        "epoch": timer.epoch,
        "due_at": timer.due_at,
        "data": timer.data,
        "state": TimerState.PENDING.value,
        "attempts": 0,
        "error": None,
        "version": 1,
        "set_at": now,
    }


def stop_timers(tx: Tx, incident_id: int, kinds: Sequence[TimerKind]) -> int:
    """Forget the incident's timers of these kinds, parked ones too, and say how many there were."""
    words = [kind.value for kind in kinds]
    gone = sa.delete(table).where(table.c.incident_id == incident_id, table.c.kind.in_(words))
    return tx.connection.execute(gone).rowcount


def forget(tx: Tx, keys: Sequence[str]) -> int:
    """Forget the timers of these keys, parked ones too, and say how many there were."""
    return _FORGET(tx, keys).rowcount if keys else 0


def claim_due(tx: Tx, *, limit: int = 1, now: datetime) -> list[Timer]:
    """Give due timers, the longest overdue first, which nobody else gets until this transaction ends.

    Their incidents are locked with them; a timer whose incident somebody else holds is left for the next claim. A
    firing that goes on to decide about alerts takes `Tx.lock_intake` before it claims.
    """
    due = sa.and_(_PENDING, table.c.due_at <= now)
    order = (table.c.due_at, table.c.id)
    query = sa.select(table).where(due)
    if not tx.sqlite:
        # Commands lock the incident first and its timers second. Going the other way round, a firing and a command
        # would wait for each other in a circle.
        locked = (
            sa.select(table.c.id)
            .join(incident, incident.c.id == table.c.incident_id)
            .where(due)
            .order_by(*order)
            .limit(limit)
            .with_for_update(key_share=True, skip_locked=True, of=incident)
        )
        mine = tx.connection.execute(locked).scalars().all()
        query = query.where(sa.or_(table.c.incident_id.is_(None), among(tx, table.c.id, mine)))
    return _found(tx, query.order_by(*order).limit(limit).with_for_update(skip_locked=True))


def lease(tx: Tx, timer: Timer, *, until: datetime, now: datetime) -> Timer:
    """Leave a timer due later while it is worked on outside of the transaction, and give it as it is now."""
    set_timers(tx, [replace(timer, due_at=until, data={**timer.data, _LEASED: True})], now=now)
    # It was set anew just now: under its old version it could never be done.
    return replace(timer, version=timer.version + 1)


def release(tx: Tx, *, now: datetime) -> int:
    """Have what is leased due now, and say how many there were; for whoever is the only process."""
    query = sa.select(table).where(_PENDING, table.c.due_at > now, table.c.data.is_not(None))
    leased = [timer for timer in _found(tx, query) if timer.data.get(_LEASED) is True]
    if leased:
        numbers = [timer.id for timer in leased]
        tx.connection.execute(sa.update(table).where(among(tx, table.c.id, numbers)).values(due_at=now))
    return len(leased)


def done(tx: Tx, *timers: Timer) -> None:
    """Remove timers that fired, except those that were set anew meanwhile."""
    if timers:
        _DONE(tx, [{"b_id": timer.id, "b_version": timer.version} for timer in timers])


def postpone(tx: Tx, timer: Timer, *, due_at: datetime, error: str) -> bool:
    """Note that a firing failed and have it tried again then; True where it is parked instead, after too many."""
    attempts = timer.attempts + 1
    state = TimerState.PARKED if attempts >= ATTEMPTS_MOST else TimerState.PENDING
    changed = tx.connection.execute(
        sa.update(table)
        .where(table.c.id == timer.id, table.c.version == timer.version)
        .values(due_at=due_at, attempts=attempts, error=error, state=state.value)
    )
    return changed.rowcount == 1 and state is TimerState.PARKED


def parked(tx: Tx) -> list[Timer]:
    """Give the timers that a person has to look at, oldest first."""
    return _found(
        tx, sa.select(table).where(table.c.state == TimerState.PARKED.value).order_by(table.c.due_at)
    )


def timers_of(tx: Tx, incident_id: int) -> list[Timer]:
    """Give the incident's timers, the next one first."""
    return _found(tx, sa.select(table).where(table.c.incident_id == incident_id).order_by(table.c.due_at))


def of_kind(tx: Tx, kind: TimerKind) -> list[Timer]:
    """Give every timer of a kind, parked ones too, the next one first."""
    return _found(tx, sa.select(table).where(table.c.kind == kind.value).order_by(table.c.due_at, table.c.id))


def by_key(tx: Tx, key: str) -> Timer | None:
    """Give the timer of a key."""
    return next(iter(_found(tx, sa.select(table).where(table.c.key == key))), None)


def next_due(tx: Tx) -> datetime | None:
    """Give the next instant at which a timer is due; None where none waits."""
    found: datetime | None = _NEXT(tx).scalar()
    return found


def oldest_due(tx: Tx, *, now: datetime) -> datetime | None:
    """Give the instant since which the longest overdue timer waits; None where none is due."""
    oldest = next_due(tx)
    return oldest if oldest is not None and oldest <= now else None


def _found(tx: Tx, query: sa.Select[Any]) -> list[Timer]:
    return [
        Timer(
            id=row.id,
            kind=TimerKind(row.kind),
            key=row.key,
            incident_id=row.incident_id,
            subject=row.subject,
            epoch=row.epoch,
            due_at=row.due_at,
            data=row.data,
            attempts=row.attempts,
            error=row.error,
            version=row.version,
        )
        for row in tx.connection.execute(query)
    ]
