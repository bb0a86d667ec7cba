"""Silences: what an incident has silenced at the sources of its alerts, and the row by which that is done."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text()
_INSTANT: Final = sa.DateTime(timezone=True)
# SQLite numbers rows itself only where the type is spelled INTEGER.
_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("incident", sa.Column("silences", _TEXT, nullable=True))
    op.create_table(
        "silence",
        sa.Column("id", _ID, nullable=False),
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("matchers", _TEXT, nullable=False),
        sa.Column("asked_by", _TEXT, nullable=False),
        sa.Column("reason", _TEXT, nullable=True),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=False),
        sa.Column("wish", _TEXT, nullable=False),
        sa.Column("lift_reason", _TEXT, nullable=True),
        sa.Column("silence_id", _TEXT, nullable=True),
        sa.Column("held_until", _INSTANT, nullable=True),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("lease_owner", _TEXT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", _TEXT, nullable=True),
        sa.CheckConstraint("wish IN ('hold', 'lift')", name=op.f("ck_silence_wish")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_silence_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_silence_incident_id_number")),
        sqlite_autoincrement=True,
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_silence_due", "silence", ["due_at"], sqlite_where=due, postgresql_where=due)


def downgrade() -> None:
    op.drop_table("silence")
    op.drop_column("incident", "silences")
