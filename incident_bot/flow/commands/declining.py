"""`cannot`: who else of the newest step is awaited, and who is paged instead."""

from __future__ import annotations

from incident_bot.core.effects import PageKind
from incident_bot.core.incident import Cannot
from incident_bot.core.model import Incident, Kind
from incident_bot.flow.ledger import Ledger
from incident_bot.store import incidents, outbox
from incident_bot.store.outbox import OutboxRow, RowState
from incident_bot.store.transaction import Tx

_OF_STEPS = frozenset({PageKind.STEP, PageKind.FALLBACK, PageKind.LAST_RESORT})
_ASKING = frozenset({*_OF_STEPS, PageKind.DIRECT})


def cannot(tx: Tx, incident: Incident, actor: str, reason: str) -> Cannot:
    """Find what the decision needs: whether the actor was paged, and who else still may answer."""
    rows = [row for row in _rows(tx, incident) if row.page_kind in _ASKING]
    place = max(((row.loop, row.step) for row in rows if row.page_kind in _OF_STEPS), default=None)
    said_no = {
        event.actor
        for event in incidents.events(tx, incident.id)
        if event.kind is Kind.CANNOT and event.data.get("epoch") == incident.epoch
    }
    others = dict.fromkeys(
        row.person
        for row in rows
        if row.page_kind in _OF_STEPS and (row.loop, row.step) == place and row.person
    )
    return Cannot(
        reason=reason or None,
        paged=any(row.person == actor for row in rows),
        others=tuple(person for person in others if person != actor and person not in said_no),
    )


def paged_now(ledger: Ledger, incident: Incident) -> str:
    """Say whom the new epoch pages."""
    people = ledger.current.revision.people
    found = dict.fromkeys(row.person or "" for row in _rows(ledger.tx, incident))
    named = [people[person].name if person in people else person for person in found]
    return f"Paged now: {', '.join(named)}." if named else "Nobody is left to page: call somebody."


def _rows(tx: Tx, incident: Incident) -> list[OutboxRow]:
    """Give the pages of this epoch that reach somebody or may."""
    return [
        row
        for row, _ in outbox.pages_of(tx, incident.id)
        if row.epoch == incident.epoch and row.state is not RowState.CANCELLED and not row.lost
    ]
