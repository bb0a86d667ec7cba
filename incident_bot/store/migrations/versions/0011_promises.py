"""Promises: what an incident's people were reminded of, and the timer for the next reminder."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text()
_INSTANT: Final = sa.DateTime(timezone=True)
# SQLite numbers rows itself only where the type is spelled INTEGER.
_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_BEFORE: Final = (
    "kind IN ('step', 'snooze', 'ack', 'hold', 'episode', 'refire', 'maintenance', 'reconcile', "
    "'retry_delivery', 'handoff', 'heartbeat', 'flapping', 'offer', 'watch')"
)
_AFTER: Final = _BEFORE.removesuffix(")") + ", 'promise')"


def upgrade() -> None:
    op.add_column("incident", sa.Column("reminders", _TEXT, nullable=True))
    _kinds(_BEFORE, _AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM timer WHERE kind = 'promise'")
    _kinds(_AFTER, _BEFORE)
    op.drop_column("incident", "reminders")


def _kinds(old: str, new: str) -> None:
    """Let timers be of these kinds; SQLite changes a check only by making the table anew."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("ck_timer_kind", "timer")
        op.create_check_constraint(op.f("ck_timer_kind"), "timer", new)
        return
    with op.batch_alter_table("timer", copy_from=_timer(old), recreate="always") as batch:
        batch.drop_constraint(op.f("ck_timer_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_timer_kind"), new)


def _timer(kinds: str) -> sa.Table:
    def column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
        return sa.Column(name, kind, nullable=nullable)

    where: dict[str, Any] = {"sqlite_where": sa.text("incident_id IS NOT NULL")}
    return sa.Table(
        "timer",
        sa.MetaData(),
        column("id", _ID),
        column("kind", _TEXT),
        column("key", _TEXT),
        column("incident_id", _ID, nullable=True),
        column("subject", _ID, nullable=True),
        column("epoch", sa.Integer(), nullable=True),
        column("due_at", _INSTANT),
        column("data", _TEXT),
        column("state", _TEXT),
        column("attempts", sa.Integer()),
        column("error", _TEXT, nullable=True),
        column("version", sa.Integer()),
        column("set_at", _INSTANT),
        sa.CheckConstraint(kinds, name="ck_timer_kind"),
        sa.CheckConstraint("state IN ('pending', 'parked')", name="ck_timer_state"),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_timer_incident_id_incident"),
        sa.PrimaryKeyConstraint("id", name="pk_timer"),
        sa.UniqueConstraint("key", name="uq_timer_key"),
        sa.Index("ix_timer_due", "state", "due_at"),
        sa.Index("ix_timer_incident", "incident_id", **where),
        sqlite_autoincrement=True,
    )
