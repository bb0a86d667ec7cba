"""Graphs as rows: a capture is asked for, taken by one owner at a time, and leaves the series of its expressions.

An incident keeps a dozen captures: of more, the oldest goes, but never the first, and never one that is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.model import JsonObject
from incident_bot.store.tables import capture as capture_table
from incident_bot.store.tables import graph as graph_table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

CAPTURES_MOST: Final = 12
_NEXT: Final = sa.select(sa.func.min(capture_table.c.due_at)).where(capture_table.c.due_at.is_not(None))
_LISTED: Final = [column for column in graph_table.columns if column.name != "series"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCapture:
    """A look that is wanted."""

    incident_id: int
    moment: str
    """`opened`, `phase`, `resolved` or `asked`."""
    what: str
    """The same in words: `monitoring`."""
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A look as it is claimed or read."""

    id: int
    incident_id: int
    moment: str
    what: str
    asked_by: str
    asked_at: datetime
    waiting: bool
    attempts: int
    taken_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGraph:
    """One expression as it was drawn."""

    kind: str
    title: str
    about: JsonObject
    series: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One expression as it is kept."""

    number: int
    capture_id: int
    kind: str
    title: str
    taken_at: datetime
    about: JsonObject
    series: JsonObject
    """Empty in lists."""


def ask(tx: Tx, wanted: Sequence[NewCapture], *, now: datetime) -> None:
    """Have these looks taken, at once."""
    for one in wanted:
        values = {
            "incident_id": one.incident_id,
            "moment": one.moment,
            "what": one.what,
            "asked_by": one.by,
            "asked_at": now,
            "due_at": now,
            "lease_owner": None,
            "attempts": 0,
            "taken_at": None,
            "error": None,
        }
        tx.connection.execute(sa.insert(capture_table).values(**values))
        if one.moment != "opened":
            _trim(tx, one.incident_id)


def next_due(tx: Tx) -> datetime | None:
    """Give the next instant at which a look is due; None where none is."""
    return tx.connection.execute(_NEXT).scalar()


def claim(tx: Tx, *, owner: str, lease: timedelta, now: datetime) -> Capture | None:
    """Take the next look, for the length of a lease."""
    query = (
        sa.select(capture_table)
        .where(capture_table.c.due_at.is_not(None), capture_table.c.due_at <= now)
        .order_by(capture_table.c.due_at, capture_table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.connection.execute(query).first()
    if row is None:
        return None
    values = {"due_at": now + lease, "lease_owner": owner}
    tx.connection.execute(sa.update(capture_table).where(capture_table.c.id == row.id).values(**values))
    return _capture(row)


def later(tx: Tx, capture: Capture, *, owner: str, due_at: datetime | None, error: str) -> None:
    """Give a look back for another attempt, or for good where there is no time for one."""
    _settle(tx, capture, owner, {"due_at": due_at, "attempts": capture.attempts + 1, "error": error})


def taken(
    tx: Tx, capture: Capture, graphs: Sequence[NewGraph], *, owner: str, error: str | None, now: datetime
) -> bool:
    """Keep what a look brought; says whether it was still the owner's. The incident's row is locked."""
    values = {"due_at": None, "taken_at": now, "error": error}
    if not _settle(tx, capture, owner, values):
        return False
    last = sa.select(sa.func.max(graph_table.c.number)).where(
        graph_table.c.incident_id == capture.incident_id
    )
    number = int(tx.connection.execute(last).scalar() or 0)
    for place, graph in enumerate(graphs, 1):
        tx.connection.execute(
            sa.insert(graph_table).values(
                incident_id=capture.incident_id,
                capture_id=capture.id,
                number=number + place,
                kind=graph.kind,
                title=graph.title,
                taken_at=now,
                about=graph.about,
                series=graph.series,
            )
        )
    return True


def captures(tx: Tx, incident_id: int) -> list[Capture]:
    """Give an incident's looks, the first first."""
    query = sa.select(capture_table).where(capture_table.c.incident_id == incident_id)
    return [_capture(row) for row in tx.connection.execute(query.order_by(capture_table.c.id))]


def listed(tx: Tx, incident_id: int) -> list[Graph]:
    """Give an incident's graphs by their numbers, without their series."""
    query = sa.select(*_LISTED).where(graph_table.c.incident_id == incident_id)
    return [_graph(row, {}) for row in tx.connection.execute(query.order_by(graph_table.c.number))]


def last_of_sources(tx: Tx, *, limit: int) -> dict[str, datetime]:
    """Give when each source last had a graph taken, by the newest `limit` graphs."""
    query = sa.select(graph_table.c.about, graph_table.c.taken_at).order_by(graph_table.c.id.desc())
    found: dict[str, datetime] = {}
    for row in tx.connection.execute(query.limit(limit)):
        found.setdefault(str(row.about.get("source")), row.taken_at)
    return found


def of(tx: Tx, incident_id: int, number: int) -> Graph | None:
    """Give one graph with its series; None where there is no such graph."""
    query = sa.select(graph_table).where(
        graph_table.c.incident_id == incident_id, graph_table.c.number == number
    )
    row = tx.connection.execute(query).first()
    return None if row is None else _graph(row, row.series)


def shown_upto(tx: Tx, incident_id: int) -> int:
    """Give the number of the last graph that a room should show: those of the opening stand on the page alone."""
    query = (
        sa.select(sa.func.max(graph_table.c.number))
        .join(capture_table, capture_table.c.id == graph_table.c.capture_id)
        .where(graph_table.c.incident_id == incident_id, capture_table.c.moment != "opened")
    )
    return int(tx.connection.execute(query).scalar() or 0)


def release(tx: Tx, *, owner: str | None = None, now: datetime) -> int:
    """Have looks that are being taken due now, and say how many: those of one owner, or of everybody who is gone."""
    held = capture_table.c.lease_owner.is_not(None) if owner is None else capture_table.c.lease_owner == owner
    changed = sa.update(capture_table).where(capture_table.c.due_at.is_not(None), held)
    return tx.connection.execute(changed.values(lease_owner=None, due_at=now)).rowcount


def _trim(tx: Tx, incident_id: int) -> None:
    query = (
        sa.select(capture_table.c.id, capture_table.c.due_at)
        .where(capture_table.c.incident_id == incident_id)
        .order_by(capture_table.c.id)
    )
    rows = tx.connection.execute(query).all()
    settled = [row.id for row in rows[1:] if row.due_at is None]
    gone = settled[: max(0, len(rows) - CAPTURES_MOST)]
    if gone:
        tx.connection.execute(sa.delete(graph_table).where(graph_table.c.capture_id.in_(gone)))
        tx.connection.execute(sa.delete(capture_table).where(capture_table.c.id.in_(gone)))


def _settle(tx: Tx, capture: Capture, owner: str, values: dict[str, Any]) -> bool:
    where = (capture_table.c.id == capture.id, capture_table.c.lease_owner == owner)
    changed = sa.update(capture_table).where(*where).values(lease_owner=None, **values)
    return tx.connection.execute(changed).rowcount > 0


def _capture(row: Found) -> Capture:
    return Capture(
        id=row.id,
        incident_id=row.incident_id,
        moment=row.moment,
        what=row.what,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        waiting=row.due_at is not None,
        attempts=row.attempts,
        taken_at=row.taken_at,
        error=row.error,
    )


def _graph(row: Found, series: JsonObject) -> Graph:
    return Graph(
        number=row.number,
        capture_id=row.capture_id,
        kind=row.kind,
        title=row.title,
        taken_at=row.taken_at,
        about=row.about,
        series=series,
    )
