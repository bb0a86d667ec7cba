"""Lanes: where what is due waits for its provider, what they let through, and which page carried which."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# SQLite spells it so everywhere.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)
_NEW = ("lane", "priority", "late_at", "carried_by")


def upgrade() -> None:
    for column in (
        sa.Column("lane", _TEXT, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("late_at", _INSTANT, nullable=True),
        sa.Column("carried_by", _ID, nullable=True),
    ):
        op.add_column("outbox", column)
    op.add_column("ack_link", sa.Column("page_id", _ID, nullable=True))
    op.create_table(
        "lane",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("free_at", _INSTANT, nullable=True),
        sa.Column("opens_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lane")),
    )
    op.drop_index("ix_outbox_ready", "outbox")
    _index("ix_outbox_ready", "ready_at", where="ready_at IS NOT NULL AND lane IS NULL")
    _index("ix_outbox_lane", "lane", "priority", "rank", "due_at", "id", where="lane IS NOT NULL")
    _index(
        "ix_outbox_fold", "person", "via", "rank", "due_at", "id",
        where="lane IS NOT NULL AND page_kind IS NOT NULL",
    )  # fmt: skip
    _index("ix_outbox_late", "late_at", where="late_at IS NOT NULL")
    _index("ix_outbox_carried", "carried_by", where="carried_by IS NOT NULL")


def downgrade() -> None:
    for name in ("ready", "lane", "fold", "late", "carried"):
        op.drop_index(f"ix_outbox_{name}", "outbox")
    _index("ix_outbox_ready", "ready_at", where="ready_at IS NOT NULL")
    for name in _NEW:
        op.drop_column("outbox", name)
    op.drop_column("ack_link", "page_id")
    op.drop_table("lane")


def _index(name: str, *columns: str, where: str) -> None:
    condition: dict[str, Any] = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)}
    op.create_index(name, "outbox", list(columns), **condition)
