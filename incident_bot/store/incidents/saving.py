"""Incidents and their events, written together. What happens to an incident is decided in `core`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from incident_bot.core.model import Event, Incident
from incident_bot.store.bulk import Bulk, BulkUpdate
from incident_bot.store.incidents.chain import link
from incident_bot.store.incidents.rows import event_row, incident_row
from incident_bot.store.tables import event as event_table
from incident_bot.store.tables import incident as table
from incident_bot.store.transaction import LostRace, Tx

_INCIDENTS: Final = Bulk(table)
_EVENTS: Final = Bulk(event_table)
_UPDATES: Final = BulkUpdate(table, fixed=frozenset(), guard="seq")


def save(tx: Tx, changes: Sequence[tuple[Incident, Sequence[Event]]], *, now: datetime) -> list[Incident]:
    """Store incidents with the events that made them, and give them back as stored, in the same order.

    An incident with id 0 is new and gets its number. The events are numbered on from the incident's `seq`, which must
    be the one that was read, stamped with `now` and chained. Each incident may stand here once. It is a lost race
    where the incident changed since it was read, or where another open incident has its key (P5).
    """
    numbers = iter(_INCIDENTS.ids(tx, sum(1 for incident, _ in changes if not incident.id)))
    stored, entries, before = [], [], {}
    for incident, events in changes:
        number = incident.id or next(numbers)
        if incident.id:
            before[number] = incident.seq
        linked = link(number, events, seq=incident.seq, last_hash=incident.last_hash, now=now)
        entries += [(number, event) for event in linked]
        end = linked[-1] if linked else None
        stored.append(
            replace(
                incident,
                id=number,
                seq=end.seq if end else incident.seq,
                last_hash=end.hash if end else incident.last_hash,
            )
        )
    _update(tx, [incident for incident in stored if incident.id in before], before)
    _INCIDENTS.insert(tx, [incident_row(incident) for incident in stored if incident.id not in before])
    ids = _EVENTS.ids(tx, len(entries))
    _EVENTS.insert(
        tx, [event_row(own, number, event) for own, (number, event) in zip(ids, entries, strict=True)]
    )
    return stored


def _update(tx: Tx, incidents: Sequence[Incident], before: dict[int, int]) -> None:
    # Those that close go first, so that another of the same key can open.
    closed = [incident for incident in incidents if not incident.paging.is_open]
    still_open = [incident for incident in incidents if incident.paging.is_open]
    found = 0
    for some in (closed, still_open):
        rows = [incident_row(incident) for incident in some]
        found += _UPDATES.update(tx, rows, [before[incident.id] for incident in some])
    if found != len(incidents):
        raise LostRace("an incident changed since it was read")
