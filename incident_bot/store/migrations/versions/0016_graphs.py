"""Graphs: what is asked of a Prometheus for an incident, and the series that came of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "capture",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("moment", _TEXT, nullable=False),
        sa.Column("what", _TEXT, nullable=False),
        sa.Column("asked_by", _TEXT, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("lease_owner", _TEXT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("taken_at", _INSTANT, nullable=True),
        sa.Column("error", _TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_capture_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_capture_incident", "capture", ["incident_id", "id"])
    op.create_index("ix_capture_due", "capture", ["due_at"], **_where("due_at IS NOT NULL"))
    op.create_table(
        "graph",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("capture_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("title", _TEXT, nullable=False),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.Column("about", _TEXT, nullable=False),
        sa.Column("series", _TEXT, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_graph_incident_id_incident")),
        sa.ForeignKeyConstraint(["capture_id"], ["capture.id"], name=op.f("fk_graph_capture_id_capture")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_graph")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_graph_number", "graph", ["incident_id", "number"], unique=True)
    op.create_index("ix_graph_capture", "graph", ["capture_id"])


def downgrade() -> None:
    op.drop_table("graph")
    op.drop_table("capture")


def _where(condition: str) -> dict[str, Any]:
    return {f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql")}
