"""Which incident a place in Slack is about."""

from __future__ import annotations

from incident_bot.flow.context import Context
from incident_bot.store import rooms


def incident_at(context: Context, channel: str, thread: str | None = None) -> int | None:
    """Give the incident whose room this is: the thread of a team's channel, or a channel of its own."""
    with context.store.read() as tx:
        if thread is not None:
            found = rooms.at(tx, channel, thread=thread)
            if found is not None:
                return found
        return rooms.at(tx, channel)
