"""Whom to phone when no channel reached them: the last thing that works when nothing else does."""

from __future__ import annotations

from collections.abc import Sequence

from incident_bot.core.model import Incident, Paging, Running
from incident_bot.flow.context import Context
from incident_bot.flow.views import CallView
from incident_bot.store import outbox
from incident_bot.store.outbox import OutboxRow, RowState
from incident_bot.store.transaction import Tx

PHONES = ("voice", "sms")
"""The contacts that hold a number; `phone` of `people.yaml` is both."""


def to_call(context: Context, tx: Tx, incident: Incident) -> tuple[CallView, ...]:
    """Give the people whom no page reached, with their numbers, while nobody has the incident.

    Empty until every page of a step is lost, or the escalation is exhausted.
    """
    if incident.paging is not Paging.TRIGGERED:
        return ()
    pages = [row for row, _ in outbox.pages_of(tx, incident.id) if row.epoch == incident.epoch]
    if incident.progress.state is not Running.EXHAUSTED and not _step_dead(pages):
        return ()
    reached = {row.person for row in pages if row.state is RowState.SENT and not row.lost}
    missed = dict.fromkeys(row.person or "" for row in pages if row.lost and row.person not in reached)
    people = context.live.current.revision.people
    found: list[CallView] = []
    for person in (people[one] for one in missed if one and one in people):
        phone = next((person.contacts[by] for by in PHONES if person.contacts.get(by)), None)
        if phone is not None:
            found.append(CallView(person=person.id, name=person.name, phone=phone))
    return tuple(found)


def told(calls: Sequence[CallView]) -> str:
    """Say whom to phone, in one line; empty where nobody."""
    if not calls:
        return ""
    return f"Not reached by any channel, call: {', '.join(f'{one.name} {one.phone}' for one in calls)}"


def _step_dead(pages: Sequence[OutboxRow]) -> bool:
    steps: dict[tuple[object, int, int], bool] = {}
    for row in pages:
        place = (row.page_kind, row.loop, row.step)
        steps[place] = steps.get(place, True) and row.lost
    return any(steps.values())
