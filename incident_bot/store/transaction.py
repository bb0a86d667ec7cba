"""One transaction, and what its failures mean to the caller. Never retries: that is the caller's to decide."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.errors import IncidentBotError

_INTAKE_LOCK: Final = 0x1BC1DE27
"""Any number that no other user of the database takes an advisory lock on."""

_LOST: Final = frozenset({"23505", "40001", "40P01", "55P03"})
"""Unique violation, serialization failure, deadlock, lock not available."""

_AWAY: Final = frozenset({"08", "53", "57", "58"})
"""Classes of SQLSTATE: connection, resources (disk full), operator (shutdown), system (input and output)."""

_READ_ONLY: Final = "25006"
"""A PostgreSQL that was demoted to a standby: the address will lead to the new primary."""

_UNIQUE: Final = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})


class LostRace(IncidentBotError):
    """Another transaction was faster; nothing was stored, do it again on fresh data."""


class Unavailable(IncidentBotError):
    """The database cannot store now."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction."""

    connection: sa.Connection
    sqlite: bool
    driver: Any
    """The driver's own connection, for statements that are made ready once (`store.ready`)."""

    def lock_intake(self) -> None:
        """Hold the lock of group commits until the transaction ends; on SQLite every writer holds it anyway."""
        if not self.sqlite:
            self.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_INTAKE_LOCK)))


def meaning(error: BaseException) -> IncidentBotError | None:
    """Say what an error of a driver means to a caller: a lost race, an absent database, or None, a mistake of ours."""
    if isinstance(error, sa.exc.TimeoutError):
        return Unavailable("no connection to the database became free")
    cause = (error.orig or error) if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _sqlite_meaning(cause)
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        if state in _LOST:
            return LostRace()
        return Unavailable(_text(cause)) if state[:2] in _AWAY or state == _READ_ONLY else None
    # A connection that broke has no SQLSTATE: the server did not live to send one.
    broken = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    return Unavailable(_text(cause)) if broken or type(cause).__name__ == "OperationalError" else None


def _sqlite_meaning(error: sqlite3.Error) -> IncidentBotError | None:
    if isinstance(error, sqlite3.IntegrityError):
        return LostRace() if error.sqlite_errorcode in _UNIQUE else None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    away = {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }  # fmt: skip
    return Unavailable(_text(error)) if code in away else None


def _text(error: BaseException) -> str:
    return f"the database cannot be used now: {str(error).strip() or type(error).__name__}"


@contextmanager
def failures() -> Iterator[None]:
    """Turn what drivers raise inside into `LostRace` or `Unavailable`; mistakes of ours stay what they are."""
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error) as error:
        known = meaning(error)
        if known is None:
            raise
        raise known from error
