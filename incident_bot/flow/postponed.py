"""A page that could not go out now: whether the person's next channel is used meanwhile, and what is told of it."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from incident_bot.core.circuit import Circuit
from incident_bot.core.effects import PageKind
from incident_bot.core.incident import PageDiverted, PageWaits
from incident_bot.core.lanes import LATE
from incident_bot.core.model import Incident
from incident_bot.flow import quiet
from incident_bot.flow.ledger import Ledger
from incident_bot.store import outbox
from incident_bot.store.outbox import Again, OutboxRow


class PageFacts(TypedDict):
    """What every event of one page names."""

    person: str
    via: str
    kind: PageKind
    epoch: int
    loop: int
    step: int
    attempt: int


def facts_of(row: OutboxRow) -> PageFacts:
    """Give what events of this page name."""
    return PageFacts(
        person=row.person or "",
        via=row.via,
        kind=row.page_kind or PageKind.STEP,
        epoch=row.epoch or 0,
        loop=row.loop,
        step=row.step,
        attempt=row.attempts,
    )


def put_off(
    ledger: Ledger,
    incident: Incident,
    row: OutboxRow,
    again: Again,
    *,
    circuit: Circuit | None,
    now: datetime,
) -> PageDiverted | PageWaits | None:
    """Send the person's next page now where this one's way is down, or its provider asks to wait past 20 seconds.

    Gives what is told of it; None where the next try comes soon, or nothing follows (S5, S6).
    """
    late = again.asked and again.due_at - row.due_at > LATE
    if circuit is None and not late:
        return None
    instead = outbox.hasten(ledger.tx, row, now=quiet.earliest(ledger, incident, row, now=now))
    if instead is None:
        return None
    if circuit is not None:
        return PageDiverted(**facts_of(row), instead=instead.via, reason=circuit.reason)
    return PageWaits(person=row.person or "", via=row.via, then=instead.via)
