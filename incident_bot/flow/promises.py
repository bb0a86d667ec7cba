"""When somebody is to be reminded of what an incident owes, under the configuration in force. Only looks."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Final

from incident_bot.core.incident import Around, upcoming
from incident_bot.core.model import Incident
from incident_bot.flow.configure import Current

_OWED: Final = attrgetter(
    "paging", "phase", "severity", "policy", "private", "drill", "lead", "roles", "items", "acknowledged_at",
    "acknowledged_by", "updated_by_people", "next_update_at", "reminders", "silences", "review",
)  # fmt: skip
"""All of an incident that says who is to be reminded of what."""


def owes_the_same(before: Incident, after: Incident) -> bool:
    """Say whether the next reminder stays as it is: what alerts, pages and steps change says nothing of it."""
    same: bool = _OWED(before) == _OWED(after)
    return same


def around(current: Current, incident: Incident) -> Around:
    """Give what `core.incident.promises` asks for beside the incident."""
    revision = current.revision
    team = revision.teams.get(incident.team)

    def quiet(person: str, at: datetime) -> datetime | None:
        hours = revision.quiet_hours.get(person)
        return hours.until(at) if hours else None

    return Around(
        rules=revision.rules,
        people=revision.people,
        deputy=team.lead if team else None,
        quiet=quiet,
    )


def next_at(current: Current, incident: Incident, *, now: datetime) -> datetime | None:
    """Give when the next reminder of an incident is due, as things stand; None where none is."""
    owes = incident.acknowledged_at or incident.next_update_at or incident.review
    if not (owes or incident.items or incident.silences):
        # Most incidents of a storm: nobody has them, and nothing was promised.
        return None
    found = upcoming(incident, around(current, incident), now=now)
    return found[0].due_at if found else None
