"""Deliveries as they came in, and what was last applied of each delivery group (I1, I4)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.core.model import Rejected
from incident_bot.store.alerts.values import Group, NewDelivery, StoredDelivery
from incident_bot.store.bulk import Asked, Bulk, among, one_of_asked, upserts
from incident_bot.store.tables import delivery as table
from incident_bot.store.tables import group as group_table
from incident_bot.store.tables.states import DeliveryState
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found

_DELIVERIES: Final = Bulk(table)
_PACK_FROM: Final = 1024
"""Smaller bodies gain less than the compression costs."""

_GROUPS: Final = Asked(lambda asked: sa.select(group_table).where(one_of_asked(group_table.c.hash, asked)))
_TOUCH: Final = Asked(
    lambda asked: (
        sa.update(group_table)
        .where(one_of_asked(group_table.c.hash, asked))
        .values(last_seen=sa.bindparam("b_now", type_=group_table.c.last_seen.type))
    )
)
_SAVE: Final = upserts(
    group_table, ["hash"], lambda new: {name: new[name] for name in ("digest", "delivery_id", "last_seen")}
)
_UNAPPLIED: Final = sa.text("delivery.state <> 'applied'")


def groups(tx: Tx, hashes: Iterable[str]) -> dict[str, Group]:
    """Give what was last applied of each of these groups."""
    wanted = list(hashes)
    if not wanted:
        return {}
    found = _GROUPS(tx, wanted)
    return {row[0]: Group(hash=row[0], source=row[1], digest=row[2], delivery_id=row[3], last_seen=row[4])
            for row in found}  # fmt: skip


def save_groups(tx: Tx, groups: Sequence[Group]) -> None:
    """Store what was applied of each group; the last one wins where a group stands twice."""
    rows = {group.hash: {"hash": group.hash, "source": group.source, "digest": group.digest,
                         "delivery_id": group.delivery_id, "last_seen": group.last_seen}
            for group in groups}  # fmt: skip
    if not rows:
        return
    # In one order everywhere, so that two replicas never wait for each other in a circle.
    ordered = sorted(rows.values(), key=lambda row: str(row["hash"]))
    _SAVE(tx, ordered)


def touch_groups(tx: Tx, hashes: Iterable[str], *, now: datetime) -> None:
    """Note that these groups said the same thing again."""
    wanted = list(hashes)
    if wanted:
        _TOUCH(tx, wanted, {"b_now": now})


def forget_digests(tx: Tx, source: str) -> None:
    """Have the next delivery of every group of the source judged anew, even if it repeats the last one."""
    tx.connection.execute(sa.update(group_table).where(group_table.c.source == source).values(digest=""))


def insert_deliveries(tx: Tx, deliveries: Sequence[NewDelivery], *, now: datetime) -> list[int]:
    """Store deliveries with their bodies and give their identifiers, in the same order."""
    ids = _DELIVERIES.ids(tx, len(deliveries))
    rows = [_row(number, new, now) for number, new in zip(ids, deliveries, strict=True)]
    _DELIVERIES.insert(tx, rows)
    return ids


def _row(number: int, new: NewDelivery, now: datetime) -> tuple[Any, ...]:
    packed = len(new.body) > _PACK_FROM
    rejected = [[one.path, one.reason] for one in new.rejected] or None
    return (
        number, new.source, new.receiver, new.group_hash, new.digest, packed,
        zlib.compress(new.body, 1) if packed else new.body,
        new.alerts, rejected, new.state.value, 0, new.error, now,
        None if new.state is DeliveryState.DEFERRED else now,
    )  # fmt: skip


def _value(row: Found) -> StoredDelivery:
    return StoredDelivery(
        id=row.id,
        source=row.source,
        receiver=row.receiver,
        group_hash=row.group_hash,
        digest=row.digest,
        body=zlib.decompress(row.body) if row.packed else bytes(row.body),
        alerts=row.alerts,
        rejected=tuple(Rejected(path=path, reason=reason) for path, reason in row.rejected or ()),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        error=row.error,
        received_at=row.received_at,
        settled_at=row.settled_at,
    )


def delivery(tx: Tx, delivery_id: int) -> StoredDelivery | None:
    """Give one delivery, its body as received."""
    row = tx.connection.execute(sa.select(table).where(table.c.id == delivery_id)).first()
    return None if row is None else _value(row)


def deliveries_between(
    tx: Tx, start: datetime, end: datetime, *, after_id: int = 0, limit: int
) -> list[StoredDelivery]:
    """Give deliveries received in `[start, end)`, in the order in which they came, from behind `after_id`."""
    where = (table.c.received_at >= start, table.c.received_at < end, table.c.id > after_id)
    query = sa.select(table).where(*where).order_by(table.c.id).limit(limit)
    return [_value(row) for row in tx.connection.execute(query)]


def deliveries_of(
    tx: Tx, groups: Iterable[str], start: datetime, end: datetime, *, limit: int
) -> list[StoredDelivery]:
    """Give the deliveries of some groups received in `[start, end)`, in the order in which they came."""
    query = (
        sa.select(table)
        .where(
            table.c.received_at >= start,
            table.c.received_at < end,
            among(tx, table.c.group_hash, list(groups)),
        )
        .order_by(table.c.id)
        .limit(limit)
    )
    return [_value(row) for row in tx.connection.execute(query)]


def deferred(tx: Tx, limit: int) -> list[StoredDelivery]:
    """Give deliveries whose effects are still to be computed, oldest first."""
    where = (_UNAPPLIED, table.c.state == DeliveryState.DEFERRED.value)
    query = sa.select(table).where(*where).order_by(table.c.id).limit(limit)
    return [_value(row) for row in tx.connection.execute(query)]


def settle_delivery(
    tx: Tx, delivery_id: int, *, state: DeliveryState, error: str | None = None, now: datetime
) -> None:
    """Note one more attempt at a deferred delivery and how it ended; still `deferred` means: try again later."""
    tx.connection.execute(
        sa.update(table)
        .where(table.c.id == delivery_id)
        .values(
            state=state.value,
            error=error,
            attempts=table.c.attempts + 1,
            settled_at=None if state is DeliveryState.DEFERRED else now,
        )
    )


def count_deliveries(tx: Tx) -> dict[DeliveryState, int]:
    """Count the deliveries that need a look: deferred and failed ones."""
    query = sa.select(table.c.state, sa.func.count()).where(_UNAPPLIED).group_by(table.c.state)
    found = {DeliveryState(row[0]): int(row[1]) for row in tx.connection.execute(query)}
    return {state: found.get(state, 0) for state in (DeliveryState.DEFERRED, DeliveryState.FAILED)}


def forget_deliveries(tx: Tx, *, before: datetime, limit: int = 1000) -> int:
    """Remove up to `limit` applied deliveries received before an instant, and say how many."""
    old = (
        sa.select(table.c.id)
        .where(table.c.received_at < before, table.c.state == DeliveryState.APPLIED.value)
        .order_by(table.c.received_at)
        .limit(limit)
    )
    return tx.connection.execute(sa.delete(table).where(table.c.id.in_(old))).rowcount
