"""Episodes: written in bulk by the intake, read by everybody. Whose episode an alert belongs to, `core` decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.model import Change, Disposition, Episode, Flag, Json, Labels, Status, copied
from incident_bot.store.bulk import Asked, Bulk, BulkUpdate, among, one_of_asked
from incident_bot.store.ready import Ready
from incident_bot.store.tables import episode as table
from incident_bot.store.tables import incident
from incident_bot.store.transaction import LostRace, Tx
from incident_bot.store.types import Found, storable

NAME_MOST: Final = 200
"""A label may be longer than an index entry can be: of an alert's name so much is kept beside the labels."""
CALLED_MOST: Final = 50
"""How many episodes of one fingerprint are given at once."""
_EPISODES: Final = Bulk(table)

# Written out: a database uses a partial index only where it can read the index's condition in the query.
_FIRING: Final = sa.text("episode.status = 'firing'")
_HELD: Final = sa.text("episode.disposition = 'held' AND episode.status = 'firing'")

_UPDATES: Final = BulkUpdate(table, fixed=frozenset({"source", "alert_key", "opened_at", "alertname"}))


def _row(episode: Episode) -> tuple[Any, ...]:
    return (
        episode.id,
        episode.source,
        episode.key,
        episode.fingerprint,
        episode.labels,
        episode.annotations,
        episode.generator_url,
        episode.status.value,
        episode.starts_at,
        episode.ends_at,
        episode.opened_at,
        episode.updated_at,
        episode.closed_at,
        episode.refires,
        " ".join(sorted(episode.flags)),
        episode.disposition.value,
        episode.reason,
        episode.incident_id,
        episode.severity,
        episode.service,
        episode.team,
        episode.runbook,
        episode.group_hash,
        episode.why,
        _written(episode.changes) if episode.changes else None,
        _name(episode.labels),
    )


def _name(labels: Labels) -> str | None:
    name = labels.get("alertname")
    return name[:NAME_MOST] if name else None


def _value(row: Found) -> Episode:
    return Episode(
        id=row[0],
        source=row[1],
        key=row[2],
        fingerprint=row[3],
        labels=row[4],
        annotations=row[5],
        generator_url=row[6],
        status=Status(row[7]),
        starts_at=row[8],
        ends_at=row[9],
        opened_at=row[10],
        updated_at=row[11],
        closed_at=row[12],
        refires=row[13],
        flags=frozenset(map(Flag, row[14].split())) if row[14] else frozenset(),
        disposition=Disposition(row[15]),
        reason=row[16],
        incident_id=row[17],
        severity=row[18],
        service=row[19],
        team=row[20],
        runbook=row[21],
        group_hash=row[22],
        why=row[23],
        changes=_read(row[24]) if row[24] else (),
    )


def _written(changes: Sequence[Change]) -> list[Json]:
    return [[change.at.isoformat(), change.firing] for change in changes]


def _read(written: Iterable[tuple[str, bool]]) -> tuple[Change, ...]:
    return tuple(Change(at=datetime.fromisoformat(at), firing=firing) for at, firing in written)


def _found(tx: Tx, query: sa.Select[Any]) -> list[Episode]:
    return [_value(row) for row in tx.connection.execute(query)]


def found_episodes(tx: Tx, query: sa.Select[Any]) -> list[Episode]:
    """Give the episodes that a query of the whole table finds."""
    return _found(tx, query)


def _newest(asked: sa.FromClause) -> sa.Select[Any]:
    # The aggregate of a correlated query is one step into the index, however many episodes the key has had.
    older = table.alias("older")
    newest = sa.select(sa.func.max(older.c.id)).where(older.c.alert_key == asked.c.value).scalar_subquery()
    return sa.select(table).where(table.c.id.in_(sa.select(newest).select_from(asked)))


_NEWEST: Final = Asked(_newest)
_OF_GROUPS: Final = Asked(
    lambda asked: sa.select(table).where(_FIRING, one_of_asked(table.c.group_hash, asked))
)
_OF_INCIDENT: Final = Ready(
    sa.select(table)
    .where(table.c.incident_id == sa.bindparam("b_id"))
    .order_by(table.c.id.desc())
    .limit(sa.bindparam("b_limit", type_=sa.Integer))
)
_COUNT: Final = Asked(
    lambda asked: (
        sa.select(table.c.incident_id, sa.func.count())
        .where(_FIRING, table.c.incident_id.is_not(None), one_of_asked(table.c.incident_id, asked))
        .group_by(table.c.incident_id)
    ),
    sa.BigInteger,
)


def newest_episodes(tx: Tx, keys: Iterable[str]) -> dict[str, Episode]:
    """Give the newest episode, open or closed, of each alert key that has one."""
    wanted = list(keys)
    if not wanted:
        return {}
    return {episode.key: episode for episode in map(_value, _NEWEST(tx, wanted))}


def insert_episodes(
    tx: Tx, episodes: Sequence[Episode], *, incident_ids: Sequence[int | None] | None = None
) -> list[Episode]:
    """Store new episodes and give them back, in the same order, with their identifiers.

    With `incident_ids`, on these incidents. Where one of the alerts has a firing episode already, the transaction ends
    with LostRace.
    """
    ids = _EPISODES.ids(tx, len(episodes))
    attached = [episode.incident_id for episode in episodes] if incident_ids is None else incident_ids
    stored = [
        copied(episode, id=number, incident_id=incident_id)
        for episode, number, incident_id in zip(episodes, ids, attached, strict=True)
    ]
    _EPISODES.insert(tx, [_row(episode) for episode in stored])
    return stored


def update_episodes(tx: Tx, episodes: Sequence[Episode]) -> None:
    """Store the new state of known episodes; raises LostRace where one of them does not exist."""
    # Closed ones first, so that one alert's old episode makes room for its next one.
    ordered = sorted(episodes, key=lambda episode: (episode.status is Status.FIRING, episode.id))
    closed = [_row(episode) for episode in ordered if episode.status is not Status.FIRING]
    firing = [_row(episode) for episode in ordered if episode.status is Status.FIRING]
    if _UPDATES.update(tx, closed) + _UPDATES.update(tx, firing) != len(ordered):
        raise LostRace("an episode to update does not exist")


def move_episodes(tx: Tx, episode_ids: Collection[int], incident_id: int) -> None:
    """Put these episodes on another incident; to be called under the lock of the intake, which writes them whole."""
    if episode_ids:
        moved = (
            sa.update(table).where(among(tx, table.c.id, list(episode_ids))).values(incident_id=incident_id)
        )
        tx.connection.execute(moved)


def unmark(tx: Tx, incident_id: int, flag: Flag) -> None:
    """Take a flag from every episode of the incident; to be called under the lock of the intake."""
    found = [
        copied(episode, flags=episode.flags - {flag})
        for episode in episodes_of_incident(tx, incident_id)
        if flag in episode.flags
    ]
    update_episodes(tx, found)


def open_of_groups(tx: Tx, hashes: Iterable[str]) -> dict[str, list[Episode]]:
    """Give the firing episodes that these delivery groups told of last."""
    found: dict[str, list[Episode]] = {}
    wanted = list(hashes)
    if not wanted:
        return found
    for episode in map(_value, _OF_GROUPS(tx, wanted)):
        found.setdefault(episode.group_hash, []).append(episode)
    return found


def open_of_source(tx: Tx, source: str) -> list[Episode]:
    """Give every firing episode of one source, oldest first."""
    return _found(tx, sa.select(table).where(_FIRING, table.c.source == source).order_by(table.c.id))


def episodes_of_incident(tx: Tx, incident_id: int) -> list[Episode]:
    """Give every episode attached to the incident, oldest first."""
    return _found(tx, sa.select(table).where(table.c.incident_id == incident_id).order_by(table.c.id))


def some_of_incident(tx: Tx, incident_id: int, *, most: int | None) -> list[Episode]:
    """Give every episode of the incident, or the first ones and with them the one that began first, oldest first."""
    mine = sa.select(table).where(table.c.incident_id == incident_id)
    found = _found(tx, mine.order_by(table.c.id).limit(most))
    if most is None or len(found) < most:
        return found
    known = {one.id for one in found}
    begun = _found(tx, mine.order_by(table.c.starts_at, table.c.id).limit(1))
    return found + [one for one in begun if one.id not in known]


def first_of_each(tx: Tx, incident_ids: Collection[int], *, most: int) -> dict[int, list[Episode]]:
    """Give the first episodes of each of these incidents, oldest first; nothing for one that has none."""
    place = sa.func.row_number().over(partition_by=table.c.incident_id, order_by=table.c.id)
    numbered = (
        sa.select(table.c.id, place.label("place"))
        .where(among(tx, table.c.incident_id, incident_ids))
        .subquery()
    )
    wanted = sa.select(numbered.c.id).where(numbered.c.place <= most)
    found: dict[int, list[Episode]] = {}
    for one in _found(tx, sa.select(table).where(table.c.id.in_(wanted)).order_by(table.c.id)):
        found.setdefault(one.incident_id or 0, []).append(one)
    return found


def count_of_incident(tx: Tx, incident_id: int) -> int:
    """Count the episodes attached to the incident."""
    query = sa.select(sa.func.count()).where(table.c.incident_id == incident_id)
    return int(tx.connection.execute(query).scalar_one())


def count_firing(tx: Tx, incident_ids: Collection[int]) -> dict[int, int]:
    """Count the firing episodes of each incident; zero where there are none."""
    counts = dict.fromkeys(incident_ids, 0)
    if not counts:
        return counts
    counts.update((row[0], row[1]) for row in _COUNT(tx, counts))
    return counts


def count_unconfirmed(tx: Tx) -> int:
    """Count what fires here and was missing from a later body of its group: the reconciler asks its source (I8)."""
    marked = table.c.flags.contains(Flag.UNCONFIRMED.value)
    query = sa.select(sa.func.count()).select_from(table).where(_FIRING, marked)
    return int(tx.connection.execute(query).scalar_one())


def firing_labels(tx: Tx) -> list[tuple[str, Labels]]:
    """Give the alert key and labels of everything that fires."""
    query = sa.select(table.c.alert_key, table.c.labels).where(_FIRING)
    return [(row[0], row[1]) for row in tx.connection.execute(query)]


def fired_labels(
    tx: Tx, teams: Collection[str], start: datetime, end: datetime, *, most: int
) -> list[Labels]:
    """Give the labels of these teams' episodes that opened in `[start, end)`, the newest first.

    Those of private incidents are left out. Looks at the newest `most` episodes of all teams, so that it costs the
    same however many there are.
    """
    newest = sa.select(table.c.id).order_by(table.c.id.desc()).limit(most).subquery()
    query = (
        sa.select(table.c.labels, table.c.team)
        .join(newest, newest.c.id == table.c.id)
        .outerjoin(incident, incident.c.id == table.c.incident_id)
        .where(table.c.opened_at >= start, table.c.opened_at < end)
        .where(sa.or_(incident.c.id.is_(None), sa.not_(incident.c.private)))
        .order_by(table.c.id.desc())
    )
    return [row.labels for row in tx.connection.execute(query) if row.team in teams]


def episode(tx: Tx, episode_id: int) -> Episode | None:
    """Give one episode."""
    row = tx.connection.execute(sa.select(table).where(table.c.id == episode_id)).first()
    return None if row is None else _value(row)


def newest_called(tx: Tx, word: str, *, most: int) -> list[Episode]:
    """Give the episodes with this fingerprint, else those of this `alertname` among the newest `most`, newest first."""
    query = sa.select(table).order_by(table.c.id.desc())
    found = _found(tx, query.where(table.c.fingerprint == storable(word)).limit(CALLED_MOST))
    if found:
        return found
    wanted = word.casefold()
    newest = _found(tx, query.limit(most))
    return [one for one in newest if one.labels.get("alertname", "").casefold() == wanted]


def held_episodes(tx: Tx) -> list[Episode]:
    """Give the firing episodes that wait (disposition `held`), oldest first."""
    return _found(tx, sa.select(table).where(_HELD).order_by(table.c.id))


def counted_of_incident(tx: Tx, incident_id: int) -> list[tuple[str | None, str | None, Status, int]]:
    """Count the episodes attached to the incident by name, service and status, in no order."""
    alike = (table.c.alertname, table.c.service, table.c.status)
    query = sa.select(*alike, sa.func.count()).where(table.c.incident_id == incident_id).group_by(*alike)
    return [(row[0], row[1], Status(row[2]), row[3]) for row in tx.connection.execute(query)]


def newest_of_incident(tx: Tx, incident_id: int, *, limit: int) -> list[Episode]:
    """Give the newest episodes of one incident, the newest first."""
    return [_value(row) for row in _OF_INCIDENT(tx, {"b_id": incident_id, "b_limit": limit})]


def list_episodes(
    tx: Tx,
    *,
    status: Status | None = None,
    incident_id: int | None = None,
    source: str | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Episode]:
    """Give episodes, newest first, of those that satisfy every condition given."""
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if status is Status.FIRING:
        query = query.where(_FIRING)
    elif status is not None:
        query = query.where(table.c.status == status.value)
    if incident_id is not None:
        query = query.where(table.c.incident_id == incident_id)
    if source is not None:
        query = query.where(table.c.source == source)
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    return _found(tx, query)
