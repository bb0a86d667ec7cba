"""A database of the release before, with episodes in it, learns their alerts' names, and goes back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from incident_bot.store import Store, alerts, schema
from incident_bot.store.tables import episode as table
from tests.store.samples import some_episode

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"
BEFORE = re.findall(r'down_revision = "(\d+)"', next(VERSIONS.glob("*_verdicts.py")).read_text())[0]
LABELS = ({"alertname": "High:CPU"}, {"job": "node"}, {"alertname": "x" * 500}, {"alertname": "a\x00b"})


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store.open(f"sqlite:///{tmp_path / 'old.db'}")
    return Store.open(request.getfixturevalue("empty_postgres_url"))


def test_old_episodes_get_the_names_of_their_alerts(empty: Store) -> None:
    engine = empty._engine
    schema.upgrade(engine)
    with empty.write() as tx:
        alerts.insert_episodes(tx, [some_episode(at, labels=labels) for at, labels in enumerate(LABELS)])
        before = names(tx.connection)
    assert before == ["High:CPU", None, "x" * 200, "a\x00b"]
    schema.downgrade(engine, BEFORE)
    schema.upgrade(engine)
    with empty.read() as tx:
        # What no database can unescape stays without a name.
        assert names(tx.connection) == [*before[:3], None]
    empty.close()


def names(connection: sa.Connection) -> list[str | None]:
    return list(connection.execute(sa.select(table.c.alertname).order_by(table.c.id)).scalars())
