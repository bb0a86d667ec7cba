"""Who is signed in: sessions, found by the digest of a secret that is never stored, and what opens one once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from incident_bot.store.tables import session as table
from incident_bot.store.tables import sign_in as link_table
from incident_bot.store.tables import token as token_table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

LISTED: Final = 500
"""So many sessions are listed at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of a browser; it opens nothing in `[expires_at, …)`, and nothing once it was ended."""

    id: int = 0
    person: str | None
    """None for one that an API token opened."""
    token_id: int | None = None
    role: str | None = None
    """What it gives beyond what the person has."""
    how: str
    made_at: datetime
    seen_at: datetime
    """Coarsely."""
    expires_at: datetime
    ended_at: datetime | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTime:
    """What opens a session once, until it expires."""

    person: str | None
    role: str | None
    minutes: int
    expires_at: datetime
    used_at: datetime | None = None


def add(tx: Tx, digest: str, session: Session) -> Session:
    """Store a session by the digest of its secret; gives it with its number."""
    columns = {
        "digest": digest,
        "person": session.person,
        "token_id": session.token_id,
        "role": session.role,
        "how": session.how,
        "made_at": session.made_at,
        "seen_at": session.seen_at,
        "expires_at": session.expires_at,
        "ended_at": None,
        "agent": session.agent,
    }
    row = tx.connection.execute(sa.insert(table).values(columns).returning(*table.c)).one()
    return _session(row)


def find(tx: Tx, digest: str) -> Session | None:
    """Give the session with this digest, ended ones too: one read by a unique index."""
    row = tx.connection.execute(sa.select(table).where(table.c.digest == digest)).first()
    return None if row is None else _session(row)


def touch(tx: Tx, number: int, *, now: datetime) -> None:
    """Note that a session was used."""
    tx.connection.execute(sa.update(table).where(table.c.id == number).values(seen_at=now))


def open_sessions(
    tx: Tx, *, person: str | None = None, how: str | None = None, now: datetime
) -> list[Session]:
    """Give the sessions that still open something, of one person or of everybody, the newest first."""
    gone = sa.select(token_table.c.id).where(token_table.c.revoked_at.is_not(None))
    query = sa.select(table).where(
        table.c.ended_at.is_(None),
        table.c.expires_at > now,
        sa.or_(table.c.token_id.is_(None), table.c.token_id.not_in(gone)),
    )
    if how is not None:
        query = query.where(table.c.how == how)
    if person is not None:
        query = query.where(table.c.person == person)
    rows = tx.connection.execute(query.order_by(table.c.id.desc()).limit(LISTED))
    return [_session(row) for row in rows]


def end(tx: Tx, numbers: Sequence[int], *, now: datetime) -> int:
    """Have these sessions open nothing from now on; gives how many still did."""
    where = (table.c.id.in_(numbers), table.c.ended_at.is_(None))
    return tx.connection.execute(sa.update(table).where(*where).values(ended_at=now)).rowcount


def last_sign_ins(tx: Tx) -> dict[str, datetime]:
    """Give when each person signed in last, as far as sessions are kept."""
    query = sa.select(table.c.person, sa.func.max(table.c.made_at).label("at"))
    query = query.where(table.c.person.is_not(None)).group_by(table.c.person)
    return {row.person: row.at for row in tx.connection.execute(query)}


def add_link(tx: Tx, digest: str, link: OneTime, *, now: datetime) -> None:
    """Store what opens a session once; raises LostRace where its digest is there already: then it was used."""
    columns = {
        "digest": digest,
        "person": link.person,
        "role": link.role,
        "minutes": link.minutes,
        "made_at": now,
        "expires_at": link.expires_at,
        "used_at": link.used_at,
    }
    tx.connection.execute(sa.insert(link_table).values(columns))


def find_link(tx: Tx, digest: str) -> OneTime | None:
    """Give the link with this digest, whether it still opens anything or not."""
    row = tx.connection.execute(sa.select(link_table).where(link_table.c.digest == digest)).first()
    if row is None:
        return None
    return OneTime(
        person=row.person, role=row.role, minutes=row.minutes, expires_at=row.expires_at, used_at=row.used_at
    )


def use_link(tx: Tx, digest: str, *, now: datetime) -> bool:
    """Take a link, once: False for whoever comes second, or too late."""
    where = (link_table.c.digest == digest, link_table.c.used_at.is_(None), link_table.c.expires_at > now)
    return tx.connection.execute(sa.update(link_table).where(*where).values(used_at=now)).rowcount == 1


def _session(row: Found) -> Session:
    return Session(
        id=row.id,
        person=row.person,
        token_id=row.token_id,
        role=row.role,
        how=row.how,
        made_at=row.made_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        agent=row.agent,
    )
