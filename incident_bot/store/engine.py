"""The database: opened, migrated, its transactions. Decides nothing about what is stored."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from incident_bot.core.errors import Refused
from incident_bot.store import schema
from incident_bot.store.lockfile import LockFile
from incident_bot.store.ready import make_ready
from incident_bot.store.transaction import Tx, failures
from incident_bot.store.wakeups import Wakeups

_WRITING: Final = "incident_bot_writing"
_CHECKPOINT_PAGES: Final = 8000
"""32 MB. A commit that also empties the log takes long; of what is written again and again that is one write less."""
_SURELY_ALIVE_SECONDS: Final = 1.0
"""A connection that worked so lately is not asked whether it still does."""
_FORMS: Final = "use sqlite:///path/to/incident_bot.db or postgresql://user:password@host/database"


class Store:
    """An open database. Safe to share between threads; each thread opens its own transactions, one at a time."""

    def __init__(self, engine: sa.Engine, *, lock_file: LockFile | None = None) -> None:
        self.dialect = engine.dialect.name
        self._engine = engine
        self._sqlite = self.dialect == "sqlite"
        self._lock_file = lock_file
        self._wakeups = None if self._sqlite else Wakeups(engine)
        # SQLite waits for the writer's lock by polling with growing pauses. A lock in the process hands over at once.
        self._writer: AbstractContextManager[Any] = threading.RLock() if self._sqlite else nullcontext()
        # In memory there is one connection for all threads.
        self._reader = self._writer if isinstance(engine.pool, StaticPool) else nullcontext()

    @property
    def alone(self) -> bool:
        """Say whether no other process works on this database, as it holds the lock of its file."""
        return self._lock_file is not None

    @classmethod
    def open(cls, url: str, *, exclusive: bool = False) -> Store:
        """Open the database at `sqlite:///path`, `sqlite://` (in memory) or `postgresql://…`.

        With `exclusive`, a second process that asks the same for a SQLite file is refused; PostgreSQL is shared.
        """
        try:
            address = sa.make_url(url)
        except sa.exc.ArgumentError:
            raise Refused(f"the database URL cannot be read; {_FORMS}") from None
        if address.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
            return cls(_postgresql(address.set(drivername="postgresql+psycopg")))
        if address.drivername not in ("sqlite", "sqlite+pysqlite"):
            raise Refused(f"databases of kind {address.drivername!r} are not known; {_FORMS}")
        if address.database in (None, "", ":memory:"):
            return cls(_sqlite(address, poolclass=StaticPool))
        path = Path(str(address.database))
        if not path.parent.is_dir():
            raise Refused(f"the directory {path.parent} of the database does not exist; create it first")
        lock_file = LockFile.take(path.with_name(path.name + ".lock"), path) if exclusive else None
        return cls(_sqlite(address, pool_size=5, max_overflow=20, pool_timeout=10), lock_file=lock_file)

    @classmethod
    def find(cls, url: str) -> Store | None:
        """Open a database as `open` does, but None where it is a SQLite file that does not exist: none is made."""
        store = cls.open(url)
        database = store._engine.url.database  # noqa: SLF001 -- its own
        if store.dialect == "sqlite" and database and not Path(database).is_file():
            store.close()
            return None
        return store

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Give one writing transaction: committed at the end, rolled back on any error.

        Raises LostRace (do it again) or Unavailable (nothing can be stored now).
        """
        with self._writer, failures(), self._engine.connect() as connection:
            connection.execution_options(**{_WRITING: True})
            with connection.begin():
                yield Tx(connection, self._sqlite, connection.connection.driver_connection)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Give one reading transaction; on SQLite it sees one state of the database throughout."""
        with self._reader, failures(), self._engine.connect() as connection:
            if not self._sqlite:
                connection.execution_options(postgresql_readonly=True)
            with connection.begin():
                yield Tx(connection, self._sqlite, connection.connection.driver_connection)

    def upgrade(self) -> None:
        """Migrate to the newest schema; replicas that start together do it one after the other."""
        with self._writer, failures():
            schema.upgrade(self._engine)

    def schema_state(self) -> tuple[str | None, str]:
        """Give the schema's current revision (None: empty database) and the newest one."""
        with self._reader, failures():
            return schema.state(self._engine)

    def warm(self) -> None:
        """Make ready what the first page would wait for; asks the database nothing."""
        make_ready(self._engine.dialect)

    def ping(self) -> None:
        """Raise Unavailable where the database does not answer."""
        with self.read() as tx:
            tx.connection.execute(sa.select(1))

    def listen(self, callback: Callable[[], None]) -> None:
        """Call back, from a thread of its own, whenever another replica notifies; never on SQLite."""
        if self._wakeups is not None:
            self._wakeups.listen(callback)

    def notify(self) -> None:
        """Wake the other replicas where there are any; a wake-up that is lost costs them one poll."""
        if self._wakeups is not None:
            self._wakeups.notify()

    def close(self) -> None:
        """Close every connection and let the next process in."""
        if self._wakeups is not None:
            self._wakeups.close()
        self._engine.dispose()
        if self._lock_file is not None:
            self._lock_file.release()


def _sqlite(address: sa.URL, **pool: Any) -> sa.Engine:
    engine = sa.create_engine(
        address, connect_args={"check_same_thread": False, "timeout": 5}, hide_parameters=True, **pool
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # Transactions are begun below; left alone, the driver begins them late and never as IMMEDIATE.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
            f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        # A writer that begins DEFERRED and finds another one ahead cannot wait: it fails at once.
        writing = connection.get_execution_options().get(_WRITING, False)
        # Straight to the driver: half of what a short reading transaction costs would be the detour.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgresql(address: sa.URL) -> sa.Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise Refused("PostgreSQL needs its driver; install it with: pip install 'incident-bot[postgres]'")
    engine = sa.create_engine(
        address,
        pool_size=5,
        max_overflow=20,
        pool_timeout=10,
        # The one that worked last is the first to be used again.
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": "incident-bot",
            "options": "-c timezone=UTC -c lock_timeout=10s",
        },
    )

    @sa.event.listens_for(engine, "checkin")
    def _used(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _asked(connection: Any, record: Any, _proxy: object) -> None:
        # One round trip, so that a restarted server costs nobody a failed request; in a storm it would be one of three.
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < _SURELY_ALIVE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool then looks for another one, or opens it.
            raise sa.exc.DisconnectionError from error

    return engine
