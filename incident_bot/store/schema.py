"""The schema's revisions: which one a database has, and the way to the newest one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from incident_bot.core.errors import IncidentBotError

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS: Final = Path(__file__).with_name("migrations")
_LOCK: Final = 0x1BC1DE28
_HEAD: Final = "head"


def _config(connection: sa.Connection | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415 -- a third of a start on a database that needs no migration

    config = Config()
    # A path may hold a percent sign, which the configuration would take for its own.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def state(engine: sa.Engine) -> tuple[str | None, str]:
    """Give the current revision (None: empty database) and the newest one."""
    with engine.connect() as connection, connection.begin():
        known = sa.inspect(connection).has_table("alembic_version")
        found = (
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if known else None
        )
    return found, newest()


def newest() -> str:
    """Give the newest revision: the scripts are named after theirs, and follow each other in that order."""
    return max(path.name.partition("_")[0] for path in _SCRIPTS.glob("versions/[0-9]*.py"))


def upgrade(engine: sa.Engine, revision: str = _HEAD) -> None:
    """Go up to a revision, in one transaction; nothing is done where the schema is the newest already."""
    if revision == _HEAD:
        current, head = state(engine)
        if current == head:
            return
    _migrate(engine, revision, up=True)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Go down to a revision, in one transaction; what newer revisions stored is lost."""
    _migrate(engine, revision, up=False)


def _migrate(engine: sa.Engine, revision: str, *, up: bool) -> None:
    from alembic import command  # noqa: PLC0415 -- as above

    go = command.upgrade if up else command.downgrade
    with engine.connect() as connection:
        connection.execution_options(incident_bot_writing=True)
        if engine.dialect.name != "sqlite":
            with connection.begin():
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                go(_config(connection), revision)
            return
        # Batch mode replaces whole tables: with foreign keys on, dropping the old one would take its children's rows
        # along. The pragma works outside transactions only.
        driver = connection.connection.driver_connection
        if driver is None:
            raise IncidentBotError("the connection to the database is gone")
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                go(_config(connection), revision)
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise IncidentBotError(
                        "the migration would leave rows that name missing rows; nothing was changed"
                    )
        finally:
            driver.execute("PRAGMA foreign_keys=ON")
