"""Offers of shifts. Whether one may still be taken, and what taking it does, is decided in `flow.oncall`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.core.model import JsonObject, rfc3339
from incident_bot.store.handoffs.values import Held, Offer
from incident_bot.store.tables import swap_offer as table
from incident_bot.store.tables.states import OfferState
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found


def add_offer(tx: Tx, offer: Offer) -> Offer:
    """Store a new offer and give it with its number."""
    statement = sa.insert(table).values(
        offered_by=offer.offered_by,
        offered_to=offer.offered_to,
        given=_held_json(offer.given),
        wanted=_held_json(offer.wanted) if offer.wanted else None,
        reason=offer.reason,
        state=offer.state.value,
        created_at=offer.created_at,
        expires_at=offer.expires_at,
        settled_by=None,
        settled_at=None,
        overrides=[],
    )
    number = tx.connection.execute(statement.returning(table.c.id)).scalar_one()
    return replace(offer, id=number)


def offer(tx: Tx, offer_id: int, *, lock: bool = False) -> Offer | None:
    """Give an offer, whatever became of it; `lock` keeps others from settling it meanwhile."""
    query = sa.select(table).where(table.c.id == offer_id)
    if lock:
        query = query.with_for_update()
    row = tx.connection.execute(query).first()
    return None if row is None else _value(row)


def offers(tx: Tx, *, now: datetime) -> list[Offer]:
    """Give the offers that wait and have not expired, the oldest first."""
    # Written out: a database uses a partial index only where it can read the index's condition in the query.
    waiting = sa.text("swap_offer.state = 'offered'")
    query = sa.select(table).where(waiting, table.c.expires_at > now).order_by(table.c.id)
    return [_value(row) for row in tx.connection.execute(query)]


def settle_offer(
    tx: Tx, offer_id: int, state: OfferState, *, by: str, overrides: Sequence[int] = (), now: datetime
) -> bool:
    """Say what became of an offer that waits; False where it does not wait any more."""
    changed = tx.connection.execute(
        sa.update(table)
        .where(table.c.id == offer_id, table.c.state == OfferState.OFFERED.value)
        .values(state=state.value, settled_by=by, settled_at=now, overrides=list(overrides))
    )
    return changed.rowcount == 1


def _held_json(held: Held) -> JsonObject:
    return {
        "schedule": held.schedule,
        "spans": [[rfc3339(start), rfc3339(end)] for start, end in held.spans],
    }


def _held(found: Mapping[str, Any]) -> Held:
    spans = tuple(
        (datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in found["spans"]
    )
    return Held(schedule=found["schedule"], spans=spans)


def _value(row: Found) -> Offer:
    return Offer(
        id=row.id,
        offered_by=row.offered_by,
        offered_to=row.offered_to,
        given=_held(row.given),
        wanted=_held(row.wanted) if row.wanted else None,
        reason=row.reason,
        state=OfferState(row.state),
        created_at=row.created_at,
        expires_at=row.expires_at,
        settled_by=row.settled_by,
        settled_at=row.settled_at,
        overrides=tuple(row.overrides),
    )
