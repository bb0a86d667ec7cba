"""Keeps a page of low urgency quiet where something else than its step would send it sooner."""

from __future__ import annotations

from datetime import datetime

from incident_bot.core.effects import PageKind
from incident_bot.core.model import Incident, Urgency
from incident_bot.flow.ledger import Ledger
from incident_bot.store.outbox import OutboxRow


def earliest(ledger: Ledger, incident: Incident, row: OutboxRow, *, now: datetime) -> datetime:
    """Give when the same person's next page may go out after this one is dead (S5): now, or when quiet hours end."""
    if row.urgency is not Urgency.LOW or row.page_kind not in (PageKind.STEP, PageKind.FALLBACK):
        return now
    hours = ledger.directories.of(incident.team).quiet(row.person or "")
    return (hours.until(now) if hours else None) or now
