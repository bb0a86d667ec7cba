"""The outgoing heartbeat: tells a service elsewhere that the bot lives, and says nothing when it does not work.

What cannot page because it is dead is noticed there. A failed call is counted and never raised.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.flow.context import Context
from incident_bot.flow.health import OVERDUE
from incident_bot.outgoing import CallFailed
from incident_bot.store import outbox, timers
from incident_bot.store.transaction import Unavailable

EVERY: Final = timedelta(seconds=60)
_REFUSED: Final = 300
"""The lowest status of an answer that does not say that the heartbeat was taken."""

log = structlog.get_logger(__name__)


def send(context: Context, *, now: datetime) -> bool:
    """Call the address once if the bot is well; say whether it took the heartbeat."""
    result = _sent(context, now)
    context.metrics.outgoing_heartbeats.labels(result=result).inc()
    return result == "sent"


def _sent(context: Context, now: datetime) -> str:
    address = context.settings.heartbeat_url
    if address is None or not well(context, now=now):
        log.warning("the outgoing heartbeat is withheld: the bot is not well")
        return "withheld"
    try:
        answer = context.client.call("GET", address.get_secret_value())
    except CallFailed as problem:
        # The address stays out of the log: it is all that keeps others from speaking in our name.
        log.warning("the outgoing heartbeat did not arrive", error=str(problem))
        return "failed"
    if answer.status >= _REFUSED:
        log.warning("the outgoing heartbeat was not taken", status=answer.status)
        return "failed"
    return "sent"


def well(context: Context, *, now: datetime) -> bool:
    """Say whether deliveries can be stored and nothing that is due waits longer than it may (S8)."""
    if context.trouble.recent(now=now) is not None:
        return False
    try:
        context.store.ping()
        with context.store.read() as tx:
            due = (timers.oldest_due(tx, now=now), outbox.oldest_due(tx, now=now))
    except Unavailable:
        return False
    return all(one is None or now - one <= OVERDUE for one in due)
