"""The status page as the record has it now. Reads only; private incidents and drills are left out once more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Incident, JsonObject, Paging
from incident_bot.core.status import (
    DAYS,
    KINDS,
    Board,
    End,
    PublicIncident,
    PublicMaintenance,
    StatusPage,
    board,
    publication,
)
from incident_bot.flow.commands.publishing import facts_of
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.render.status import day_and_time
from incident_bot.store import incidents, interventions
from incident_bot.store.interventions import Maintenance
from incident_bot.store.transaction import Tx

SHOWN_FOR: Final = timedelta(days=DAYS + 1)


def read_board(context: Context, current: Current, page: StatusPage, *, now: datetime) -> Board:
    """Give the page with every text that it shows; where nobody wrote one, the words of its phase stand there."""
    since = now - SHOWN_FOR
    with context.store.read() as tx:
        found = [
            public
            for incident in incidents.published(tx, since=since)
            if not incident.private and not incident.drill
            if (public := _public(tx, incident)) is not None
        ]
        windows = interventions.public_maintenance(tx, since=since)
    worded = [_worded(current, page, one) for one in found]
    works = [_maintenance(current, page, one, one.public) for one in windows if one.public]
    shown = board(page, worded, works, now=now)
    # Programs show this time to people: before anything was told, the page says what its configuration made it say.
    return replace(shown, updated_at=shown.updated_at or current.activated_at)


def _public(tx: Tx, incident: Incident) -> PublicIncident | None:
    end = None
    if incident.paging is Paging.MERGED:
        other = incidents.end_of_merges(tx, incident)
        end = End(phase=other.phase, resolved_at=other.resolved_at) if other is not None else None
    events = incidents.of_kinds(tx, incident.id, KINDS)
    return publication(incident.id, incident.opened_at, events, end=end)


def _worded(current: Current, page: StatusPage, public: PublicIncident) -> PublicIncident:
    """Write the updates that have no words of their own."""
    updates = tuple(
        one
        if one.text
        else replace(
            one,
            text=current.templates.render(
                f"status/{one.phase.value}.j2", facts_of(page, one.components, one.state)
            ).text.strip(),
        )
        for one in public.updates
    )
    return replace(public, updates=updates)


def _maintenance(
    current: Current, page: StatusPage, window: Maintenance, public: JsonObject
) -> PublicMaintenance:
    components = public.get("components")
    said = str(public.get("text") or "")
    if window.called_off_at is not None:
        facts = {"page": page.name, "start": day_and_time(window.start)}
        said = current.templates.render("status/called_off.j2", facts).text.strip()
    return PublicMaintenance(
        id=f"maintenance-{window.id}",
        title=str(public.get("title") or ""),
        text=said,
        components=tuple(str(one) for one in components) if isinstance(components, list) else (),
        start=window.start,
        # What was called off is over where it would have begun.
        end=max(window.start, window.end),
        announced_at=window.created_at or window.start,
        called_off_at=window.called_off_at,
    )
