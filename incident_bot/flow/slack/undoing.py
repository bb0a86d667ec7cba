"""Undo as a button: it takes back the one command that it stands beside, for a minute, where there is a verb for it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import undo
from incident_bot.core.model import JsonObject
from incident_bot.flow import commands, queries
from incident_bot.flow.commands.changing import LATELY
from incident_bot.flow.context import Context
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.forms import can
from incident_bot.flow.views import ReplyView
from incident_bot.store import incidents

UNDO: Final = "undo"
UNDO_FOR: Final = timedelta(minutes=1)
UNDONE: Final = frozenset({
    "ack", "snooze", "sev", "status", "title", "impact", "lead", "role", "note", "task", "followup", "did",
    "tick", "untick", "theory", "decide", "silence", "private",
})  # fmt: skip
"""The verbs whose work can be taken back; `undo` itself has the last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoable(ReplyView):
    """An answer to what can be taken back."""

    undo: JsonObject
    """What the button carries: the incident, its last entry then, and until when it holds."""


def undoable(context: Context, verb: str, reply: ReplyView, *, actor: str, now: datetime) -> ReplyView:
    """Give the answer with what an Undo button needs; as it was where `undo` would be refused.

    A command that changed nothing has none: the button would take back what was said before it.
    """
    if not (can(UNDO) and verb in UNDONE and reply.ok and reply.changed and reply.incident):
        return reply
    number = int(reply.incident.removeprefix("INC-"))
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        events = incidents.events(tx, number, after=max(0, incident.seq - LATELY))
    try:
        undo(events, incident, actor=actor, now=now)
    except Refused:
        return reply
    value: JsonObject = {"i": number, "s": incident.seq, "u": int((now + UNDO_FOR).timestamp())}
    said = {one.name: getattr(reply, one.name) for one in fields(ReplyView)}
    return Undoable(**said, undo=value)


def take_back(
    context: Context, value: dict[str, Any], *, actor: str, source: str, now: datetime
) -> ReplyView:
    """Take back what the button stands beside; raises Refused where its minute is over, or its presser went on."""
    number, seq, until = value.get("i"), value.get("s"), value.get("u")
    if not (isinstance(number, int) and isinstance(seq, int) and isinstance(until, int)):
        message = "This button is too old."
        raise Refused(message)
    if now.timestamp() > until:
        message = "That is more than a minute ago and stays."
        raise Refused(message)
    later = queries.timeline(context, number, after=seq)
    if any(entry.actor == actor and entry.source == source for entry in later):
        message = "It is taken back already, or you did something else since; `undo` takes the newest back."
        raise Refused(message)
    key = f"slack:inc:undo:{number}:{seq}"
    return commands.handle(context, UNDO, incident=number, actor=actor, source=source, key=key, now=now)
