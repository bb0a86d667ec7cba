"""Sending: when a page is given up, and whether the provider of each way out works."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Rows that are there already have none: what their kind is usually given counts for them.
    op.add_column("outbox", sa.Column("give_up_at", _INSTANT, nullable=True))
    op.create_table(
        "circuit",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("failed_at", _TEXT, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=True),
        sa.Column("retry_at", _INSTANT, nullable=True),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_circuit")),
    )


def downgrade() -> None:
    op.drop_table("circuit")
    op.drop_column("outbox", "give_up_at")
