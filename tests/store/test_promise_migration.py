"""A database of the release before, with rows in it, takes promises, and goes back."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from incident_bot.store import Store, schema

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"
NUMBER = int(next(VERSIONS.glob("*_promises.py")).name[:4])
ROW = (
    "INSERT INTO timer (kind, key, due_at, data, state, attempts, version, set_at) VALUES "
    "('{kind}', '{kind}:1', '2026-03-03 03:00:00', '{{}}', 'pending', 0, 1, '2026-03-03 03:00:00')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store.open(f"sqlite:///{tmp_path / 'old.db'}")
    return Store.open(request.getfixturevalue("empty_postgres_url"))


def test_rows_stay_and_the_new_kind_of_timer_goes_with_its_revision(empty: Store) -> None:
    engine = empty._engine

    def write(statement: str) -> None:
        with engine.connect() as connection:
            connection.execution_options(incident_bot_writing=True)
            with connection.begin():
                connection.exec_driver_sql(statement)

    def kinds() -> list[str]:
        with engine.connect() as connection, connection.begin():
            return list(connection.exec_driver_sql("SELECT kind FROM timer ORDER BY id").scalars())

    schema.upgrade(engine, f"{NUMBER - 1:04}")
    write(ROW.format(kind="flapping"))
    with pytest.raises(sa.exc.IntegrityError):
        write(ROW.format(kind="promise"))
    schema.upgrade(engine, f"{NUMBER:04}")
    write(ROW.format(kind="promise"))
    with pytest.raises(sa.exc.IntegrityError):
        write(ROW.format(kind="wish"))
    before = kinds()
    schema.downgrade(engine, f"{NUMBER - 1:04}")
    after = kinds()
    empty.close()
    assert (before, after) == (["flapping", "promise"], ["flapping"])
