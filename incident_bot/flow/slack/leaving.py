"""Leaves a place that everybody could read, because its incident was made private.

No app of Slack can make a public channel private, so what the bot said there is taken back, and it goes on elsewhere.
What people said, and Slack's own lines about names and topics, only an administrator of the workspace can take away.
Each step may be done twice.
"""

from __future__ import annotations

from typing import Final, assert_never

from incident_bot.core.rooms import Leaving, Left
from incident_bot.slack_api import Caller, Refused

OVER: Final = "This goes on elsewhere, for those who work on it."
OURS: Final = "incident_bot"
"""The type of the metadata that every post of ours carries."""
_AT_ONCE: Final = 200
_GONE_ALREADY: Final = frozenset({"message_not_found", "thread_not_found", "file_not_found", "file_deleted"})


def leave(slack: Caller, left: Left, step: Leaving, *, name: str) -> None:
    """Do one step; raises what a call raises. `name` is the incident's, which says nothing of what it is about."""
    match step:
        case Leaving.ERASE:
            for file in left.files:
                _delete(slack, file)
            for ts in _said_by_us(slack, left):
                _erase(slack, left.channel, ts)
        case Leaving.TOPIC:
            slack.call("conversations.setTopic", channel=left.channel, topic="")
        case Leaving.PURPOSE:
            slack.call("conversations.setPurpose", channel=left.channel, purpose="")
        case Leaving.BOOKMARKS:
            for one in slack.call("bookmarks.list", channel_id=left.channel)["bookmarks"]:
                slack.call("bookmarks.remove", channel_id=left.channel, bookmark_id=one["id"])
        case Leaving.NAME:
            # The channel's own id makes it one that nobody has.
            wanted = f"{name}-left-{left.channel}".lower()
            slack.call("conversations.rename", channel=left.channel, name=wanted)
        case Leaving.NOTE:
            slack.call("chat.postMessage", channel=left.channel, text=OVER)
        case Leaving.ARCHIVE:
            slack.call("conversations.archive", channel=left.channel)
        case _:
            assert_never(step)


def _said_by_us(slack: Caller, left: Left) -> list[str]:
    """Give the time stamps of our posts there, the card last: until it is gone the rest can be found by it."""
    found = [] if left.steps == (Leaving.ERASE,) else _read(slack, "conversations.history", left)
    if left.thread is not None:
        found = [*_read(slack, "conversations.replies", left, ts=left.thread), *found, left.thread]
    return [ts for ts in dict.fromkeys(found) if ts != left.thread] + ([left.thread] if left.thread else [])


def _read(slack: Caller, method: str, left: Left, **more: str) -> list[str]:
    try:
        found = slack.every(
            method, "messages", channel=left.channel, include_all_metadata=True, limit=_AT_ONCE, **more
        )
    except Refused as refused:
        if refused.error not in _GONE_ALREADY:
            raise
        return []
    return [str(one["ts"]) for one in found if (one.get("metadata") or {}).get("event_type") == OURS]


def _delete(slack: Caller, file: str) -> None:
    try:
        slack.call("files.delete", file=file)
    except Refused as refused:
        if refused.error not in _GONE_ALREADY:
            raise


def _erase(slack: Caller, channel: str, ts: str) -> None:
    try:
        slack.call("chat.delete", channel=channel, ts=ts)
    except Refused as refused:
        if refused.error not in _GONE_ALREADY:
            raise
