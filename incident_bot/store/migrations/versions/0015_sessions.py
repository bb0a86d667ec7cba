"""Sessions: who is signed in; the audit says how somebody was known, and is append-only."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT: Final = sa.Text()
_INSTANT: Final = sa.DateTime(timezone=True)
_AUDIT: Final = ("data_before", "data_after", "how", "request_id")
_REFUSED: Final = "the audit is append-only"


def upgrade() -> None:
    op.create_table(
        "session",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("person", _TEXT, nullable=True),
        sa.Column("token_id", _ID, nullable=True),
        sa.Column("role", _TEXT, nullable=True),
        sa.Column("how", _TEXT, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("agent", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_session_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    op.create_index("ix_session_person", "session", ["person"], **_where("ended_at IS NULL"))
    op.create_table(
        "sign_in",
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("person", _TEXT, nullable=True),
        sa.Column("role", _TEXT, nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in")),
    )
    op.create_index("ix_sign_in_expires_at", "sign_in", ["expires_at"])
    for column in _AUDIT:
        op.add_column("audit", sa.Column(column, _TEXT, nullable=True))
    op.create_index("ix_audit_actor", "audit", ["actor", "id"])
    op.create_index("ix_audit_action", "audit", ["action", "id"])
    _guard()


def downgrade() -> None:
    _unguard()
    op.drop_index("ix_audit_action", "audit")
    op.drop_index("ix_audit_actor", "audit")
    for column in reversed(_AUDIT):
        op.drop_column("audit", column)
    op.drop_table("sign_in")
    op.drop_table("session")


def _guard() -> None:
    """Have the database itself refuse to change or remove an entry of the audit."""
    if op.get_bind().dialect.name == "sqlite":
        for word in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{word.lower()} BEFORE {word} ON audit "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )


def _unguard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for word in ("update", "delete"):
            op.execute(f"DROP TRIGGER audit_no_{word}")
        return
    op.execute("DROP TRIGGER audit_append_only ON audit")
    op.execute("DROP FUNCTION audit_append_only()")


def _where(condition: str) -> dict[str, Any]:
    return {f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql")}
