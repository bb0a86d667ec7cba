"""Rule S1: what is due is taken by one owner, for the length of a lease, and only if it may still be sent (P3, P6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from incident_bot.core.effects import PageKind
from incident_bot.core.lanes import Lanes, Pace, Waiting, passes
from incident_bot.core.model import Paging
from incident_bot.store.bulk import Asked, among, one_of_asked
from incident_bot.store.outbox.lanes import admit, beside, carry, heads_of_lanes, keep_state, lane_of
from incident_bot.store.outbox.values import Claimed, OutboxRow
from incident_bot.store.ready import Ready
from incident_bot.store.tables import incident
from incident_bot.store.tables import outbox as table
from incident_bot.store.tables.states import RowKind, RowState
from incident_bot.store.transaction import Tx


class _Fence(NamedTuple):
    """What of an incident decides whether its pages may go out."""

    paging: Paging
    epoch: int
    taken: tuple[str, ...]
    """Who has their part of it while others are still paged."""


_INSTANT: Final = table.c.ready_at.type
_ALONE: Final = Lanes(folding=False)
_FENCES: Final = Asked(
    lambda asked: (
        sa.select(incident.c.id, incident.c.paging, incident.c.epoch, incident.c.taken)
        .where(one_of_asked(incident.c.id, asked))
        .with_for_update(read=True, skip_locked=True)
    ),
    sa.BigInteger,
)
_TAKE: Final = Asked(
    lambda asked: (
        sa.update(table)
        .where(one_of_asked(table.c.id, asked))
        .values(
            state=RowState.SENDING.value,
            attempts=table.c.attempts + 1,
            lease_owner=sa.bindparam("b_owner", type_=sa.Text),
            lease_until=sa.bindparam("b_until", type_=_INSTANT),
            ready_at=sa.bindparam("b_until", type_=_INSTANT),
            claimed_at=sa.bindparam("b_now", type_=_INSTANT),
            lane=None,
            late_at=None,
        )
    ),
    sa.BigInteger,
)

_LATE: Final = Ready(
    sa.select(table.c.id)
    .where(table.c.late_at.is_not(None), table.c.late_at <= sa.bindparam("b_now", type_=_INSTANT))
    .limit(1)
)


def claim(
    tx: Tx, *, owner: str, lease: timedelta, limit: int, now: datetime, lanes: Lanes = _ALONE
) -> Claimed:
    """Take what is due and what its lane lets through: pages before messages, the worst severity first (S6).

    What another owner took and did not settle within its lease is due again. A page that must not be sent any more is
    cancelled instead, with the reason in `error`. Pages that go out in one message come as the one that carries the
    others (S7); what waits in a lane is not taken, so that it can still be taken back (P3).
    """
    # All locks skip what is held instead of waiting for it. Others lock the incident first and its pages second; we,
    # going the other way round, would wait for each other in a circle.
    admit(tx, lanes, now=now)
    due, states = heads_of_lanes(tx, lanes, limit=limit, now=now)
    groups = [_beside(tx, row, lanes) for row in due]
    fences = _fences(
        tx,
        {
            row.incident_id
            for group in groups
            for row in group
            if row.kind is RowKind.PAGE and row.incident_id
        },
    )
    until = now + lease
    picked = _Picked(fences)
    leaders = [leader for group in groups if (leader := picked.take(tx, group)) is not None]
    for name, count in passes([_waiting(row, lanes) for row in leaders]).items():
        pace = _pace(name, leaders, lanes)
        if pace is not None:
            keep_state(tx, states[name].used(count, pace, now=now))
    _take(
        tx,
        [row for leader in leaders for row in (leader, *leader.carries)],
        owner=owner,
        until=until,
        now=now,
    )
    _drop(tx, picked.dropped)
    return Claimed(
        rows=[_taken(leader, until) for leader in leaders],
        dropped=picked.dropped,
        late=_some_late(tx, now),
        busy=picked.busy,
    )


class _Picked:
    """Decides, group after group, what is taken, what is cancelled and what is left alone."""

    def __init__(self, fences: Mapping[int, _Fence]) -> None:
        self._fences = fences
        self._seen: set[int] = set()
        self.dropped: list[OutboxRow] = []
        self.busy = 0

    def take(self, tx: Tx, group: Sequence[OutboxRow]) -> OutboxRow | None:
        """Give the one of the group that carries the others, or None where nothing of it may be sent."""
        free: list[OutboxRow] = []
        for row in group:
            if row.id in self._seen:
                continue
            self._seen.add(row.id)
            if row.kind is RowKind.PAGE and row.incident_id not in self._fences:
                self.busy += 1
                continue
            reason = _obstacle(row, self._fences)
            if reason is None:
                free.append(row)
            else:
                self.dropped.append(
                    replace(row, state=RowState.CANCELLED, error=reason, lease_until=None, ready_at=None)
                )
        if not free:
            return None
        leader, *others = free
        if others:
            carry(tx, leader, free)
        return replace(leader, carries=tuple(replace(row, carried_by=leader.group) for row in others))


def _beside(tx: Tx, row: OutboxRow, lanes: Lanes) -> list[OutboxRow]:
    fold_from = lanes.fold_from(row.via)
    if row.kind is not RowKind.PAGE or fold_from is None:
        return [row]
    # The row itself first: it was chosen because it is the worst, and a question stands alone.
    group = [row, *(one for one in beside(tx, row) if one.id != row.id)]
    # What went out together before goes again so, however few they are by now.
    again = bool(row.attempts or row.carried_by)
    return group if again or len(group) >= fold_from else [row]


def _waiting(row: OutboxRow, lanes: Lanes) -> Waiting:
    return Waiting(0, row.rank, row.due_at, row.id, lane_of(row, lanes).name, row.via)


def _pace(name: str, leaders: Sequence[OutboxRow], lanes: Lanes) -> Pace | None:
    for row in leaders:
        for lane in (lane_of(row, lanes), lanes.total(row.via)):
            if lane.name == name:
                return lane.pace
    return None


def _taken(row: OutboxRow, until: datetime) -> OutboxRow:
    return replace(
        row,
        state=RowState.SENDING,
        attempts=row.attempts + 1,
        lease_until=until,
        ready_at=until,
        carries=tuple(_taken(one, until) for one in row.carries),
    )


def _some_late(tx: Tx, now: datetime) -> bool:
    return bool(_LATE(tx, {"b_now": now}))


def _fences(tx: Tx, incident_ids: Iterable[int]) -> dict[int, _Fence]:
    wanted = sorted(incident_ids)
    if not wanted:
        return {}
    return {row[0]: _Fence(Paging(row[1]), row[2], tuple(row[3] or ())) for row in _FENCES(tx, wanted)}


def _obstacle(row: OutboxRow, fences: Mapping[int, _Fence]) -> str | None:
    """Say why a row must not be sent, or None."""
    if row.kind is not RowKind.PAGE or row.incident_id is None:
        return None
    fence = fences[row.incident_id]
    if row.epoch != fence.epoch:
        return f"planned in epoch {row.epoch}, the incident is in epoch {fence.epoch}"
    if row.page_kind is PageKind.DIRECT:
        return None if fence.paging.is_open else f"the incident is {fence.paging.value}"
    if row.page_kind is PageKind.NOTE:
        return None if fence.paging is not Paging.TRIGGERED else "it is paged for again"
    if row.page_kind is PageKind.ASK:
        return None if fence.paging is Paging.ACKNOWLEDGED else f"the incident is {fence.paging.value}"
    if fence.paging is not Paging.TRIGGERED:
        return f"the incident is {fence.paging.value}"
    return f"{row.person} has their part of it" if row.person in fence.taken else None


def _take(tx: Tx, rows: Sequence[OutboxRow], *, owner: str, until: datetime, now: datetime) -> None:
    if not rows:
        return
    _TAKE(tx, [row.id for row in rows], {"b_owner": owner, "b_until": until, "b_now": now})


def _drop(tx: Tx, rows: Sequence[OutboxRow]) -> None:
    reasons: dict[Any, list[int]] = {}
    for row in rows:
        reasons.setdefault(row.error, []).append(row.id)
    for reason, numbers in reasons.items():
        tx.connection.execute(
            sa.update(table)
            .where(among(tx, table.c.id, numbers))
            .values(
                state=RowState.CANCELLED.value,
                error=reason,
                ready_at=None,
                lease_owner=None,
                lease_until=None,
                lane=None,
                late_at=None,
            )
        )
