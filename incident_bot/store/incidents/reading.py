"""Incidents and their events, read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from incident_bot.core.model import Event, Incident, Kind, Paging
from incident_bot.store.bulk import Asked, among, one_of_asked
from incident_bot.store.incidents.chain import first_broken
from incident_bot.store.incidents.rows import event_value, incident_value, key_hash
from incident_bot.store.ready import Ready
from incident_bot.store.tables import event as event_table
from incident_bot.store.tables import incident as table
from incident_bot.store.transaction import Tx

# Written out: a database uses a partial index only where it can read the index's condition in the query.
_OPEN: Final = sa.text("incident.open_hash IS NOT NULL")


_CLOSED: Final = (Paging.RESOLVED.value, Paging.MERGED.value)


def _lock(query: sa.Select[Any]) -> sa.Select[Any]:
    # Ordered, so that two transactions never wait for each other in a circle; and not the lock that excludes foreign
    # keys, or an event of the incident, stored elsewhere, would wait for us.
    return query.order_by(table.c.id).with_for_update(key_share=True)


def _newest_closed(asked: sa.FromClause) -> sa.Select[Any]:
    newest = (
        sa.select(sa.func.max(table.c.id))
        .where(one_of_asked(table.c.key_hash, asked), sa.or_(*(table.c.paging == state for state in _CLOSED)))
        .group_by(table.c.key_hash)
    )
    return _lock(sa.select(table).where(table.c.id.in_(newest)))


_BY_NUMBER: Final = sa.select(table).where(table.c.id == sa.bindparam("b_id"))
_ONE: Final = Ready(_BY_NUMBER)
_ONE_LOCKED: Final = Ready(_lock(_BY_NUMBER))
_MANY_LOCKED: Final = Asked(
    lambda asked: _lock(sa.select(table).where(one_of_asked(table.c.id, asked))), sa.BigInteger
)
_OPEN_OF_KEYS: Final = Asked(
    lambda asked: _lock(sa.select(table).where(_OPEN, one_of_asked(table.c.open_hash, asked)))
)
_CLOSED_OF_KEYS: Final = Asked(_newest_closed)


def open_by_keys(tx: Tx, keys: Iterable[str]) -> dict[str, Incident]:
    """Give the open incident of each key that has one, locked until the transaction ends."""
    hashes = {key_hash(key): key for key in keys}
    if not hashes:
        return {}
    return {incident.key: incident for incident in map(incident_value, _OPEN_OF_KEYS(tx, hashes))}


def closed_by_keys(tx: Tx, keys: Iterable[str]) -> dict[str, Incident]:
    """Give the newest resolved or merged incident of each key that has one, locked until the transaction ends."""
    hashes = {key_hash(key): key for key in keys}
    if not hashes:
        return {}
    return {incident.key: incident for incident in map(incident_value, _CLOSED_OF_KEYS(tx, hashes))}


def get(tx: Tx, incident_id: int, *, lock: bool = False) -> Incident | None:
    """Give one incident; with `lock` nobody else changes it until the transaction ends."""
    row = (_ONE_LOCKED if lock else _ONE)(tx, {"b_id": incident_id}).first()
    return None if row is None else incident_value(row)


def get_many(tx: Tx, incident_ids: Iterable[int]) -> dict[int, Incident]:
    """Give these incidents by their numbers, locked until the transaction ends."""
    wanted = list(incident_ids)
    return {row.id: incident_value(row) for row in _MANY_LOCKED(tx, wanted)} if wanted else {}


def private_among(tx: Tx, incident_ids: Iterable[int]) -> list[Incident]:
    """Give the private ones of these incidents; not locked."""
    wanted = sorted(set(incident_ids))
    if not wanted:
        return []
    return _found(tx, sa.select(table).where(among(tx, table.c.id, wanted), table.c.private))


def end_of_merges(tx: Tx, incident: Incident) -> Incident | None:
    """Give the incident that has the alerts of a merged one: where it went, and where that one went in turn.

    Not locked. None where the chain leads nowhere.
    """
    found: Incident | None = incident
    while found is not None and found.paging is Paging.MERGED:
        # A merge leads to one that is open or new, and is final: a chain has no circle.
        found = get(tx, found.merged_into) if found.merged_into else None
    return found


def _found(tx: Tx, query: sa.Select[Any]) -> list[Incident]:
    return [incident_value(row) for row in tx.connection.execute(query)]


def numbers_of(tx: Tx, state: Paging) -> list[int]:
    """Give the number of every incident in this paging state, the oldest first."""
    query = sa.select(table.c.id).where(table.c.paging == state.value).order_by(table.c.id)
    return list(tx.connection.execute(query).scalars())


def list_incidents(
    tx: Tx,
    *,
    state: Literal["open", "all"] | Paging = "all",
    severity: str | None = None,
    team: str | None = None,
    service: str | None = None,
    drill: bool | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Incident]:
    """Give incidents, newest first, of those that satisfy every condition given."""
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if isinstance(state, Paging):
        query = query.where(table.c.paging == state.value)
    elif state == "open":
        query = query.where(_OPEN)
    for column, wanted in ((table.c.severity, severity), (table.c.team, team), (table.c.service, service)):
        if wanted is not None:
            query = query.where(column == wanted)
    if drill is not None:
        query = query.where(table.c.drill.is_(drill))
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    return _found(tx, query)


_PUBLISHED: Final = sa.text("incident.public IS NOT NULL")


def published(tx: Tx, *, since: datetime) -> list[Incident]:
    """Give the incidents on the status page that are open or ended after this, the oldest first."""
    over = sa.and_(table.c.resolved_at.is_not(None), table.c.resolved_at < since)
    query = sa.select(table).where(_PUBLISHED, sa.not_(over))
    return _found(tx, query.order_by(table.c.id))


def open_between(tx: Tx, start: datetime, end: datetime, *, limit: int) -> list[Incident]:
    """Give the incidents that were open at some instant of `[start, end)`, the newest first."""
    over = sa.and_(table.c.resolved_at.is_not(None), table.c.resolved_at < start)
    query = sa.select(table).where(table.c.opened_at < end, sa.not_(over))
    return _found(tx, query.order_by(table.c.id.desc()).limit(limit))


def count_by_paging(tx: Tx) -> dict[Paging, int]:
    """Count the incidents in each escalation state; zero where there are none."""
    query = sa.select(table.c.paging, sa.func.count()).group_by(table.c.paging)
    found = {Paging(row[0]): int(row[1]) for row in tx.connection.execute(query)}
    return {paging: found.get(paging, 0) for paging in Paging}


def count_flapping(tx: Tx) -> int:
    """Count the open incidents whose alerts flap."""
    query = sa.select(sa.func.count()).where(_OPEN, table.c.flapping.is_not(None)).select_from(table)
    return int(tx.connection.execute(query).scalar_one())


def events(tx: Tx, incident_id: int, *, after: int = 0, limit: int | None = None) -> list[Event]:
    """Give an incident's events behind number `after`, in order."""
    query = (
        sa.select(event_table)
        .where(event_table.c.incident_id == incident_id, event_table.c.seq > after)
        .order_by(event_table.c.seq)
        .limit(limit)
    )
    return [event_value(row) for row in tx.connection.execute(query)]


def events_by_incident(tx: Tx, incident_ids: Collection[int]) -> dict[int, list[Event]]:
    """Give the events of each of these incidents, in order."""
    told: dict[int, list[Event]] = {number: [] for number in incident_ids}
    if told:
        query = sa.select(event_table).where(among(tx, event_table.c.incident_id, told))
        for row in tx.connection.execute(query.order_by(event_table.c.incident_id, event_table.c.seq)):
            told[row.incident_id].append(event_value(row))
    return told


def last_of_kind(tx: Tx, incident_id: int, kind: Kind) -> Event | None:
    """Give the newest event of a kind; None where there is none."""
    query = sa.select(event_table).where(
        event_table.c.incident_id == incident_id, event_table.c.kind == kind.value
    )
    row = tx.connection.execute(query.order_by(event_table.c.seq.desc()).limit(1)).first()
    return None if row is None else event_value(row)


def of_kinds(tx: Tx, incident_id: int, kinds: Iterable[Kind]) -> list[Event]:
    """Give an incident's events of some kinds, in order."""
    query = sa.select(event_table).where(
        event_table.c.incident_id == incident_id, event_table.c.kind.in_([kind.value for kind in kinds])
    )
    return [event_value(row) for row in tx.connection.execute(query.order_by(event_table.c.seq))]


def newest_events(
    tx: Tx, incident_id: int, kinds: Iterable[Kind], *, source: str | None, before: int | None, limit: int
) -> list[Event]:
    """Give an incident's newest events of some kinds below number `before`, the newest first."""
    query = sa.select(event_table).where(
        event_table.c.incident_id == incident_id, event_table.c.kind.in_([kind.value for kind in kinds])
    )
    if source is not None:
        query = query.where(event_table.c.source == source)
    if before is not None:
        query = query.where(event_table.c.seq < before)
    query = query.order_by(event_table.c.seq.desc()).limit(limit)
    return [event_value(row) for row in tx.connection.execute(query)]


def events_since(tx: Tx, event_id: int, *, limit: int = 500) -> list[tuple[int, int, Event]]:
    """Give the events of all incidents behind an event: its identifier, its incident's, and itself.

    Identifiers follow the order of numbering; with several writers on PostgreSQL a lower one may appear after a higher
    one. Within one incident `seq` is exact.
    """
    query = sa.select(event_table).where(event_table.c.id > event_id).order_by(event_table.c.id).limit(limit)
    return [(row.id, row.incident_id, event_value(row)) for row in tx.connection.execute(query)]


def latest_seq(tx: Tx, incident_id: int) -> int:
    """Give the number of the incident's last event, 0 where there is none."""
    query = sa.select(sa.func.max(event_table.c.seq)).where(event_table.c.incident_id == incident_id)
    return int(tx.connection.execute(query).scalar() or 0)


def newest_event(tx: Tx) -> int:
    """Give the identifier of the newest event of all incidents; 0 where there is none."""
    return int(tx.connection.execute(sa.select(sa.func.max(event_table.c.id))).scalar() or 0)


def verify_chain(tx: Tx, incident_id: int) -> int | None:
    """Give the number of the first event that was changed, removed or added behind our back; None if there is none."""
    incident = get(tx, incident_id)
    if incident is None:
        return None
    return first_broken(incident_id, events(tx, incident_id), seq=incident.seq, last_hash=incident.last_hash)
