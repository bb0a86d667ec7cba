"""Who looks, in Slack: the rules of who may see what are in `flow.sight`."""

from __future__ import annotations

from typing import Final

from incident_bot.core.model import Incident
from incident_bot.flow.context import Context
from incident_bot.flow.sight import Seer, known_as, seen
from incident_bot.flow.slack.people import GUEST, actor
from incident_bot.store import incidents, rooms
from incident_bot.store.transaction import Tx

LISTED: Final = 200


def seer_of(context: Context, tx: Tx, user: str, *, channel: str | None = None) -> Seer:
    """Give the seer whom Slack vouches for; `channel` is where they are, and who is in a room sees its incident."""
    inside = rooms.at(tx, channel) if channel else None
    return known_as(actor(context, user), f"{GUEST}{user}", inside=inside)


def seen_open(context: Context, tx: Tx, user: str) -> list[Incident]:
    """Give what is open and may be seen by a member, the newest first."""
    found = incidents.list_incidents(tx, state="open", limit=LISTED)
    return seen(tx, seer_of(context, tx, user), found)
