"""What PagerDuty last said of its schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pagerduty_schedule",
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stretches", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("schedule", name=op.f("pk_pagerduty_schedule")),
    )


def downgrade() -> None:
    op.drop_table("pagerduty_schedule")
