"""Changes: what pipelines tell of deploys and configuration changes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "change_event",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("what", _TEXT, nullable=False),
        sa.Column("service", _TEXT, nullable=True),
        sa.Column("team", _TEXT, nullable=True),
        sa.Column("who", _TEXT, nullable=True),
        sa.Column("version", _TEXT, nullable=True),
        sa.Column("url", _TEXT, nullable=True),
        sa.Column("labels", _TEXT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("told_by", _TEXT, nullable=False),
        sa.Column("told_at", _INSTANT, nullable=False),
        sa.Column("key", _TEXT, nullable=True),
        sa.Column("forget_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_event")),
        sqlite_autoincrement=True,
    )
    waits, keyed = _where("forget_at IS NOT NULL"), _where("key IS NOT NULL")
    op.create_index("ix_change_event_at", "change_event", ["at", "id"])
    op.create_index("ix_change_event_forget_at", "change_event", ["forget_at"], **waits)
    op.create_index("uq_change_event_key", "change_event", ["told_by", "key"], unique=True, **keyed)


def downgrade() -> None:
    op.drop_table("change_event")


def _where(condition: str) -> dict[str, Any]:
    return {f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql")}
