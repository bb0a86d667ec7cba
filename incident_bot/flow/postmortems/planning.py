"""What a follow-up's condition needs: that it is asked, beginning now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from incident_bot.core.model import Event, Incident, Kind
from incident_bot.store import papers
from incident_bot.store.transaction import Tx


def plan(tx: Tx, incident: Incident, events: Iterable[Event], *, now: datetime) -> None:
    """Have each new condition asked, in the transaction that notes it."""
    for event in events:
        query, number = event.data.get("done_when"), event.data.get("number")
        if event.kind is Kind.ITEM_ADDED and isinstance(query, str) and isinstance(number, int):
            papers.plan(tx, incident.id, number, query, due_at=now)
