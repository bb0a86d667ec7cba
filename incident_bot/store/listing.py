"""Lists of episodes by many conditions at once, each by an index. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.model import Disposition, Episode, Status
from incident_bot.store.alerts.episodes import NAME_MOST, found_episodes
from incident_bot.store.tables import episode
from incident_bot.store.transaction import Tx

# Written out: a database uses a partial index only where it can read the index's condition in the query.
_FIRING: Final = sa.text("episode.status = 'firing'")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAlerts:
    """Conditions on episodes; what is None is no condition."""

    alert: str | None = None
    status: Status | None = None
    disposition: Disposition | None = None
    team: str | None = None
    service: str | None = None
    severity: str | None = None
    source: str | None = None
    incident: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    """It was first heard of in `[start, end)`."""


def episodes(tx: Tx, wanted: WantedAlerts, *, before_id: int | None, limit: int) -> list[Episode]:
    """Give episodes, the newest first, of those that satisfy every condition."""
    query = sa.select(episode).limit(limit)
    if wanted.alert is None:
        query = query.order_by(episode.c.id.desc())
    else:
        # In the order of the index, which is that of the identifiers but for what a source told of late.
        query = query.where(episode.c.alertname == wanted.alert[:NAME_MOST])
        query = query.order_by(episode.c.opened_at.desc(), episode.c.id.desc())
    if wanted.status is Status.FIRING:
        query = query.where(_FIRING)
    elif wanted.status is not None:
        query = query.where(episode.c.status == wanted.status.value)
    if wanted.disposition is not None:
        query = query.where(episode.c.disposition == wanted.disposition.value)
    for column in ("team", "service", "severity", "source"):
        value = getattr(wanted, column)
        if value is not None:
            query = query.where(episode.c[column] == value)
    if wanted.incident is not None:
        query = query.where(episode.c.incident_id == wanted.incident)
    query = _within(query, episode.c.opened_at, wanted.start, wanted.end)
    if before_id is not None:
        query = query.where(episode.c.id < before_id)
    return found_episodes(tx, query)


def _within(
    query: sa.Select[Any], column: sa.ColumnElement[Any], start: datetime | None, end: datetime | None
) -> sa.Select[Any]:
    if start is not None:
        query = query.where(column >= start)
    return query if end is None else query.where(column < end)
