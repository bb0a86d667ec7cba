"""On call: overrides, links of calendars, offers of shifts, taps, and what is known of each schedule."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# SQLite numbers rows itself only where the type is spelled INTEGER.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)


def _some(kind: Any, *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names]


def _maybe(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return _some(kind, *names, nullable=True)


def upgrade() -> None:
    for create in (_override, _calendar_link, _swap_offer, _reach_tap, _tap_link, _watched_schedule):
        create()


def downgrade() -> None:
    for table in ("watched_schedule", "tap_link", "reach_tap", "swap_offer", "calendar_link", "override"):
        op.drop_table(table)


def _override() -> None:
    op.create_table(
        "override",
        *_some(_ID, "id"),
        *_some(_TEXT, "schedule", "kind", "people"),
        *_maybe(_TEXT, "person", "stand_in"),
        *_some(_INSTANT, "starts_at", "ends_at"),
        *_some(_TEXT, "reason"),
        *_some(sa.Boolean(), "nobody"),
        *_some(_TEXT, "created_by"),
        *_some(_INSTANT, "created_at"),
        *_maybe(_TEXT, "ended_by"),
        *_maybe(_INSTANT, "ended_at"),
        sa.CheckConstraint("kind IN ('cover', 'replace', 'remove', 'add')", name=op.f("ck_override_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_override")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_override_schedule", "override", ["schedule", "ends_at"])


def _calendar_link() -> None:
    op.create_table(
        "calendar_link",
        *_some(_ID, "id"),
        *_some(_TEXT, "kind", "name", "digest", "created_by"),
        *_some(_INSTANT, "created_at"),
        *_maybe(_INSTANT, "revoked_at", "last_used_at"),
        sa.CheckConstraint("kind IN ('schedule', 'team', 'person')", name=op.f("ck_calendar_link_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_calendar_link_digest")),
        sqlite_autoincrement=True,
    )


def _swap_offer() -> None:
    op.create_table(
        "swap_offer",
        *_some(_ID, "id"),
        *_some(_TEXT, "offered_by"),
        *_maybe(_TEXT, "offered_to"),
        *_some(_TEXT, "given"),
        *_maybe(_TEXT, "wanted"),
        *_some(_TEXT, "reason", "state"),
        *_some(_INSTANT, "created_at", "expires_at"),
        *_maybe(_TEXT, "settled_by"),
        *_maybe(_INSTANT, "settled_at"),
        *_some(_TEXT, "overrides"),
        sa.CheckConstraint(
            "state IN ('offered', 'taken', 'declined', 'withdrawn')", name=op.f("ck_swap_offer_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swap_offer")),
        sqlite_autoincrement=True,
    )
    waiting: dict[str, Any] = {
        "sqlite_where": sa.text("state = 'offered'"),
        "postgresql_where": sa.text("state = 'offered'"),
    }
    op.create_index("ix_swap_offer_open", "swap_offer", ["expires_at"], **waiting)


def _reach_tap() -> None:
    op.create_table(
        "reach_tap",
        *_some(_ID, "id"),
        *_some(_TEXT, "schedule"),
        *_some(_INSTANT, "starts_at"),
        *_some(_TEXT, "person"),
        *_some(_INSTANT, "asked_at", "due_at"),
        *_maybe(_INSTANT, "tapped_at", "missed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reach_tap")),
        sa.UniqueConstraint(
            "schedule", "starts_at", "person", name=op.f("uq_reach_tap_schedule_starts_at_person")
        ),
        sqlite_autoincrement=True,
    )


def _tap_link() -> None:
    op.create_table(
        "tap_link",
        *_some(_TEXT, "digest"),
        *_some(_ID, "tap_id"),
        *_some(_INSTANT, "made_at"),
        sa.ForeignKeyConstraint(["tap_id"], ["reach_tap.id"], name=op.f("fk_tap_link_tap_id_reach_tap")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tap_link")),
    )


def _watched_schedule() -> None:
    op.create_table(
        "watched_schedule",
        *_some(_TEXT, "schedule", "people"),
        *_some(_INSTANT, "looked_at"),
        *_some(_TEXT, "digest", "clocks"),
        *_some(_INSTANT, "counted_at", "counted_until"),
        *_some(_TEXT, "shifts"),
        sa.PrimaryKeyConstraint("schedule", name=op.f("pk_watched_schedule")),
    )
