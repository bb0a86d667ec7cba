"""The rooms of incidents in chat: which are to be looked at, by whom, and what each shows as recorded.

One owner at a time works on a room, for the length of a lease; what changes meanwhile makes it due again at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from incident_bot.core.rooms import Place, Shown
from incident_bot.store.bulk import among, upserts
from incident_bot.store.tables import room as table
from incident_bot.store.tables import slack_seen as seen_table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_TOUCH: Final = upserts(
    table,
    ["incident_id"],
    lambda new: {
        "rank": new.rank,
        "version": table.c.version + 1,
        # Who works on it now looks again when done; who failed keeps the wait that the failure asked for.
        "due_at": sa.case(
            (sa.and_(table.c.due_at.is_not(None), table.c.attempts > 0), table.c.due_at),
            (table.c.lease_owner.is_not(None), table.c.due_at),
            else_=new.due_at,
        ),
    },
)
_SEE: Final[Mapping[bool, Any]] = {
    True: sqlite.insert(seen_table).on_conflict_do_nothing().returning(seen_table.c.digest),
    False: postgresql.insert(seen_table).on_conflict_do_nothing().returning(seen_table.c.digest),
}
_NEXT: Final = sa.select(sa.func.min(table.c.due_at)).where(table.c.due_at.is_not(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One room as it is claimed or read."""

    incident_id: int
    rank: int
    """The rank of the severity; the worst, 0, is worked on first."""
    shown: Shown
    version: int
    """Counts the changes of its incident."""
    attempts: int
    """How many looks in a row failed."""
    error: str | None
    made_at: datetime


def touch(tx: Tx, ranks: Mapping[int, int], *, now: datetime) -> None:
    """Have these incidents' rooms looked at, by the rank of their severity; one that has no row yet gets it."""
    rows = [
        {
            "incident_id": number,
            "rank": ranks[number],
            "shown": Shown().to_json(),
            "channel": None,
            "thread": None,
            "due_at": now,
            "lease_owner": None,
            "version": 1,
            "attempts": 0,
            "error": None,
            "made_at": now,
        }
        for number in sorted(ranks)
    ]
    if rows:
        _TOUCH(tx, rows)


def next_due(tx: Tx) -> datetime | None:
    """Give the next instant at which a room is due; None where none is."""
    return tx.connection.execute(_NEXT).scalar()


def claim(tx: Tx, *, owner: str, lease: timedelta, now: datetime) -> Room | None:
    """Take the most important room that is due, for the length of a lease."""
    query = (
        sa.select(table)
        .where(table.c.due_at.is_not(None), table.c.due_at <= now)
        .order_by(table.c.rank, table.c.due_at, table.c.incident_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.connection.execute(query).first()
    if row is None:
        return None
    values = {"due_at": now + lease, "lease_owner": owner}
    tx.connection.execute(sa.update(table).where(table.c.incident_id == row.incident_id).values(**values))
    return _value(row)


def keep(tx: Tx, number: int, shown: Shown, *, owner: str, until: datetime) -> bool:
    """Record what a room shows now, and have the lease last until then; False where it is another owner's by now."""
    place = {"channel": shown.channel, "thread": shown.thread}
    return _settle(tx, number, owner, {"shown": shown.to_json(), "due_at": until, **place})


def rest(
    tx: Tx, room: Room, *, owner: str, due_at: datetime | None, error: str | None = None, now: datetime
) -> bool:
    """Give a room back that shows what it can; where its incident changed meanwhile it is due again at once."""
    unchanged = table.c.version == room.version
    values: dict[str, Any] = {
        "due_at": sa.case((unchanged, sa.literal(due_at, table.c.due_at.type)), else_=now),
        "lease_owner": None,
        "attempts": 0,
        "error": error,
    }
    return _settle(tx, room.incident_id, owner, values)


def later(
    tx: Tx, room: Room, *, owner: str, due_at: datetime, error: str | None, failed: bool = True
) -> bool:
    """Give a room back that could not be brought further now; `failed` counts an attempt."""
    attempts = room.attempts + 1 if failed else room.attempts
    values = {"due_at": due_at, "lease_owner": None, "attempts": attempts, "error": error}
    return _settle(tx, room.incident_id, owner, values)


def of(tx: Tx, numbers: Iterable[int]) -> dict[int, Room]:
    """Give the rooms of these incidents, by incident."""
    query = sa.select(table).where(among(tx, table.c.incident_id, list(numbers)))
    return {row.incident_id: _value(row) for row in tx.connection.execute(query)}


def names(tx: Tx, numbers: Iterable[int]) -> dict[int, str]:
    """Give what the rooms of these incidents are called, by incident: the name of a channel of its own, else its id.

    What has no room yet, or works in a thread, is left out.
    """
    own = {number: room.shown for number, room in of(tx, numbers).items() if room.shown.place is Place.OWN}
    return {number: shown.name or shown.channel for number, shown in own.items() if shown.channel}


def at(tx: Tx, channel: str, *, thread: str | None = None) -> int | None:
    """Give the incident that is worked on in a channel, or in a thread of it; the newest where there were several."""
    query = sa.select(table.c.incident_id).where(table.c.channel == channel)
    query = query.where(table.c.thread.is_(None) if thread is None else table.c.thread == thread)
    return tx.connection.execute(query.order_by(table.c.incident_id.desc()).limit(1)).scalar()


def known(tx: Tx, channel: str) -> bool:
    """Say whether a channel is a room, or has one in a thread."""
    query = sa.select(table.c.incident_id).where(table.c.channel == channel).limit(1)
    return tx.connection.execute(query).first() is not None


def amend(tx: Tx, number: int, change: Callable[[Shown], Shown], *, now: datetime) -> bool:
    """Change what a room shows, because people changed it in the chat; False while somebody works on it."""
    row = tx.connection.execute(
        sa.select(table).where(table.c.incident_id == number).with_for_update()
    ).first()
    if row is None:
        return True
    if row.lease_owner is not None and row.due_at is not None and row.due_at > now:
        return False
    shown = change(Shown.from_json(row.shown))
    values = {
        "shown": shown.to_json(),
        "channel": shown.channel,
        "thread": shown.thread,
        "due_at": now,
        "version": row.version + 1,
    }
    tx.connection.execute(sa.update(table).where(table.c.incident_id == number).values(**values))
    return True


def count_waiting(tx: Tx, *, before: datetime) -> int:
    """Count the rooms that were due before an instant and are so still."""
    query = sa.select(sa.func.count()).select_from(table).where(table.c.due_at < before)
    return tx.connection.execute(query).scalar_one()


def troubles(tx: Tx, *, limit: int) -> list[tuple[int, str]]:
    """Give what Slack refused of rooms, as incident and error, the newest first."""
    query = sa.select(table.c.incident_id, table.c.error).where(table.c.error.is_not(None))
    rows = tx.connection.execute(query.order_by(table.c.incident_id.desc()).limit(limit))
    return [(row.incident_id, row.error) for row in rows]


def see(tx: Tx, digest: str, *, now: datetime) -> bool:
    """Note that something came, and say whether it did for the first time."""
    return tx.connection.execute(_SEE[tx.sqlite], {"digest": digest, "at": now}).first() is not None


def _settle(tx: Tx, number: int, owner: str, values: Mapping[str, Any]) -> bool:
    where = (table.c.incident_id == number, table.c.lease_owner == owner)
    return tx.connection.execute(sa.update(table).where(*where).values(**values)).rowcount == 1


def _value(row: Found) -> Room:
    return Room(
        incident_id=row.incident_id,
        rank=row.rank,
        shown=Shown.from_json(row.shown),
        version=row.version,
        attempts=row.attempts,
        error=row.error,
        made_at=row.made_at,
    )
