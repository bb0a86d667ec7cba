"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
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


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    for create in (_answer, _api_token, _audit, _delivery, _delivery_group, _incident, _maintenance,
                   _revision, _episode, _ack_link, _event, _outbox, _postmortem, _timer, _attempt,
                   _receipt):  # fmt: skip
        create()


def downgrade() -> None:
    tables = (
        "receipt attempt timer postmortem outbox event ack_link episode revision "
        "maintenance incident delivery_group delivery audit api_token answer"
    )
    for table in tables.split():
        op.drop_table(table)


def _answer() -> None:
    op.create_table(
        "answer",
        *_some(_TEXT, "hash", "answer"),
        *_some(_INSTANT, "given_at"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_answer")),
    )
    op.create_index("ix_answer_given_at", "answer", ["given_at"])


def _api_token() -> None:
    op.create_table(
        "api_token",
        *_some(_ID, "id"),
        *_some(_TEXT, "name", "digest", "scopes", "created_by"),
        *_some(_INSTANT, "created_at"),
        *_maybe(_INSTANT, "revoked_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
        sqlite_autoincrement=True,
    )


def _audit() -> None:
    op.create_table(
        "audit",
        *_some(_ID, "id"),
        *_some(_INSTANT, "at"),
        *_some(_TEXT, "actor", "action", "data"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"])


def _delivery() -> None:
    op.create_table(
        "delivery",
        *_some(_ID, "id"),
        *_some(_TEXT, "source", "receiver", "group_hash", "digest"),
        *_some(sa.Boolean(), "packed"),
        *_some(sa.LargeBinary(), "body"),
        *_some(sa.Integer(), "alerts"),
        *_maybe(_TEXT, "rejected"),
        *_some(_TEXT, "state"),
        *_some(sa.Integer(), "attempts"),
        *_maybe(_TEXT, "error"),
        *_some(_INSTANT, "received_at"),
        *_maybe(_INSTANT, "settled_at"),
        sa.CheckConstraint("state IN ('applied', 'deferred', 'failed')", name=op.f("ck_delivery_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_received_at", "delivery", ["received_at"])
    op.create_index("ix_delivery_unapplied", "delivery", ["state", "id"], **_where("state <> 'applied'"))


def _delivery_group() -> None:
    op.create_table(
        "delivery_group",
        *_some(_TEXT, "hash", "source", "digest"),
        *_some(_ID, "delivery_id"),
        *_some(_INSTANT, "last_seen"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_delivery_group")),
    )
    op.create_index("ix_delivery_group_source", "delivery_group", ["source"])


def _incident() -> None:
    op.create_table(
        "incident",
        *_some(_ID, "id"),
        *_some(_TEXT, "key", "key_hash"),
        *_maybe(_TEXT, "open_hash"),
        *_some(_TEXT, "title", "severity", "peak", "phase", "paging", "team"),
        *_maybe(_TEXT, "service", "lead"),
        *_some(_TEXT, "roles"),
        *_maybe(_TEXT, "impact", "runbook"),
        *_some(_TEXT, "items"),
        *_some(sa.Integer(), "epoch", "loop", "step"),
        *_maybe(_INSTANT, "next_at"),
        *_some(_TEXT, "running"),
        *_some(_INSTANT, "started_at"),
        *_some(sa.Boolean(), "fell_back", "reached"),
        *_some(_TEXT, "policy"),
        *_some(_INSTANT, "opened_at"),
        *_some(_TEXT, "opened_by"),
        *_maybe(_INSTANT, "acknowledged_at"),
        *_maybe(_TEXT, "acknowledged_by"),
        *_some(_TEXT, "responders"),
        *_maybe(_TEXT, "waiting_for"),
        *_maybe(_INSTANT, "asked_at"),
        *_maybe(_INSTANT, "snoozed_until", "resolved_at"),
        *_some(sa.Boolean(), "updated_by_people"),
        *_maybe(_INSTANT, "next_update_at"),
        *_some(sa.Boolean(), "forced", "drill", "private"),
        *_maybe(_ID, "previous", "merged_into"),
        *_some(_TEXT, "revision"),
        *_some(sa.Integer(), "seq"),
        *_some(_TEXT, "last_hash"),
        sa.CheckConstraint(
            "paging IN ('triggered', 'acknowledged', 'snoozed', 'resolved', 'merged')",
            name=op.f("ck_incident_paging"),
        ),
        sa.CheckConstraint(
            "phase IN ('triage', 'investigating', 'mitigating', 'monitoring', 'resolved', 'closed', 'cancelled')",
            name=op.f("ck_incident_phase"),
        ),
        sa.CheckConstraint(
            "running IN ('running', 'paused', 'stopped', 'exhausted')", name=op.f("ck_incident_running")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incident_key", "incident", ["key_hash", "id"])
    op.create_index("ix_incident_paging", "incident", ["paging", "id"])
    op.create_index("ix_incident_team", "incident", ["team", "id"])
    op.create_index(
        "uq_incident_open", "incident", ["open_hash"], unique=True, **_where("open_hash IS NOT NULL")
    )


def _maintenance() -> None:
    op.create_table(
        "maintenance",
        *_some(_ID, "id"),
        *_some(_TEXT, "matchers"),
        *_some(_INSTANT, "starts_at", "ends_at"),
        *_some(_TEXT, "reason", "created_by"),
        *_some(_INSTANT, "created_at"),
        *_maybe(_TEXT, "ended_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_maintenance_ends_at", "maintenance", ["ends_at"])


def _revision() -> None:
    op.create_table(
        "revision",
        *_some(_ID, "number"),
        *_some(_TEXT, "id", "digest", "documents"),
        *_some(_INSTANT, "activated_at"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_revision")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_revision_activated_at", "revision", ["activated_at", "number"])


def _episode() -> None:
    op.create_table(
        "episode",
        *_some(_ID, "id"),
        *_some(
            _TEXT, "source", "alert_key", "fingerprint", "labels", "annotations", "generator_url", "status"
        ),
        *_some(_INSTANT, "starts_at"),
        *_maybe(_INSTANT, "ends_at"),
        *_some(_INSTANT, "opened_at", "updated_at"),
        *_maybe(_INSTANT, "closed_at"),
        *_some(sa.Integer(), "refires"),
        *_some(_TEXT, "flags", "disposition"),
        *_maybe(_TEXT, "reason"),
        *_maybe(_ID, "incident_id"),
        *_maybe(_TEXT, "severity", "service", "team", "runbook"),
        *_some(_TEXT, "group_hash"),
        *_maybe(_TEXT, "why"),
        sa.CheckConstraint(
            "disposition IN ('incident', 'notify', 'record', 'held')", name=op.f("ck_episode_disposition")
        ),
        sa.CheckConstraint("status IN ('firing', 'resolved')", name=op.f("ck_episode_status")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_episode_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episode")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_episode_firing_group", "episode", ["group_hash"], **_where("status = 'firing'"))
    op.create_index("ix_episode_firing_source", "episode", ["source"], **_where("status = 'firing'"))
    op.create_index(
        "ix_episode_held", "episode", ["id"], **_where("disposition = 'held' AND status = 'firing'")
    )
    op.create_index(
        "ix_episode_incident", "episode", ["incident_id", "id"], **_where("incident_id IS NOT NULL")
    )
    op.create_index("ix_episode_newest", "episode", ["alert_key", "id"])
    op.create_index("uq_episode_firing", "episode", ["alert_key"], unique=True, **_where("status = 'firing'"))


def _ack_link() -> None:
    op.create_table(
        "ack_link",
        *_some(_TEXT, "digest"),
        *_some(_ID, "incident_id"),
        *_some(_TEXT, "person"),
        *_some(_INSTANT, "made_at", "expires_at"),
        *_maybe(_INSTANT, "used_at"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_ack_link_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_ack_link")),
    )
    op.create_index("ix_ack_link_expires_at", "ack_link", ["expires_at"])


def _event() -> None:
    op.create_table(
        "event",
        *_some(_ID, "id", "incident_id"),
        *_some(sa.Integer(), "seq"),
        *_some(_TEXT, "kind", "actor", "source"),
        *_some(_INSTANT, "happened_at", "recorded_at"),
        *_some(_TEXT, "data", "hash"),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_event_incident_id_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("incident_id", "seq", name=op.f("uq_event_incident_id_seq")),
        sqlite_autoincrement=True,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        *_some(_ID, "id"),
        *_some(_TEXT, "kind", "key"),
        *_maybe(_TEXT, "coalesce_key"),
        *_maybe(_ID, "incident_id"),
        *_maybe(sa.Integer(), "epoch"),
        *_some(sa.Integer(), "loop", "step"),
        *_maybe(_TEXT, "page_kind", "person"),
        *_some(_TEXT, "via"),
        *_maybe(_TEXT, "recipient", "moment"),
        *_some(_TEXT, "data", "reason"),
        *_maybe(_TEXT, "urgency"),
        *_some(sa.Integer(), "rank"),
        *_some(_INSTANT, "due_at"),
        *_some(_TEXT, "state"),
        *_some(sa.Integer(), "attempts"),
        *_maybe(_INSTANT, "ready_at"),
        *_maybe(_TEXT, "lease_owner"),
        *_maybe(_INSTANT, "lease_until", "claimed_at", "sent_at"),
        *_maybe(_TEXT, "provider_id", "error"),
        *_some(_INSTANT, "created_at"),
        sa.CheckConstraint("kind IN ('page', 'message')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint(
            "page_kind IN ('step', 'fallback', 'last_resort', 'direct', 'ask', 'note')",
            name=op.f("ck_outbox_page_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'cancelled', 'failed')", name=op.f("ck_outbox_state")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_outbox_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_coalesce",
        "outbox",
        ["coalesce_key"],
        **_where("coalesce_key IS NOT NULL AND state = 'pending'"),
    )
    op.create_index("ix_outbox_failed", "outbox", ["id"], **_where("state = 'failed'"))
    op.create_index(
        "ix_outbox_incident", "outbox", ["incident_id", "id"], **_where("incident_id IS NOT NULL")
    )
    op.create_index("ix_outbox_ready", "outbox", ["ready_at"], **_where("ready_at IS NOT NULL"))
    op.create_index("ix_outbox_sent", "outbox", ["via", "sent_at"], **_where("sent_at IS NOT NULL"))
    op.create_index(
        "ix_outbox_told",
        "outbox",
        ["person", "sent_at"],
        **_where("person IS NOT NULL AND sent_at IS NOT NULL"),
    )


def _postmortem() -> None:
    op.create_table(
        "postmortem",
        *_some(_ID, "id", "incident_id"),
        *_some(sa.Integer(), "version"),
        *_some(_TEXT, "text", "saved_by"),
        *_some(_INSTANT, "saved_at"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_postmortem_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem")),
        sa.UniqueConstraint("incident_id", "version", name=op.f("uq_postmortem_incident_id_version")),
        sqlite_autoincrement=True,
    )


def _timer() -> None:
    op.create_table(
        "timer",
        *_some(_ID, "id"),
        *_some(_TEXT, "kind", "key"),
        *_maybe(_ID, "incident_id", "subject"),
        *_maybe(sa.Integer(), "epoch"),
        *_some(_INSTANT, "due_at"),
        *_some(_TEXT, "data", "state"),
        *_some(sa.Integer(), "attempts"),
        *_maybe(_TEXT, "error"),
        *_some(sa.Integer(), "version"),
        *_some(_INSTANT, "set_at"),
        sa.CheckConstraint(
            "kind IN ('step', 'snooze', 'ack', 'hold', 'episode', 'refire', 'maintenance', 'reconcile', "
            "'retry_delivery', 'handoff', 'heartbeat')",
            name=op.f("ck_timer_kind"),
        ),
        sa.CheckConstraint("state IN ('pending', 'parked')", name=op.f("ck_timer_state")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_timer_incident_id_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timer")),
        sa.UniqueConstraint("key", name=op.f("uq_timer_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_timer_due", "timer", ["state", "due_at"])
    op.create_index("ix_timer_incident", "timer", ["incident_id"], **_where("incident_id IS NOT NULL"))


def _attempt() -> None:
    op.create_table(
        "attempt",
        *_some(_ID, "outbox_id"),
        *_some(sa.Integer(), "number"),
        *_some(_INSTANT, "at"),
        *_maybe(_INSTANT, "finished_at"),
        *_some(_TEXT, "result"),
        *_maybe(_TEXT, "provider_id", "error"),
        sa.CheckConstraint(
            "result IN ('sent', 'again', 'failed', 'unknown')", name=op.f("ck_attempt_result")
        ),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_attempt_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("outbox_id", "number", name=op.f("pk_attempt")),
    )


def _receipt() -> None:
    op.create_table(
        "receipt",
        *_some(_ID, "outbox_id"),
        *_some(_TEXT, "status"),
        *_some(_INSTANT, "at"),
        *_maybe(_TEXT, "detail"),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_receipt_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("outbox_id", "status", name=op.f("pk_receipt")),
    )
