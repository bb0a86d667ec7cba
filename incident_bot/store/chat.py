"""What is heard in a chat: marks upon messages, what came of them, and the names of who and what is mentioned.

One owner at a time works on a message, for the length of a lease; what is heard meanwhile makes it due again at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from incident_bot.core.model import JsonObject
from incident_bot.core.rooms.heard import Mark, marked, marks_of, written
from incident_bot.store.bulk import among, upserts
from incident_bot.store.tables import slack_heard as table
from incident_bot.store.tables import slack_name as names_table
from incident_bot.store.transaction import Tx

_NEW: Final[Mapping[bool, Any]] = {
    True: sqlite.insert(table).on_conflict_do_nothing(),
    False: postgresql.insert(table).on_conflict_do_nothing(),
}
_NAME: Final = upserts(names_table, ["id"], lambda new: {"name": new.name, "asked_at": new.asked_at})
_NEXT: Final = sa.select(sa.func.min(table.c.due_at)).where(table.c.due_at.is_not(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message as it is claimed."""

    channel: str
    ts: str
    """Empty where it is about the channel itself."""
    marks: dict[str, Mark]
    done: JsonObject
    """What came of it, as `flow.slack.chat` writes it."""
    version: int
    attempts: int


def mark(
    tx: Tx, channel: str, ts: str, key: str, what: Mark, *, only_known: bool = False, now: datetime
) -> None:
    """Note what somebody did to a message, and have it looked at; `only_known` where nothing else was heard of it."""
    if not only_known:
        row: dict[str, Any] = {
            "channel": channel,
            "ts": ts,
            "marks": {},
            "done": {},
            "due_at": None,
            "lease_owner": None,
            "version": 0,
            "attempts": 0,
            "error": None,
            "made_at": now,
        }
        tx.connection.execute(_NEW[tx.sqlite], row)
    here = sa.and_(table.c.channel == channel, table.c.ts == ts)
    found = tx.connection.execute(sa.select(table).where(here).with_for_update()).first()
    if found is None:
        return
    before = marks_of(found.marks)
    after = marked(before, key, what)
    if after == before:
        return
    values: dict[str, Any] = {"marks": written(after), "version": found.version + 1}
    if found.lease_owner is None:
        values |= {"due_at": now, "attempts": 0}
    tx.connection.execute(sa.update(table).where(here).values(**values))


def next_due(tx: Tx) -> datetime | None:
    """Give the next instant at which something heard is due; None where nothing is."""
    return tx.connection.execute(_NEXT).scalar()


def claim(tx: Tx, *, owner: str, lease: timedelta, now: datetime) -> Heard | None:
    """Take what was heard first of what is due, for the length of a lease."""
    query = (
        sa.select(table)
        .where(table.c.due_at.is_not(None), table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.ts)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.connection.execute(query).first()
    if row is None:
        return None
    here = sa.and_(table.c.channel == row.channel, table.c.ts == row.ts)
    values = {"due_at": now + lease, "lease_owner": owner}
    tx.connection.execute(sa.update(table).where(here).values(**values))
    return Heard(
        channel=row.channel,
        ts=row.ts,
        marks=marks_of(row.marks),
        done=row.done,
        version=row.version,
        attempts=row.attempts,
    )


def keep(tx: Tx, heard: Heard, done: JsonObject, *, owner: str) -> bool:
    """Record what came of it so far; False where it is another owner's by now."""
    return _settle(tx, heard, owner, {"done": dict(done)})


def rest(tx: Tx, heard: Heard, *, owner: str, error: str | None = None, now: datetime) -> None:
    """Give it back, done; where more was heard meanwhile it is due again at once."""
    again = sa.case((table.c.version == heard.version, sa.null()), else_=sa.literal(now, table.c.due_at.type))
    values = {"due_at": again, "lease_owner": None, "attempts": 0, "error": error}
    _settle(tx, heard, owner, values)


def later(tx: Tx, heard: Heard, *, owner: str, due_at: datetime, error: str, failed: bool) -> None:
    """Give it back for another attempt; `failed` counts it."""
    attempts = heard.attempts + 1 if failed else heard.attempts
    _settle(tx, heard, owner, {"due_at": due_at, "lease_owner": None, "attempts": attempts, "error": error})


def names(tx: Tx, ids: Iterable[str], *, since: datetime | None = None) -> dict[str, str]:
    """Give the names that are known of these ids, or of those of them that were asked for since an instant."""
    query = sa.select(names_table).where(among(tx, names_table.c.id, list(ids)))
    if since is not None:
        query = query.where(names_table.c.asked_at >= since)
    return {row.id: row.name for row in tx.connection.execute(query)}


def keep_names(tx: Tx, found: Mapping[str, str], *, now: datetime) -> None:
    """Remember names."""
    rows = [{"id": key, "name": found[key], "asked_at": now} for key in sorted(found)]
    if rows:
        _NAME(tx, rows)


def _settle(tx: Tx, heard: Heard, owner: str, values: Mapping[str, Any]) -> bool:
    where = (table.c.channel == heard.channel, table.c.ts == heard.ts, table.c.lease_owner == owner)
    return tx.connection.execute(sa.update(table).where(*where).values(**values)).rowcount == 1
