"""How drills went: who was asked, and how long it took from the first page that was sent to the answer. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import Incident
from incident_bot.flow.context import Context
from incident_bot.store import incidents, outbox
from incident_bot.store.transaction import Tx

LIMIT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillView:
    """One drill."""

    incident: str
    person: str
    name: str
    opened_at: datetime
    sent_at: datetime | None
    """When a provider took the first page; None while none did."""
    sent_by: str | None
    """The channel of that page."""
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    seconds: float | None
    """End to end: from the first page that was sent to the answer."""
    state: str
    """waiting, answered or unanswered."""


def last(context: Context, *, limit: int = LIMIT) -> list[DrillView]:
    """Give the newest drills, the newest first."""
    with context.store.read() as tx:
        found = incidents.list_incidents(tx, drill=True, limit=limit)
        return [_view(context, tx, incident) for incident in found]


def _view(context: Context, tx: Tx, incident: Incident) -> DrillView:
    person = incident.key.partition("|")[2]
    known = context.live.current.revision.people.get(person)
    pages = [(row.sent_at, row.via) for row, _ in outbox.pages_of(tx, incident.id) if row.sent_at is not None]
    sent_at, sent_by = min(pages, default=(None, None))
    answered = incident.acknowledged_at
    seconds = (answered - sent_at).total_seconds() if answered and sent_at else None
    return DrillView(
        incident=incident.name,
        person=person,
        name=known.name if known else person,
        opened_at=incident.opened_at,
        sent_at=sent_at,
        sent_by=sent_by,
        acknowledged_at=answered,
        acknowledged_by=incident.acknowledged_by,
        seconds=seconds,
        state="answered" if answered else "waiting" if incident.paging.is_open else "unanswered",
    )
