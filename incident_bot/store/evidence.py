"""Files that belong to an incident's record: named at once, fetched when the network gives them.

What is taken back leaves a row without name, address or content: its number is not given again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.store.bulk import among
from incident_bot.store.tables import evidence as table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_NEXT: Final = sa.select(sa.func.min(table.c.due_at)).where(table.c.due_at.is_not(None))
_SHOWN: Final = [column for column in table.columns if column.name != "content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file that came with a message; `refused` says why it is not fetched."""

    name: str
    kind: str
    """Its media type, as the chat says."""
    size: int
    source: str
    url: str
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it is kept, without its content."""

    id: int
    incident_id: int
    number: int
    name: str
    kind: str
    size: int
    sha256: str | None
    """None while it is not fetched."""
    source: str
    url: str
    added_by: str
    added_at: datetime
    waiting: bool
    attempts: int
    error: str | None


def add(tx: Tx, incident_id: int, new: NewFile, *, by: str, now: datetime) -> None:
    """Name a file, once for each source, and have it fetched unless it is refused; the incident's row is locked.

    One that was forgotten is named and fetched again, under its number.
    """
    known = sa.select(table.c.id, table.c.name).where(
        table.c.incident_id == incident_id, table.c.source == new.source
    )
    before = tx.connection.execute(known).first()
    if before is not None:
        if not before.name:
            again = {
                "name": new.name,
                "url": new.url,
                "due_at": None if new.refused else now,
                "attempts": 0,
                "error": new.refused,
            }
            tx.connection.execute(sa.update(table).where(table.c.id == before.id).values(**again))
        return
    last = sa.select(sa.func.max(table.c.number)).where(table.c.incident_id == incident_id)
    number = int(tx.connection.execute(last).scalar() or 0) + 1
    values = {
        "incident_id": incident_id,
        "number": number,
        "name": new.name,
        "kind": new.kind,
        "size": new.size,
        "content": None,
        "sha256": None,
        "source": new.source,
        "url": new.url,
        "added_by": by,
        "added_at": now,
        "due_at": None if new.refused else now,
        "lease_owner": None,
        "attempts": 0,
        "error": new.refused,
    }
    tx.connection.execute(sa.insert(table).values(**values))


def next_due(tx: Tx) -> datetime | None:
    """Give the next instant at which a file is to be fetched; None where none is."""
    return tx.connection.execute(_NEXT).scalar()


def claim(tx: Tx, *, owner: str, lease: timedelta, now: datetime) -> File | None:
    """Take the next file to fetch, for the length of a lease."""
    query = (
        sa.select(*_SHOWN)
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


def fetched(tx: Tx, file: File, content: bytes, *, owner: str) -> None:
    """Keep a file's content."""
    digest = hashlib.sha256(content).hexdigest()
    values = {"content": content, "sha256": digest, "size": len(content), "due_at": None, "error": None}
    _settle(tx, file, owner, values)


def later(tx: Tx, file: File, *, owner: str, due_at: datetime | None, error: str, failed: bool) -> None:
    """Give a file back for another attempt, or for good where there is no time for one."""
    attempts = file.attempts + 1 if failed else file.attempts
    _settle(tx, file, owner, {"due_at": due_at, "attempts": attempts, "error": error})


def forget(tx: Tx, incident_id: int, sources: Collection[str], *, why: str) -> int:
    """Remove name, address and content of these files, and say how many had any; who fetches one now keeps nothing."""
    here = (
        table.c.incident_id == incident_id,
        among(tx, table.c.source, list(sources)),
        table.c.name != "",
    )
    nothing = {
        "name": "",
        "url": "",
        "content": None,
        "sha256": None,
        "size": 0,
        "due_at": None,
        "lease_owner": None,
        "error": why,
    }
    return tx.connection.execute(sa.update(table).where(*here).values(**nothing)).rowcount


def of(tx: Tx, incident_id: int) -> list[File]:
    """Give an incident's files by their numbers."""
    query = sa.select(*_SHOWN).where(table.c.incident_id == incident_id).order_by(table.c.number)
    return [_value(row) for row in tx.connection.execute(query)]


def content(tx: Tx, incident_id: int, number: int) -> tuple[File, bytes | None] | None:
    """Give one file with its content; None where there is no such file."""
    query = sa.select(table).where(table.c.incident_id == incident_id, table.c.number == number)
    row = tx.connection.execute(query).first()
    if row is None:
        return None
    return _value(row), None if row.content is None else bytes(row.content)


def _settle(tx: Tx, file: File, owner: str, values: Mapping[str, Any]) -> None:
    where = (table.c.id == file.id, table.c.lease_owner == owner)
    tx.connection.execute(sa.update(table).where(*where).values(lease_owner=None, **values))


def _value(row: Found) -> File:
    return File(
        id=row.id,
        incident_id=row.incident_id,
        number=row.number,
        name=row.name,
        kind=row.kind,
        size=row.size,
        sha256=row.sha256,
        source=row.source,
        url=row.url,
        added_by=row.added_by,
        added_at=row.added_at,
        waiting=row.due_at is not None,
        attempts=row.attempts,
        error=row.error,
    )
