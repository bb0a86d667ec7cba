"""The table of schedules that somebody else keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.store.tables.base import Base, document, instant, word, words


class MirrorTable(Base, table=True):
    """What PagerDuty last said of one schedule."""

    __tablename__ = "pagerduty_schedule"
    __table_args__ = (sa.PrimaryKeyConstraint("schedule"),)

    schedule: str = word()
    asked_at: datetime | None = instant()
    stretches: Any = document()
    error: str | None = words()
