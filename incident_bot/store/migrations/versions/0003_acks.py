"""Escalation: who of those who are each to answer has, and whose turn it is in a step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("called", "taken"):
        op.add_column("incident", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "step_turn",
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_step_turn")),
    )


def downgrade() -> None:
    op.drop_table("step_turn")
    for name in ("taken", "called"):
        op.drop_column("incident", name)
