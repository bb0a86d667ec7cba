"""What follows when a lane is too slow for what waits in it: it is left alone, and pages take the next way (S6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.effects import MESSAGE_BACKOFF_MOST
from incident_bot.core.incident import PageWaits, observe
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.store import incidents, outbox
from incident_bot.store.outbox import OutboxRow
from incident_bot.store.transaction import LostRace, Unavailable

CLOSED_MOST: Final = 2 * MESSAGE_BACKOFF_MOST
HURRIED_MOST: Final = 1000
"""Late pages handled by one transaction."""

log = structlog.get_logger(__name__)


def throttled(context: Context, row: OutboxRow, after: timedelta | None, *, now: datetime) -> None:
    """Close a row's lane for as long as its provider asked, for every replica; does nothing where it did not ask."""
    if not after:
        return
    until = now + min(after, CLOSED_MOST)
    lane = outbox.lane_of(row, context.lanes)
    log.warning("a provider asks to wait", channel=row.via, lane=lane.name, seconds=after.total_seconds())
    try:
        with context.store.write() as tx:
            outbox.close_lane(tx, lane, until)
    except (LostRace, Unavailable) as problem:
        # The row itself waits all the same; the next one is told again.
        log.warning("a lane could not be closed", lane=lane.name, error=str(problem))


def hurry(context: Context, *, now: datetime) -> None:
    """Send every page that waits in a lane for too long on the person's next channel, too, and say so (S6)."""
    rules = context.live.current.revision.rules
    while True:
        try:
            with context.store.write() as tx:
                rows = outbox.late_pages(tx, limit=HURRIED_MOST, now=now)
                known = incidents.get_many(tx, {row.incident_id for row in rows if row.incident_id})
                ledger = Ledger(context, tx, now=now)
                for row, then in outbox.hasten_past(tx, rows, now=now):
                    waits = PageWaits(person=row.person or "", via=row.via, then=then.via)
                    incident = ledger.incident(known[row.incident_id or 0])
                    ledger.take(observe(waits, incident, rules=rules, now=now, source="worker"))
                ledger.flush()
        except LostRace:
            continue
        break
    context.signals.changed()
