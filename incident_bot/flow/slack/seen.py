"""What Slack sent already: a signed request, or an event, counts once."""

from __future__ import annotations

import hashlib
from datetime import datetime

from incident_bot.flow.context import Context
from incident_bot.store import rooms


def first_time(context: Context, key: str, *, now: datetime) -> bool:
    """Say whether this was never seen before, and remember it; one of several replicas gets to hear yes."""
    digest = hashlib.sha256(key.encode(errors="replace")).hexdigest()
    with context.store.write() as tx:
        return rooms.see(tx, digest, now=now)
