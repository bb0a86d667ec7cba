"""Subscribers of the status page: who follows it, what they are told, and the letters on their way."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "subscriber",
        sa.Column("id", _ID, nullable=False),
        sa.Column("outlet", _TEXT, nullable=False),
        sa.Column("address", _TEXT, nullable=False),
        sa.Column("secret", _TEXT, nullable=False),
        sa.Column("components", _TEXT, nullable=False),
        sa.Column("asked_components", _TEXT, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("confirmed_at", _INSTANT, nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.CheckConstraint("outlet IN ('mail', 'webhook')", name=op.f("ck_subscriber_outlet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("outlet", "address", name=op.f("uq_subscriber_outlet_address")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscriber_asked_at", "subscriber", ["asked_at"])
    op.create_table(
        "status_news",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("text", _TEXT, nullable=False),
        sa.Column("payload", _TEXT, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_news")),
        sa.UniqueConstraint("key", name=op.f("uq_status_news_key")),
        sqlite_autoincrement=True,
    )
    _notices()


def _notices() -> None:
    op.create_table(
        "status_notice",
        sa.Column("id", _ID, nullable=False),
        sa.Column("news_id", _ID, nullable=True),
        sa.Column("subscriber_id", _ID, nullable=False),
        sa.Column("outlet", _TEXT, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("lease_owner", _TEXT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", _INSTANT, nullable=True),
        sa.Column("error", _TEXT, nullable=True),
        sa.CheckConstraint("outlet IN ('mail', 'webhook')", name=op.f("ck_status_notice_outlet")),
        sa.ForeignKeyConstraint(
            ["news_id"], ["status_news.id"], name=op.f("fk_status_notice_news_id_status_news")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_status_notice_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_notice")),
        sa.UniqueConstraint("news_id", "subscriber_id", name=op.f("uq_status_notice_news_id_subscriber_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_status_notice_subscriber_id", "status_notice", ["subscriber_id"])
    due, sent = _where("due_at IS NOT NULL"), _where("sent_at IS NOT NULL")
    op.create_index("ix_status_notice_due", "status_notice", ["outlet", "due_at"], **due)
    op.create_index("ix_status_notice_sent", "status_notice", ["outlet", "sent_at"], **sent)


def downgrade() -> None:
    for name in ("status_notice", "status_news", "subscriber"):
        op.drop_table(name)


def _where(condition: str) -> dict[str, Any]:
    return {f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql")}
