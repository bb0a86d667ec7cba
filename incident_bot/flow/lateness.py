"""Looks whether something that is due waits for longer than it may, and tells of it (S8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.postmortem import duration
from incident_bot.flow import notices
from incident_bot.flow.context import Context
from incident_bot.flow.health import OVERDUE
from incident_bot.store import outbox, timers
from incident_bot.store.transaction import Unavailable

EVERY: Final = timedelta(seconds=15)

log = structlog.get_logger(__name__)


def watch(context: Context, *, now: datetime) -> None:
    """Have one notice sent, once an hour at most, while the oldest due timer or message is over a minute late."""
    try:
        with context.store.read() as tx:
            oldest = {"timer": timers.oldest_due(tx, now=now), "message": outbox.oldest_due(tx, now=now)}
        for what, due in oldest.items():
            if due is None or now - due <= OVERDUE:
                continue
            late = duration(now - due)
            log.error("what is due is not done in time", oldest=what, seconds=(now - due).total_seconds())
            text = (
                f"The oldest {what} is {late} late: people are paged later than they should be. "
                "Look at `/health`, the log and the load of the database."
            )
            with context.store.write() as tx:
                notices.tell(context, tx, text, key=f"late:{what}:{now:%Y-%m-%dT%H}", now=now)
    except Unavailable as problem:
        log.warning("the database is not available; lateness is not known", error=str(problem))
