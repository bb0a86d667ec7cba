"""Clears away what only serves for a while: once an hour, in small transactions that hold nobody up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import structlog

from incident_bot.flow.context import Context
from incident_bot.store import retention
from incident_bot.store.retention import Passing
from incident_bot.store.transaction import LostRace, Unavailable

FIRST: Final = timedelta(minutes=1)
"""How long after its start a process clears away for the first time."""
EVERY: Final = timedelta(hours=1)
BATCH: Final = 500
"""Rows removed by one transaction."""
BATCHES_MOST: Final = 40
"""For each kind and hour; what is left then waits for the next one."""
AGES: Final[Mapping[Passing, timedelta]] = MappingProxyType({
    Passing.SLACK_SEEN: timedelta(hours=2),
    Passing.SLACK_HEARD: timedelta(days=180),
    Passing.ANSWERS: timedelta(days=7),
    Passing.ACK_LINKS: timedelta(days=7),
    Passing.TAP_LINKS: timedelta(days=30),
    Passing.TAPS: timedelta(days=30),
    Passing.OFFERS: timedelta(days=90),
    Passing.STATUS_NOTICES: timedelta(days=30),
    Passing.STATUS_NEWS: timedelta(days=90),
    Passing.SESSIONS: timedelta(days=90),
    Passing.SIGN_INS: timedelta(days=7),
})  # fmt: skip
"""How long each is kept; docs/reference/retention.md says why."""

log = structlog.get_logger(__name__)


def clear(context: Context, *, now: datetime) -> dict[str, int]:
    """Remove what is older than its age, and say how many rows of each kind were; stops where the database is away."""
    removed: dict[str, int] = {}
    try:
        for what, age in AGES.items():
            count = _clear(context, what, before=now - age)
            if count:
                removed[what.value] = count
    except (LostRace, Unavailable) as problem:
        log.warning("old rows are cleared away an hour later", error=str(problem))
    if removed:
        log.info("old rows were cleared away", **removed)
    return removed


def _clear(context: Context, what: Passing, *, before: datetime) -> int:
    total = 0
    for _ in range(BATCHES_MOST):
        with context.store.write() as tx:
            count = retention.clear(tx, what, before=before, limit=BATCH)
        total += count
        if count < BATCH:
            break
    return total
