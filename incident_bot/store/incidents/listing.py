"""Lists of incidents as people and addresses ask for them: filtered, and paged in both directions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from incident_bot.core.model import Incident, Paging, Phase
from incident_bot.store.alerts.episodes import NAME_MOST
from incident_bot.store.incidents.rows import incident_value
from incident_bot.store.paged import NO_PAGES
from incident_bot.store.tables import episode, incident, outbox
from incident_bot.store.transaction import Tx
from incident_bot.store.types import storable

_OPEN: Final = sa.text("incident.open_hash IS NOT NULL")
_DAY_SECONDS: Final = 86400
_NUMBER: Final = re.compile(r"(?:inc-)?(\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list of incidents is to hold; whatever is None or empty does not count."""

    state: Literal["all", "open"] | Paging = "all"
    phase: Phase | None = None
    severity: str | None = None
    team: str | None = None
    service: str | None = None
    alert: str | None = None
    """The `alertname` of one of its alerts."""
    person: str | None = None
    """Somebody to whom a page for it went out; then `since` and `until` are about that page."""
    words: str | None = None
    """A part of its title, or its name."""
    since: datetime | None = None
    until: datetime | None = None
    """Opened in `[since, until)`."""
    slower: timedelta | None = None
    """It was acknowledged later than so long after it opened, or is not yet."""
    drill: bool | None = None
    private: bool | None = None


def listed(
    tx: Tx, wanted: Wanted, *, before: int | None = None, after: int | None = None, limit: int
) -> list[Incident]:
    """Give incidents below number `before`, the newest first, or above `after`, the oldest first."""
    table = incident
    order = table.c.id.asc() if after is not None else table.c.id.desc()
    query = sa.select(table).where(*_conditions(tx, wanted)).order_by(order).limit(limit)
    if before is not None:
        query = query.where(table.c.id < before)
    if after is not None:
        query = query.where(table.c.id > after)
    return [incident_value(row) for row in tx.connection.execute(query)]


def _conditions(tx: Tx, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    table, found = incident, list[Any]()
    if isinstance(wanted.state, Paging):
        found.append(table.c.paging == wanted.state.value)
    elif wanted.state == "open":
        found.append(_OPEN)
    for column, value in (
        (table.c.phase, wanted.phase and wanted.phase.value), (table.c.severity, wanted.severity),
        (table.c.team, wanted.team), (table.c.service, wanted.service),
    ):  # fmt: skip
        if value:
            found.append(column == value)
    for flag, value_wanted in ((table.c.drill, wanted.drill), (table.c.private, wanted.private)):
        if value_wanted is not None:
            found.append(flag.is_(value_wanted))
    if wanted.slower is not None:
        late = _seconds(tx, table.c.opened_at, table.c.acknowledged_at) > wanted.slower.total_seconds()
        found.append(sa.or_(late, table.c.acknowledged_at.is_(None)))
    if wanted.words:
        found.append(_named(wanted.words))
    if wanted.alert:
        having = sa.select(episode.c.incident_id).where(
            episode.c.alertname == wanted.alert[:NAME_MOST], episode.c.incident_id.is_not(None)
        )
        found.append(table.c.id.in_(having))
    if wanted.person:
        told = sa.select(outbox.c.incident_id).where(
            outbox.c.person == storable(wanted.person),
            outbox.c.person.is_not(None),
            outbox.c.sent_at.is_not(None),
            outbox.c.page_kind.is_not(None),
            outbox.c.page_kind.not_in(NO_PAGES),
            outbox.c.incident_id.is_not(None),
            *_within(outbox.c.sent_at, wanted),
        )
        found.append(table.c.id.in_(told))
    else:
        found += _within(table.c.opened_at, wanted)
    return found


def _within(column: sa.ColumnElement[Any], wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    begins = [] if wanted.since is None else [column >= wanted.since]
    return begins if wanted.until is None else [*begins, column < wanted.until]


def _named(words: str) -> sa.ColumnElement[bool]:
    titled = incident.c.title.icontains(words, autoescape=True)
    number = _NUMBER.fullmatch(words.strip())
    return sa.or_(titled, incident.c.id == int(number[1])) if number else titled


def _seconds(tx: Tx, start: sa.ColumnElement[Any], end: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
    if tx.sqlite:
        days: sa.ColumnElement[float] = sa.func.julianday(end) - sa.func.julianday(start)
        return days * _DAY_SECONDS
    return sa.cast(sa.extract("epoch", end - start), sa.Float)
