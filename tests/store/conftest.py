"""The same suite on a SQLite file, on SQLite in memory and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from incident_bot.store import Store
from tests.plugins.databases import (  # noqa: F401 - fixtures are found by their names here
    _sqlite_template,
    empty_postgres_url,
    postgres_url,
    sqlite_url,
    store,
)


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "sqlite://"
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def second(store: Store, store_url: str) -> Iterator[Store]:  # noqa: F811 - the fixture imported above
    """The same database as another replica or another thread sees it."""
    if store_url == "sqlite://":
        yield store
        return
    other = Store.open(store_url)
    yield other
    other.close()
