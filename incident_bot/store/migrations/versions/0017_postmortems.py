"""Post-mortems: where each stands, how full it is, and the conditions of follow-ups."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)
_OF_INCIDENT = (
    ("review", _TEXT),
    ("review_state", _TEXT),
    ("review_owner", _TEXT),
    ("review_due", _INSTANT),
    ("followups", sa.Integer()),
)
_OF_POSTMORTEM = (("done", sa.Integer()), ("total", sa.Integer()), ("missing", _TEXT))


def upgrade() -> None:
    for name, kind in _OF_INCIDENT:
        op.add_column("incident", sa.Column(name, kind, nullable=True))
    for name, kind in _OF_POSTMORTEM:
        op.add_column("postmortem", sa.Column(name, kind, nullable=True))
    # How many there are is counted anew whenever such an incident is stored; a list wants to find it until then.
    op.execute("UPDATE incident SET followups = 1 WHERE items LIKE '%\"followup\"%'")
    op.create_index("ix_incident_review", "incident", ["id"], **_where("review_state IS NOT NULL"))
    op.create_index("ix_incident_followups", "incident", ["id"], **_where("followups IS NOT NULL"))
    op.create_table(
        "followup_proof",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("query", _TEXT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=True),
        sa.Column("said", _TEXT, nullable=True),
        sa.Column("asked_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_followup_proof_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followup_proof")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_followup_proof_incident_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_followup_proof_due", "followup_proof", ["due_at"], **_where("due_at IS NOT NULL"))


def downgrade() -> None:
    op.drop_table("followup_proof")
    for name in ("ix_incident_followups", "ix_incident_review"):
        op.drop_index(name, "incident")
    for name, _ in reversed(_OF_POSTMORTEM):
        op.drop_column("postmortem", name)
    for name, _ in reversed(_OF_INCIDENT):
        op.drop_column("incident", name)


def _where(condition: str) -> dict[str, Any]:
    return {f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql")}
