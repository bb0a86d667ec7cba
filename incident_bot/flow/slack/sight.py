"""Who may see an incident in Slack: a private one is for those who work on it or are in its room."""

from __future__ import annotations

from incident_bot.core.model import Incident
from incident_bot.flow.context import Context
from incident_bot.flow.slack.facts import members
from incident_bot.store import incidents, rooms
from incident_bot.store.transaction import Tx

LISTED = 200


def may_see(context: Context, tx: Tx, incident: Incident, user: str, *, channel: str | None = None) -> bool:
    """Say whether a member may see it; `channel` is where they are."""
    if not incident.private or incident.opened_by == f"slack:{user}":
        return True
    if channel is not None and rooms.at(tx, channel) == incident.id:
        return True
    opener = context.live.current.revision.people.get(incident.opened_by)
    if opener is not None and opener.contacts.get("slack") == user:
        return True
    return user in members(context, tx, incident)


def seen_open(context: Context, tx: Tx, user: str) -> list[Incident]:
    """Give what is open and may be seen by a member, the newest first."""
    found = incidents.list_incidents(tx, state="open", limit=LISTED)
    return [one for one in found if may_see(context, tx, one, user)]
