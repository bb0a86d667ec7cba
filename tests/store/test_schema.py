from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from incident_bot.store import Store, schema
from incident_bot.store.tables import METADATA

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store.open(f"sqlite:///{tmp_path / 'with 100% new.db'}")
    return Store.open(request.getfixturevalue("empty_postgres_url"))


def written(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(json.dumps(part, default=str, sort_keys=True) for part in parts)


def description(engine: sa.Engine) -> dict[str, Any]:
    """Everything that a database itself says of its tables."""
    inspector = sa.inspect(engine)
    tables = [name for name in inspector.get_table_names() if name != "alembic_version"]
    return {
        name: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column.get("default"))
                for column in inspector.get_columns(name)
            ],
            "primary key": inspector.get_pk_constraint(name),
            "foreign keys": written(inspector.get_foreign_keys(name)),
            "unique": written(inspector.get_unique_constraints(name)),
            "checks": written(inspector.get_check_constraints(name)),
            "indexes": written(inspector.get_indexes(name)),
        }
        for name in tables
    }


def test_an_empty_database_has_no_revision_and_an_upgraded_one_the_newest(empty: Store) -> None:
    before, head = empty.schema_state()
    empty.upgrade()
    empty.upgrade()
    after = empty.schema_state()
    empty.close()
    assert before is None
    assert after == (head, head)


def test_migrations_make_exactly_the_tables_that_the_code_defines(empty: Store) -> None:
    engine = empty._engine
    empty.upgrade()
    migrated = description(engine)
    schema.downgrade(engine, "base")
    METADATA.create_all(engine)
    created = description(engine)
    empty.close()
    assert migrated == created


def test_down_to_nothing_and_up_again(empty: Store) -> None:
    engine = empty._engine
    empty.upgrade()
    before = description(engine)
    schema.downgrade(engine, "base")
    gone = description(engine)
    empty.upgrade()
    again = description(engine)
    empty.close()
    assert gone == {}
    assert again == before


def test_every_enumeration_is_checked_by_the_database(empty: Store) -> None:
    empty.upgrade()
    checks = {
        str(check["name"])
        for name in sa.inspect(empty._engine).get_table_names()
        for check in sa.inspect(empty._engine).get_check_constraints(name)
    }
    empty.close()
    assert {"ck_incident_paging", "ck_episode_status", "ck_outbox_state", "ck_timer_kind"} <= checks


def test_alembic_s_own_command_line_finds_the_revisions(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cli.db'}"
    ini = ROOT / "incident_bot" / "store" / "migrations" / "alembic.ini"
    command = [sys.executable, "-m", "alembic", "-c", str(ini), "-x", f"url={url}", "upgrade", "head"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    store = Store.open(url)
    current, head = store.schema_state()
    store.close()
    assert current == head


def test_the_newest_revision_is_the_one_that_the_scripts_lead_to() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "incident_bot/store/migrations"))
    assert schema.newest() == ScriptDirectory.from_config(config).get_current_head()


def test_opening_a_migrated_database_waits_for_no_migration_tool(sqlite_url: str) -> None:
    program = (
        "import sys; from incident_bot.store import Store; store = Store.open(sys.argv[1]); store.upgrade();"
        "print(store.schema_state()[0], 'alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == [schema.newest(), "False"]
