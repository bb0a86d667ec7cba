"""The lanes, kept for all replicas: what is due is put in line, and each line's head is found by an index.

A row in a lane is not claimed yet: whoever takes its incident still takes it back (P3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from incident_bot.core.effects import Moment, PageKind
from incident_bot.core.lanes import (
    LATE,
    TOGETHER_MOST,
    Lane,
    Lanes,
    LaneState,
    Waiting,
    choose,
    folds_with,
    priority_of,
)
from incident_bot.store.bulk import Asked, among, one_of_asked, upserts
from incident_bot.store.outbox.rows import every, row_value
from incident_bot.store.outbox.settling import note_lost_attempts
from incident_bot.store.outbox.values import OutboxRow
from incident_bot.store.ready import Ready
from incident_bot.store.tables import lane as lane_table
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import RowKind, RowState
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found, storable

ADMITTED: Final = 2000
"""Rows put in line by one statement."""
FORGOTTEN_AFTER: Final = timedelta(days=1)
LOOKED_AT_BY_ANOTHER: Final = timedelta(milliseconds=50)
"""How long a lane is left to whoever looks at it just now."""

_INSTANT: Final = table.c.ready_at.type
_IN_LANE: Final = sa.text("outbox.lane IS NOT NULL")
_WAITS: Final = table.c.state == RowState.PENDING.value
_ORDER: Final = (table.c.priority, table.c.rank, table.c.due_at, table.c.id)
# Written out: a database uses a partial index only where it can read the index's condition in the query.
_DUE: Final = Ready(
    every()
    .where(
        sa.text("outbox.ready_at IS NOT NULL AND outbox.lane IS NULL"),
        table.c.ready_at <= sa.bindparam("b_now", type_=_INSTANT),
    )
    .order_by(table.c.ready_at)
    .limit(ADMITTED)
    .with_for_update(skip_locked=True)
)
_FIRST: Final = sa.select(sa.func.min(table.c.ready_at)).where(
    sa.text("outbox.ready_at IS NOT NULL AND outbox.lane IS NULL")
)
_FIRST_LATE: Final = sa.select(sa.func.min(table.c.late_at)).where(table.c.late_at.is_not(None))
_NEXT: Final = Ready(_FIRST)
_NEXT_OR_LATE: Final = Ready(sa.select(_FIRST.scalar_subquery(), _FIRST_LATE.scalar_subquery()))
_LONGEST: Final = Ready(sa.select(sa.func.min(table.c.ready_at)).where(_IN_LANE, _WAITS))
_PUT: Final = Asked(
    lambda asked: (
        sa.update(table)
        .where(one_of_asked(table.c.id, asked))
        .values(
            state=RowState.PENDING.value,
            lane=sa.bindparam("b_lane", type_=table.c.lane.type),
            priority=sa.bindparam("b_priority", type_=sa.Integer),
            late_at=sa.bindparam("b_late", type_=_INSTANT),
            lease_owner=None,
            lease_until=None,
        )
    ),
    sa.BigInteger,
)
_ROWS: Final = Asked(
    lambda asked: every().where(one_of_asked(table.c.id, asked), _WAITS).with_for_update(skip_locked=True),
    sa.BigInteger,
)
_OF_LANE: Final = Ready(
    every()
    .where(_IN_LANE, _WAITS, table.c.lane == sa.bindparam("b_lane", type_=table.c.lane.type))
    .order_by(*_ORDER)
    .limit(sa.bindparam("b_limit", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_STATES: Final = Asked(
    lambda asked: (
        sa.select(lane_table)
        .where(one_of_asked(lane_table.c.name, asked))
        .order_by(lane_table.c.name)
        .with_for_update(skip_locked=True)
    )
)
_KEEP: Final = upserts(
    lane_table, ["name"], lambda new: {"free_at": new["free_at"], "opens_at": new["opens_at"]}
)
_MAKE: Final[Mapping[bool, Any]] = {
    True: sqlite.insert(lane_table).on_conflict_do_nothing(),
    False: postgresql.insert(lane_table).on_conflict_do_nothing(),
}


def _heads() -> sa.Select[Any]:
    """Give the first row of every lane in which something waits: one step into the index for each lane."""
    first = sa.select(sa.func.min(table.c.lane).label("lane")).where(_IN_LANE).cte("waiting", recursive=True)
    after = sa.select(sa.func.min(table.c.lane)).where(_IN_LANE, table.c.lane > first.c.lane)
    lanes = first.union_all(sa.select(after.scalar_subquery()).where(first.c.lane.is_not(None)))
    row = table.alias("head")
    head = (
        sa.select(row.c.id)
        .where(
            sa.text("head.lane IS NOT NULL"),
            row.c.lane == lanes.c.lane,
            row.c.state == RowState.PENDING.value,
        )
        .order_by(row.c.priority, row.c.rank, row.c.due_at, row.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(head).where(lanes.c.lane.is_not(None))


def _with_lanes(asked: sa.FromClause) -> sa.Select[Any]:
    """Give the place of these rows, and when their lanes open."""
    narrow, total = lane_table.alias("narrow"), lane_table.alias("total")
    return (
        sa.select(
            *_ORDER, table.c.ready_at, table.c.lane, table.c.via, table.c.recipient, table.c.person, table.c.moment,
            narrow.c.opens_at, total.c.opens_at.label("all_open_at"),
        )
        .select_from(table)
        .outerjoin(narrow, narrow.c.name == table.c.lane)
        .outerjoin(total, total.c.name == table.c.via)
        .where(one_of_asked(table.c.id, asked))
    )  # fmt: skip


_HEADS: Final = Ready(_heads())
# Two questions: joined in one, PostgreSQL reads the whole table to find a hundred rows.
_PLACES: Final = Asked(_with_lanes, sa.BigInteger)


def _waiting_heads(tx: Tx) -> list[Found]:
    numbers = [number for number in _HEADS(tx).scalars() if number is not None]
    return list(_PLACES(tx, numbers)) if numbers else []


def admit(tx: Tx, lanes: Lanes, *, now: datetime) -> None:
    """Put everything that has fallen due in line; an attempt whose lease ran out is noted as unknown (S4)."""
    while True:
        found = _DUE(tx, {"b_now": now})
        rows = [row_value(row) for row in found]
        lost = [
            (row, raw.claimed_at)
            for row, raw in zip(rows, found, strict=True)
            if row.state is RowState.SENDING
        ]
        note_lost_attempts(tx, lost)
        places: dict[tuple[str, int, datetime | None], list[int]] = {}
        for row in rows:
            places.setdefault(_place(row, lanes, now), []).append(row.id)
        for (name, priority, late), numbers in places.items():
            _PUT(tx, numbers, {"b_lane": name, "b_priority": priority, "b_late": late})
        if len(found) < ADMITTED:
            return


def _place(row: OutboxRow, lanes: Lanes, now: datetime) -> tuple[str, int, datetime | None]:
    is_page = row.kind is RowKind.PAGE
    priority = priority_of(page=(row.page_kind or PageKind.STEP) if is_page else None, moment=row.moment)
    # Once for each page: what was tried before has its next channel from the attempt that failed (S5).
    late = now + LATE if is_page and not row.attempts else None
    return lane_of(row, lanes).name, int(priority), late


def lane_of(row: OutboxRow, lanes: Lanes) -> Lane:
    """Give the lane in which a row waits."""
    return lanes.lane(row.via, row.recipient or row.person or "", row.moment)


def heads_of_lanes(
    tx: Tx, lanes: Lanes, *, limit: int, now: datetime
) -> tuple[list[OutboxRow], dict[str, LaneState]]:
    """Give the rows that may go now, the most important first, locked, and the states of their lanes that are paced."""
    heads = sorted(_waiting_heads(tx), key=lambda row: tuple(row)[:4])
    heads = [row for row in heads if _open(row, now)][:limit]
    if not heads:
        return [], {}
    known = {row.lane: lanes.lane(row.via, row.recipient or row.person or "", _moment(row)) for row in heads}
    totals = {row.via: lanes.total(row.via) for row in heads}
    paced = {lane.name: lane.pace for lane in (*known.values(), *totals.values()) if lane.pace is not None}
    states = _states(tx, paced, now=now)
    rooms = dict.fromkeys({*known, *totals}, limit) | {
        name: states[name].room(pace, now=now, most=limit) if name in states else 0
        for name, pace in paced.items()
    }
    found: dict[int, OutboxRow] = {}
    waiting: list[Waiting] = []
    for raw in _candidates(tx, [(row.lane, row.id) for row in heads], rooms):
        row = row_value(raw)
        found[row.id] = row
        waiting.append(Waiting(raw.priority, row.rank, row.due_at, row.id, raw.lane, row.via))
    return [found[one.id] for one in choose(waiting, rooms, most=limit)], states


def _open(head: Found, now: datetime) -> bool:
    return all(at is None or at <= now for at in (head.opens_at, head.all_open_at))


def _moment(row: Found) -> Moment | None:
    return None if row.moment is None else Moment(row.moment)


def _candidates(tx: Tx, heads: Sequence[tuple[str, int]], rooms: Mapping[str, int]) -> Iterable[Found]:
    alone = [number for name, number in heads if rooms[name] == 1]
    if alone:
        yield from _ROWS(tx, alone)
    for name, _ in heads:
        if rooms[name] > 1:
            yield from _OF_LANE(tx, {"b_lane": name, "b_limit": rooms[name]})


def _states(tx: Tx, names: Collection[str], *, now: datetime) -> dict[str, LaneState]:
    """Give the paced lanes that nobody else looks at just now, locked; what was never used is made."""
    states = _locked(tx, names)
    missing = sorted(set(names) - set(states))
    if missing:
        stale = (lane_table.c.free_at < now - FORGOTTEN_AFTER, lane_table.c.opens_at < now)
        gone = sa.select(lane_table.c.name).where(*stale).with_for_update(skip_locked=True)
        tx.connection.execute(
            sa.delete(lane_table).where(lane_table.c.name.in_(gone), lane_table.c.name.not_in(missing))
        )
        tx.connection.execute(
            _MAKE[tx.sqlite], [{"name": name, "free_at": None, "opens_at": None} for name in missing]
        )
        states |= _locked(tx, missing)
    return states


def _locked(tx: Tx, names: Iterable[str]) -> dict[str, LaneState]:
    asked = [storable(name) for name in names]
    return {row.name: LaneState(name=row.name, free_at=row.free_at, opens_at=row.opens_at)
            for row in (_STATES(tx, asked) if asked else ())}  # fmt: skip


def keep_state(tx: Tx, state: LaneState) -> None:
    """Write what a lane has let through."""
    values = {"name": state.name, "free_at": state.free_at, "opens_at": state.opens_at}
    _KEEP(tx, [values])


def reserve(tx: Tx, wanted: Sequence[Lane], *, spare: Mapping[str, int], now: datetime) -> datetime | None:
    """Take one place in each of these lanes for what does not wait here; gives when to come again where one is full.

    All of them or none, and safe for several replicas. `spare` says by lane how many places are left to what waits
    here, so that pages go first (S6).
    """
    lanes = {lane.name: lane for lane in wanted}
    states = _states(tx, lanes, now=now)
    if len(states) < len(lanes):
        return now + LOOKED_AT_BY_ANOTHER
    waits = [states[name].wait(lane.pace, spare=spare.get(name, 0), now=now) for name, lane in lanes.items()]
    latest = max((at for at in waits if at is not None), default=None)
    if latest is None:
        for name, lane in lanes.items():
            if lane.pace is not None:
                keep_state(tx, states[name].used(1, lane.pace, now=now))
    return latest


def close_lane(tx: Tx, lane: Lane, until: datetime) -> None:
    """Let nothing of a lane through until then: its provider asked for that."""
    row = tx.connection.execute(
        sa.select(lane_table).where(lane_table.c.name == storable(lane.name)).with_for_update()
    ).first()
    state = LaneState(
        name=lane.name, free_at=row.free_at if row else None, opens_at=row.opens_at if row else None
    )
    keep_state(tx, state.closed(until, lane.pace))


def beside(tx: Tx, row: OutboxRow) -> list[OutboxRow]:
    """Give the pages that may stand in one message with this one, itself included, the worst first, locked (S7).

    What was sent before goes again with the same others or fewer, never with more: a provider that takes the second
    attempt for a repetition of the first would swallow those.
    """
    page = row.page_kind or PageKind.STEP
    query = every().where(_IN_LANE, _WAITS)
    if row.attempts or row.carried_by:
        query = query.where(sa.or_(table.c.carried_by == row.group, table.c.id == row.group))
    else:
        query = query.where(
            sa.text("outbox.page_kind IS NOT NULL"),
            table.c.person == storable(row.person or ""),
            table.c.via == row.via,
            table.c.page_kind.in_(sorted(folds_with(page))),
            table.c.attempts == 0,
            table.c.carried_by.is_(None),
        )
    query = query.order_by(table.c.rank, table.c.due_at, table.c.id).limit(TOGETHER_MOST)
    return [row_value(one) for one in tx.connection.execute(query.with_for_update(skip_locked=True))]


def carry(tx: Tx, leader: OutboxRow, others: Sequence[OutboxRow]) -> None:
    """Note that these pages stand in the message of another one."""
    numbers = [one.id for one in others if one.id != leader.group]
    tx.connection.execute(
        sa.update(table).where(among(tx, table.c.id, numbers)).values(carried_by=leader.group)
    )


def together(tx: Tx, row: OutboxRow) -> list[OutboxRow]:
    """Give all pages that stand or stood in one message with this one, itself included, the worst first."""
    same = sa.or_(table.c.carried_by == row.group, table.c.id == row.group)
    query = every().where(same).order_by(table.c.rank, table.c.due_at, table.c.id)
    return [row_value(one) for one in tx.connection.execute(query)]


def beside_pages(tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, tuple[int, int]]:
    """Give, for pages that shared a message, the worst other incident in it and how many more there were."""
    groups = {row.group for row in rows}
    query = (
        sa.select(table.c.id, table.c.carried_by, table.c.incident_id)
        .where(sa.or_(among(tx, table.c.carried_by, groups), among(tx, table.c.id, groups)))
        .order_by(table.c.rank, table.c.due_at, table.c.id)
    )
    members: dict[int, dict[int, None]] = {}
    for one in tx.connection.execute(query):
        members.setdefault(one.carried_by or one.id, {})[one.incident_id] = None
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        others = [number for number in members.get(row.group, {}) if number != row.incident_id]
        if others:
            found[row.id] = (others[0], len(others) - 1)
    return found


def late_pages(tx: Tx, *, limit: int, now: datetime) -> list[OutboxRow]:
    """Give pages that have waited in a lane for too long and whose next channel was not hastened yet (S6)."""
    query = every().where(table.c.late_at.is_not(None), table.c.late_at <= now)
    return [row_value(one) for one in tx.connection.execute(query.order_by(table.c.late_at).limit(limit))]


def hasten_past(tx: Tx, rows: Sequence[OutboxRow], *, now: datetime) -> list[tuple[OutboxRow, OutboxRow]]:
    """Make the next page of the same person and step ready for each late one, once; gives late page and next page.

    Whoever calls it has locked the incidents of the rows.
    """
    marked = sa.update(table).where(
        among(tx, table.c.id, [row.id for row in rows]), table.c.late_at.is_not(None)
    )
    fresh = set(tx.connection.execute(marked.values(late_at=None).returning(table.c.id)).scalars())
    query = every().where(
        among(tx, table.c.incident_id, {row.incident_id for row in rows if row.incident_id}),
        _WAITS,
        table.c.lane.is_(None),
        table.c.ready_at > now,
    )
    following: dict[tuple[object, ...], OutboxRow] = {}
    for one in tx.connection.execute(query.order_by(table.c.ready_at.desc(), table.c.id.desc())):
        following[_of_step(row_value(one))] = row_value(one)
    found = [
        (row, following[_of_step(row)]) for row in rows if row.id in fresh and _of_step(row) in following
    ]
    chosen = among(tx, table.c.id, [then.id for _, then in found])
    tx.connection.execute(sa.update(table).where(chosen, _WAITS).values(ready_at=now))
    return found


def _of_step(row: OutboxRow) -> tuple[object, ...]:
    return (row.incident_id, row.person, row.page_kind, row.epoch, row.loop, row.step)


def next_due(tx: Tx) -> datetime | None:
    """Give the next instant at which something can be done, an expired lease included; None where nothing waits."""
    found = list(*_NEXT_OR_LATE(tx))
    for head in _waiting_heads(tx):
        opens = [at for at in (head.opens_at, head.all_open_at) if at is not None]
        found.append(max([head.ready_at, *opens]))
    return min((at for at in found if at is not None), default=None)


def oldest_due(tx: Tx, *, now: datetime) -> datetime | None:
    """Give the instant since which the longest overdue row waits, in a lane or not; None where nothing is due."""
    found = [query(tx).scalar() for query in (_NEXT, _LONGEST)]
    oldest = min((at for at in found if at is not None), default=None)
    return oldest if oldest is not None and oldest <= now else None
