"""Slack: the rooms of incidents."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "room",
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("shown", _TEXT, nullable=False),
        sa.Column("channel", _TEXT, nullable=True),
        sa.Column("thread", _TEXT, nullable=True),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("lease_owner", _TEXT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", _TEXT, nullable=True),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_room_incident_id_incident")),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_room")),
    )
    op.create_table(
        "slack_seen",
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_slack_seen")),
    )
    op.create_index("ix_slack_seen_at", "slack_seen", ["at"])
    _index("ix_room_due", "due_at")
    _index("ix_room_channel", "channel")


def _index(name: str, column: str) -> None:
    condition: dict[str, Any] = {
        "sqlite_where": sa.text(f"{column} IS NOT NULL"),
        "postgresql_where": sa.text(f"{column} IS NOT NULL"),
    }
    op.create_index(name, "room", [column], **condition)


def downgrade() -> None:
    op.drop_table("slack_seen")
    op.drop_table("room")
