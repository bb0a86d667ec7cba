"""Status page: what an incident and a maintenance window say to the public."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text()
_PUBLIC: Final = sa.text("public IS NOT NULL")


def upgrade() -> None:
    op.add_column("incident", sa.Column("public", _TEXT, nullable=True))
    # Few incidents are published, and the status page asks for them again and again.
    op.create_index("ix_incident_public", "incident", ["id"], sqlite_where=_PUBLIC, postgresql_where=_PUBLIC)
    op.add_column("maintenance", sa.Column("public", _TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("maintenance", "public")
    op.drop_index("ix_incident_public", "incident")
    op.drop_column("incident", "public")
