"""The end of one process and the beginning of the next: nobody waits for a lease of whom we know that they are gone."""

from __future__ import annotations

from datetime import datetime

import structlog

from incident_bot.flow.context import Context
from incident_bot.store import graphs, outbox, silences, subscribers, timers
from incident_bot.store.transaction import Unavailable

log = structlog.get_logger(__name__)


def take_back(context: Context, *, now: datetime) -> None:
    """Take up at once what an earlier process was doing when it died, if this process alone has the database (S4)."""
    if not context.store.alone:
        return
    with context.store.write() as tx:
        rows = outbox.release(tx, now=now)
        leased = timers.release(tx, now=now)
        silenced = silences.release(tx, now=now)
        letters = subscribers.release(tx, now=now)
        looks = graphs.release(tx, now=now)
    if rows or leased or silenced or letters or looks:
        log.info(
            "work that an earlier process left is taken up",
            rows=rows,
            timers=leased,
            silences=silenced,
            letters=letters,
            looks=looks,
        )


def give_back(context: Context, *, now: datetime) -> None:
    """Leave nothing to a lease: what this process claimed and did not settle is due for the others."""
    try:
        with context.store.write() as tx:
            rows = outbox.release(tx, owner=context.owner, now=now)
            looks = graphs.release(tx, owner=context.owner, now=now)
    except Unavailable as problem:
        log.warning("claimed rows could not be given back; their leases end", error=str(problem))
        return
    if rows or looks:
        log.info("claimed rows are given back", rows=rows, looks=looks)
        context.store.notify()
