"""Slack: what is heard in the rooms, the names of who and what is mentioned, and the files that came with it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "slack_heard",
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("ts", _TEXT, nullable=False),
        sa.Column("marks", _TEXT, nullable=False),
        sa.Column("done", _TEXT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("lease_owner", _TEXT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", _TEXT, nullable=True),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("channel", "ts", name=op.f("pk_slack_heard")),
    )
    op.create_table(
        "slack_name",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_name")),
    )
    op.create_table(
        "evidence",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("size", _ID, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", _TEXT, nullable=True),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("url", _TEXT, nullable=False),
        sa.Column("added_by", _TEXT, nullable=False),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("lease_owner", _TEXT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", _TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_evidence_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_evidence_number", "evidence", ["incident_id", "number"], unique=True)
    op.create_index("uq_evidence_source", "evidence", ["incident_id", "source"], unique=True)
    for table in ("slack_heard", "evidence"):
        where: dict[str, Any] = {
            "sqlite_where": sa.text("due_at IS NOT NULL"),
            "postgresql_where": sa.text("due_at IS NOT NULL"),
        }
        op.create_index(f"ix_{table}_due", table, ["due_at"], **where)


def downgrade() -> None:
    op.drop_table("evidence")
    op.drop_table("slack_name")
    op.drop_table("slack_heard")
