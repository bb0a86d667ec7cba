"""One message of the workspace as it is now, and which tasks it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from incident_bot.core.model import Event, Incident, Kind
from incident_bot.render.slack.mrkdwn import escape
from incident_bot.slack_api import Caller, Refused

_NONE: Final = frozenset({"thread_not_found", "message_not_found"})


def message_at(slack: Caller, channel: str, ts: str) -> Mapping[str, Any] | None:
    """Give a message, of the channel or of a thread in it; None where it is gone. Raises what `Slack.call` does."""
    window = {"oldest": ts, "latest": ts, "inclusive": True, "limit": 1, "include_all_metadata": True}
    for method, more in (("conversations.history", {}), ("conversations.replies", {"ts": ts})):
        try:
            said = slack.call(method, channel=channel, **window, **more)
        except Refused as refused:
            if refused.error not in _NONE:
                raise
            continue
        found: Mapping[str, Any] | None = next(
            (one for one in said.get("messages") or () if one.get("ts") == ts), None
        )
        if found is not None:
            return found
    return None


def tasks_in(message: Mapping[str, Any], incident: Incident, events: Iterable[Event]) -> list[int]:
    """Give the numbers of the open tasks that a message of ours tells of."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    kind, _, rest = str(payload.get("key") or "").partition(":")
    after = rest.split(":")[1:2]
    if kind != "tell" or not after or not after[0].isdecimal():
        return []
    words = str([message.get("text"), message.get("blocks")])
    added = {
        event.data.get("number")
        for event in events
        if event.kind is Kind.ITEM_ADDED and event.seq > int(after[0])
    }
    return [
        item.number
        for item in incident.items
        if item.done_at is None and item.number in added and escape(item.text)[:80] in words
    ]
