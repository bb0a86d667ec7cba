"""Post-mortems as people saved them, version by version, lists of them, and the conditions of follow-ups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.model import Incident
from incident_bot.store.bulk import among, upserts
from incident_bot.store.incidents.rows import incident_value
from incident_bot.store.tables import followup_proof as proof_table
from incident_bot.store.tables import incident as incident_table
from incident_bot.store.tables import postmortem as table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

# Written out: a database uses a partial index only where it can read the index's condition in the query.
_WANTED: Final = sa.text("incident.review_state IS NOT NULL")
_WITH_FOLLOWUPS: Final = sa.text("incident.followups IS NOT NULL")
_OVER: Final = ("published", "waived")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPostmortem:
    """One version of a post-mortem."""

    incident_id: int
    text: str
    saved_by: str
    saved_at: datetime
    version: int
    done: int | None = None
    """How many of `total` parts were there, and the blanks worth filling; None where it was not counted."""
    total: int | None = None
    missing: tuple[str, ...] = ()


def save(
    tx: Tx,
    incident_id: int,
    text: str,
    *,
    after: int,
    by: str,
    counts: tuple[int, int, Sequence[str]] | None = None,
    now: datetime,
) -> SavedPostmortem:
    """Store the version that follows `after`; older ones stay. Raises LostRace where another one follows it already."""
    done, total, missing = counts or (None, None, ())
    columns = {
        "incident_id": incident_id,
        "text": text,
        "saved_by": by,
        "saved_at": now,
        "version": after + 1,
        "done": done,
        "total": total,
        "missing": list(missing) if counts else None,
    }
    tx.connection.execute(sa.insert(table).values(columns))
    return SavedPostmortem(
        incident_id=incident_id, text=text, saved_by=by, saved_at=now, version=after + 1, done=done,
        total=total, missing=tuple(missing),
    )  # fmt: skip


def newest(tx: Tx, incident_id: int) -> SavedPostmortem | None:
    """Give the newest saved version of an incident's post-mortem."""
    query = sa.select(table).where(table.c.incident_id == incident_id)
    row = tx.connection.execute(query.order_by(table.c.version.desc()).limit(1)).first()
    return None if row is None else _saved(row)


def version(tx: Tx, incident_id: int, number: int) -> SavedPostmortem | None:
    """Give one version."""
    query = sa.select(table).where(table.c.incident_id == incident_id, table.c.version == number)
    row = tx.connection.execute(query).first()
    return None if row is None else _saved(row)


def history(tx: Tx, incident_id: int, *, limit: int) -> list[SavedPostmortem]:
    """Give who saved which version when, the newest first, without the texts."""
    columns = [column for column in table.c if column.name != "text"]
    query = sa.select(*columns, sa.literal("").label("text")).where(table.c.incident_id == incident_id)
    return [_saved(row) for row in tx.connection.execute(query.order_by(table.c.version.desc()).limit(limit))]


def counted(tx: Tx, incident_ids: Collection[int]) -> dict[int, SavedPostmortem]:
    """Give the newest version of each of these, without its text."""
    if not incident_ids:
        return {}
    newest_of = (
        sa.select(table.c.incident_id, sa.func.max(table.c.version).label("version"))
        .where(among(tx, table.c.incident_id, list(incident_ids)))
        .group_by(table.c.incident_id)
        .subquery()
    )
    columns = [column for column in table.c if column.name != "text"]
    query = sa.select(*columns, sa.literal("").label("text")).join(
        newest_of,
        sa.and_(newest_of.c.incident_id == table.c.incident_id, newest_of.c.version == table.c.version),
    )
    return {row.incident_id: _saved(row) for row in tx.connection.execute(query)}


def _saved(row: Found) -> SavedPostmortem:
    return SavedPostmortem(
        incident_id=row.incident_id,
        text=row.text,
        saved_by=row.saved_by,
        saved_at=row.saved_at,
        version=row.version,
        done=row.done,
        total=row.total,
        missing=tuple(row.missing or ()),
    )


def undrafted(tx: Tx, *, but: Collection[int] = ()) -> int | None:
    """Give an incident that is over, wants a post-mortem and has no version of one; the oldest first."""
    none = ~sa.exists().where(table.c.incident_id == incident_table.c.id)
    query = sa.select(incident_table.c.id).where(
        _WANTED, incident_table.c.review_state == "draft", incident_table.c.resolved_at.is_not(None), none
    )
    if but:
        query = query.where(incident_table.c.id.not_in(list(but)))
    found: int | None = tx.connection.execute(query.order_by(incident_table.c.id).limit(1)).scalar()
    return found


def list_reviews(
    tx: Tx,
    *,
    state: str | None = None,
    owner: str | None = None,
    team: str | None = None,
    overdue_at: datetime | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Incident]:
    """Give the incidents that want a post-mortem, newest first; with `overdue_at` those whose date has passed."""
    query = sa.select(incident_table).where(_WANTED)
    if state == "open":
        query = query.where(incident_table.c.review_state.not_in(_OVER))
    elif state is not None:
        query = query.where(incident_table.c.review_state == state)
    if owner is not None:
        query = query.where(incident_table.c.review_owner == owner)
    if team is not None:
        query = query.where(incident_table.c.team == team)
    if overdue_at is not None:
        query = query.where(
            incident_table.c.review_due < overdue_at, incident_table.c.review_state.not_in(_OVER)
        )
    return _page(tx, query, before_id, limit)


def list_with_followups(
    tx: Tx, *, team: str | None = None, before_id: int | None = None, limit: int
) -> list[Incident]:
    """Give the incidents that have follow-ups, newest first."""
    query = sa.select(incident_table).where(_WITH_FOLLOWUPS)
    return _page(tx, query if team is None else query.where(incident_table.c.team == team), before_id, limit)


def _page(tx: Tx, query: sa.Select[Any], before_id: int | None, limit: int) -> list[Incident]:
    if before_id is not None:
        query = query.where(incident_table.c.id < before_id)
    rows = tx.connection.execute(query.order_by(incident_table.c.id.desc()).limit(limit))
    return [incident_value(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The condition of one follow-up."""

    incident_id: int
    number: int
    query: str
    due_at: datetime | None
    attempts: int = 0
    holds: bool | None = None
    said: str | None = None
    asked_at: datetime | None = None


_PLAN: Final = upserts(
    proof_table,
    ["incident_id", "number"],
    lambda new: {"query": new.query, "due_at": new.due_at, "attempts": 0},
)


def plan(tx: Tx, incident_id: int, number: int, query: str, *, due_at: datetime) -> None:
    """Have the condition of a follow-up asked then."""
    row = {
        "incident_id": incident_id,
        "number": number,
        "query": query,
        "due_at": due_at,
        "attempts": 0,
        "holds": None,
        "said": None,
        "asked_at": None,
    }
    _PLAN(tx, [row])


def next_proof(tx: Tx) -> datetime | None:
    """Give when the next condition is to be asked; None where none is."""
    found: datetime | None = tx.connection.execute(
        sa.select(sa.func.min(proof_table.c.due_at)).where(proof_table.c.due_at.is_not(None))
    ).scalar()
    return found


def claim(tx: Tx, *, until: datetime, now: datetime) -> Proof | None:
    """Take the condition that is due for longest; nobody else gets it before `until`."""
    query = (
        sa.select(proof_table)
        .where(proof_table.c.due_at.is_not(None), proof_table.c.due_at <= now)
        .order_by(proof_table.c.due_at, proof_table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.connection.execute(query).first()
    if row is None:
        return None
    tx.connection.execute(
        sa.update(proof_table)
        .where(proof_table.c.id == row.id)
        .values(due_at=until, attempts=proof_table.c.attempts + 1)
    )
    return _proof(row)


def settle(
    tx: Tx,
    proof: Proof,
    *,
    holds: bool | None,
    said: str,
    due_at: datetime | None,
    attempts: int = 0,
    now: datetime,
) -> None:
    """Note what came of asking, and when it is asked again."""
    tx.connection.execute(
        sa.update(proof_table)
        .where(proof_table.c.incident_id == proof.incident_id, proof_table.c.number == proof.number)
        .values(holds=holds, said=said, due_at=due_at, attempts=attempts, asked_at=now)
    )


def proofs_of(tx: Tx, incident_ids: Collection[int]) -> dict[tuple[int, int], Proof]:
    """Give the conditions of these incidents' follow-ups by incident and number."""
    if not incident_ids:
        return {}
    query = sa.select(proof_table).where(among(tx, proof_table.c.incident_id, list(incident_ids)))
    return {(row.incident_id, row.number): _proof(row) for row in tx.connection.execute(query)}


def _proof(row: Found) -> Proof:
    return Proof(
        incident_id=row.incident_id,
        number=row.number,
        query=row.query,
        due_at=row.due_at,
        attempts=row.attempts,
        holds=row.holds,
        said=row.said,
        asked_at=row.asked_at,
    )
