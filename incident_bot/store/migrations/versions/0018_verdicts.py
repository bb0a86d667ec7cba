"""Insights: the name of an episode's alert beside its labels, and indexes for what is counted and listed."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text()
# What cannot be unescaped on PostgreSQL stays without a name.
_READABLE: Final = r"labels NOT LIKE '%\u0000%' AND labels NOT LIKE '%\ud%'"
_JUDGED: Final = "kind IN ('verdict_given', 'runbook_judged')"


def upgrade() -> None:
    op.add_column("episode", sa.Column("alertname", _TEXT, nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    name = "json_extract(labels, '$.alertname')" if sqlite else "labels::json ->> 'alertname'"
    like = _READABLE if sqlite else _READABLE.replace("\\", "\\\\")
    # A label may be longer than an index entry can be.
    op.execute(sa.text(f"UPDATE episode SET alertname = substr({name}, 1, 200) WHERE {like}"))  # noqa: S608 -- our own words
    op.create_index("ix_episode_named", "episode", ["alertname", "opened_at", "incident_id"])
    paged = _where("page_kind IS NOT NULL AND sent_at IS NOT NULL")
    op.create_index("ix_outbox_paged", "outbox", ["sent_at", "incident_id"], **paged)
    op.create_index("ix_incident_opened", "incident", ["opened_at", "id"])
    op.create_index("ix_incident_private", "incident", ["id"], **_where("private"))
    op.create_index("ix_event_judged", "event", ["incident_id", "seq"], **_where(_JUDGED))


def downgrade() -> None:
    op.drop_index("ix_event_judged", "event")
    op.drop_index("ix_incident_private", "incident")
    op.drop_index("ix_incident_opened", "incident")
    op.drop_index("ix_outbox_paged", "outbox")
    op.drop_index("ix_episode_named", "episode")
    op.drop_column("episode", "alertname")


def _where(condition: str) -> dict[str, Any]:
    return {f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql")}
