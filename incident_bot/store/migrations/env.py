"""Runs the revisions: over the connection that the program hands in, or over a URL given on Alembic's command line.

By hand: `alembic -c incident_bot/store/migrations/alembic.ini -x url=sqlite:///incident_bot.db current`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from incident_bot.core.errors import Refused
from incident_bot.store.tables import METADATA


def run(connection: sa.Connection) -> None:
    """Run them in the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Find the connection."""
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    url = context.get_x_argument(as_dictionary=True).get("url") or context.config.get_main_option(
        "sqlalchemy.url"
    )
    if not url:
        raise Refused("name the database: alembic -x url=sqlite:///incident_bot.db …")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        run(connection)
    engine.dispose()


main()
