"""Looks for what may be there already: a channel by its name, a message by the key in its metadata."""

from __future__ import annotations

from datetime import datetime, timedelta

from incident_bot.slack_api import Caller

EARLIER = timedelta(minutes=5)
"""The two clocks may differ by so much."""


def find_made(slack: Caller, name: str) -> str | None:
    """Give the id of the channel of this name that we made; None where it is somebody else's."""
    me = slack.call("auth.test")["user_id"]
    types = "public_channel,private_channel"
    for channel in slack.every("conversations.list", "channels", types=types, limit=500):
        if channel.get("name") == name:
            return str(channel["id"]) if channel.get("creator") == me else None
    return None


def find_post(slack: Caller, channel: str, key: str, *, since: datetime, thread: str | None) -> str | None:
    """Give the time stamp of the message of ours that carries a key; None where there is none."""
    oldest = f"{(since - EARLIER).timestamp():.6f}"
    if thread is None:
        found = slack.every(
            "conversations.history",
            "messages",
            channel=channel,
            oldest=oldest,
            include_all_metadata=True,
            limit=200,
        )
    else:
        found = slack.every(
            "conversations.replies",
            "messages",
            channel=channel,
            ts=thread,
            oldest=oldest,
            include_all_metadata=True,
            limit=200,
        )
    for message in found:
        metadata = message.get("metadata") or {}
        if (metadata.get("event_payload") or {}).get("key") == key:
            return str(message["ts"])
    return None
