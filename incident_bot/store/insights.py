"""What insights count: aggregates and narrow rows; a month is quick however long the past is. Decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from incident_bot.core.model import Event, Incident, Kind, Labels, Paging
from incident_bot.store.bulk import among
from incident_bot.store.incidents.rows import event_value, incident_value
from incident_bot.store.tables import episode, event, incident
from incident_bot.store.transaction import Tx
from incident_bot.store.types import storable

# Written out: a database uses a partial index only where it can read the index's condition in the query.
_JUDGED: Final = sa.text("event.kind IN ('verdict_given', 'runbook_judged')")
_PRIVATE: Final = sa.text("incident.private")


class Brief(NamedTuple):
    """What is counted of one incident."""

    id: int
    seq: int
    opened_at: datetime
    severity: str
    team: str
    service: str | None
    phase: str
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    updated_by_people: bool


class Part(NamedTuple):
    """The part that one alert has in one incident."""

    incident: int
    name: str
    episodes: int
    """That opened in the span."""
    began: datetime
    ended: datetime | None
    """When its last episode ended; None while one fires."""


class Newest(NamedTuple):
    """One of the newest episodes of an alert."""

    incident: int | None
    starts_at: datetime
    ends_at: datetime | None
    flags: str


def briefs(
    tx: Tx,
    start: datetime,
    end: datetime,
    *,
    team: str | None = None,
    service: str | None = None,
    severity: str | None = None,
) -> list[Brief]:
    """Give the incidents that opened in `[start, end)`, the oldest first, without drills and what was merged away."""
    query = sa.select(*(incident.c[name] for name in Brief._fields)).where(
        incident.c.opened_at >= start,
        incident.c.opened_at < end,
        sa.not_(incident.c.drill),
        incident.c.paging != Paging.MERGED.value,
    )
    for column, wanted in (("team", team), ("service", service), ("severity", severity)):
        if wanted is not None:
            query = query.where(incident.c[column] == wanted)
    return [Brief(*row) for row in tx.connection.execute(query.order_by(incident.c.opened_at, incident.c.id))]


def private(tx: Tx) -> list[int]:
    """Give the numbers of all private incidents."""
    return list(tx.connection.execute(sa.select(incident.c.id).where(_PRIVATE)).scalars())


def whole(tx: Tx, numbers: Collection[int]) -> list[Incident]:
    """Give these incidents, not locked."""
    if not numbers:
        return []
    return [
        incident_value(row)
        for row in tx.connection.execute(sa.select(incident).where(among(tx, incident.c.id, numbers)))
    ]


def told(tx: Tx, numbers: Collection[int], kinds: Iterable[Kind]) -> dict[int, list[Event]]:
    """Give the events of some kinds of each of these incidents, in order."""
    found: dict[int, list[Event]] = {number: [] for number in numbers}
    if not found:
        return found
    query = (
        sa.select(event)
        .where(among(tx, event.c.incident_id, found), event.c.kind.in_([kind.value for kind in kinds]))
        .order_by(event.c.incident_id, event.c.seq)
    )
    for row in tx.connection.execute(query):
        found[row.incident_id].append(event_value(row))
    return found


def judged(tx: Tx, numbers: Collection[int], kind: Kind) -> list[tuple[int, Event]]:
    """Give what was said of alerts or of runbooks in these incidents, the oldest first."""
    if not numbers:
        return []
    query = sa.select(event).where(
        _JUDGED, event.c.kind == kind.value, among(tx, event.c.incident_id, numbers)
    )
    found = tx.connection.execute(query.order_by(event.c.incident_id, event.c.seq))
    return [(row.incident_id, event_value(row)) for row in found]


def newest_judged(tx: Tx, kind: Kind, *, limit: int) -> list[tuple[int, Event]]:
    """Give what was said of alerts or of runbooks in the newest incidents in which something was, the newest first."""
    query = sa.select(event).where(_JUDGED, event.c.kind == kind.value)
    query = query.order_by(event.c.incident_id.desc(), event.c.seq.desc()).limit(limit)
    return [(row.incident_id, event_value(row)) for row in tx.connection.execute(query)]


def parts(tx: Tx, numbers: Collection[int], start: datetime, end: datetime) -> list[Part]:
    """Give the part that each named alert has in these incidents, of the episodes that opened in `[start, end)`."""
    if not numbers:
        return []
    query = (
        sa.select(
            episode.c.incident_id,
            episode.c.alertname,
            sa.func.count(),
            sa.func.min(episode.c.starts_at, type_=episode.c.starts_at.type),
            sa.func.max(episode.c.ends_at, type_=episode.c.ends_at.type),
            sa.func.count(episode.c.ends_at),
        )
        .where(
            among(tx, episode.c.incident_id, numbers),
            episode.c.incident_id.is_not(None),
            episode.c.alertname.is_not(None),
            episode.c.opened_at >= start,
            episode.c.opened_at < end,
        )
        .group_by(episode.c.incident_id, episode.c.alertname)
    )
    return [
        Part(number, name, count, began, ended if over == count else None)
        for number, name, count, began, ended, over in tx.connection.execute(query)
    ]


def fired(tx: Tx, start: datetime, end: datetime) -> dict[str, int]:
    """Count the episodes that opened in `[start, end)` by the name of their alert, those without a name left out.

    Goes from name to name in the index, so that it costs as much as there are names, and counts within it.
    """
    later, counted = episode.alias("later"), episode.alias("counted")
    names: Any = sa.select(sa.func.min(episode.c.alertname, type_=episode.c.alertname.type).label("name"))
    names = names.cte("names", recursive=True)
    following = sa.select(
        sa.select(sa.func.min(later.c.alertname)).where(later.c.alertname > names.c.name).scalar_subquery()
    )
    names = names.union_all(following.where(names.c.name.is_not(None)))
    count = (
        sa.select(sa.func.count())
        .where(counted.c.alertname == names.c.name, counted.c.opened_at >= start, counted.c.opened_at < end)
        .scalar_subquery()
    )
    query = sa.select(names.c.name, count).where(names.c.name.is_not(None))
    return {name: number for name, number in tx.connection.execute(query) if number}


def newest(tx: Tx, name: str, start: datetime, end: datetime, *, most: int) -> list[Newest]:
    """Give the newest episodes of one alert that opened in `[start, end)`, the newest first."""
    query = (
        sa.select(episode.c.incident_id, episode.c.starts_at, episode.c.ends_at, episode.c.flags)
        .where(episode.c.alertname == name, episode.c.opened_at >= start, episode.c.opened_at < end)
        .order_by(episode.c.opened_at.desc())
        .limit(most)
    )
    return [Newest(*row) for row in tx.connection.execute(query)]


def incidents_with(tx: Tx, names: Sequence[str], *, before: int, each: int) -> dict[int, set[str]]:
    """Give the newest incidents before this one that had alerts of these names, and which of them."""
    found: dict[int, set[str]] = {}
    for name in names:
        query = (
            sa.select(episode.c.incident_id)
            .where(
                episode.c.alertname == storable(name),
                episode.c.incident_id.is_not(None),
                episode.c.incident_id < before,
            )
            .order_by(episode.c.opened_at.desc())
            .limit(each)
        )
        for number in tx.connection.execute(query).scalars():
            found.setdefault(number, set()).add(name)
    return found


def began(tx: Tx, numbers: Collection[int]) -> dict[int, datetime]:
    """Give when the first alert of each of these incidents began."""
    if not numbers:
        return {}
    query = (
        sa.select(episode.c.incident_id, sa.func.min(episode.c.starts_at, type_=episode.c.starts_at.type))
        .where(episode.c.incident_id.is_not(None), among(tx, episode.c.incident_id, numbers))
        .group_by(episode.c.incident_id)
    )
    return {row[0]: row[1] for row in tx.connection.execute(query)}


def of_service(tx: Tx, service: str, *, before: int, limit: int) -> list[int]:
    """Give the newest incidents of a service before this one."""
    query = sa.select(incident.c.id).where(incident.c.service == service, incident.c.id < before)
    return list(tx.connection.execute(query.order_by(incident.c.id.desc()).limit(limit)).scalars())


LABELS_MOST: Final = 5
"""Of each incident the labels of so many alerts are read: what all share stands in the first ones."""


def labels_of(tx: Tx, numbers: Collection[int]) -> dict[int, list[Labels]]:
    """Give the labels of the first alerts of each of these incidents."""
    if not numbers:
        return {}
    place = sa.func.row_number().over(partition_by=episode.c.incident_id, order_by=episode.c.id)
    ranked = (
        sa.select(episode.c.incident_id, episode.c.labels, place.label("place"))
        .where(episode.c.incident_id.is_not(None), among(tx, episode.c.incident_id, numbers))
        .subquery()
    )
    query = sa.select(ranked.c.incident_id, ranked.c.labels).where(ranked.c.place <= LABELS_MOST)
    found: dict[int, list[Labels]] = {}
    for number, labels in tx.connection.execute(query.order_by(ranked.c.incident_id, ranked.c.place)):
        found.setdefault(number, []).append(labels)
    return found


def names_of(tx: Tx, number: int) -> list[str]:
    """Give the names of an incident's alerts, each once, in the order in which they came."""
    query = (
        sa.select(episode.c.alertname)
        .where(episode.c.incident_id == number, episode.c.alertname.is_not(None))
        .group_by(episode.c.alertname)
        .order_by(sa.func.min(episode.c.id))
    )
    return list(tx.connection.execute(query).scalars())
