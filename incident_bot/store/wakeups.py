"""Wake-ups between replicas by LISTEN and NOTIFY. They only save time: polling finds what is due, too."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from incident_bot.store.transaction import Unavailable, failures

_CHANNEL: Final = "incident_bot"
_LOOK_UP: Final = 1.0
"""How often a listener looks whether it should end, in seconds."""
_RECONNECT: Final = 2.0


class Wakeups:
    """One replica's ear and voice."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._name = secrets.token_hex(8)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def listen(self, callback: Callable[[], None]) -> None:
        """Call back whenever another replica notifies, and after every reconnection, until `close`."""
        heard = threading.Event()
        thread = threading.Thread(target=self._run, args=(callback, heard), name="store-wakeups", daemon=True)
        self._threads.append(thread)
        thread.start()
        # Whoever notifies after this call is heard; a database that is away is waited for in the thread.
        heard.wait(_RECONNECT)

    def notify(self) -> None:
        """Wake the other replicas; a database that is away is left alone: the next poll finds it."""
        statement = sa.select(sa.func.pg_notify(_CHANNEL, self._name))
        with contextlib.suppress(Unavailable), failures(), self._engine.begin() as connection:
            connection.execute(statement)

    def close(self) -> None:
        """End the listening."""
        self._closing.set()
        for thread in self._threads:
            thread.join(_LOOK_UP * 3)

    def _run(self, callback: Callable[[], None], heard: threading.Event) -> None:
        # Its own engine: a listener holds its connection for good, and the pool is for transactions.
        engine = sa.create_engine(
            self._engine.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": 5},
        )
        errors = engine.dialect.loaded_dbapi.Error
        while not self._closing.is_set():
            with contextlib.suppress(sa.exc.DBAPIError, errors), engine.connect() as connection:
                connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
                heard.set()
                callback()
                self._follow(connection.connection.driver_connection, callback)
            self._closing.wait(_RECONNECT)

    def _follow(self, driver: Any, callback: Callable[[], None]) -> None:
        while not self._closing.is_set():
            for notification in driver.notifies(timeout=_LOOK_UP):
                if self._closing.is_set():
                    return
                if notification.payload != self._name:
                    callback()
