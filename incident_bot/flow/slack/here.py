"""`new here …` and `room here INC-42`: a channel that people have already becomes the room of an incident.

It keeps its name and purpose, and is never put away.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.model import Incident, incident_name
from incident_bot.core.rooms import Place, Shown
from incident_bot.flow.commands.declaring import declare_from_line
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import verb_named
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.permissions import need_verb
from incident_bot.flow.sight import load, visible
from incident_bot.flow.slack.pacing import Paced
from incident_bot.flow.slack.where import incident_at
from incident_bot.flow.views import ReplyView
from incident_bot.slack_api import Caller, SlackError
from incident_bot.slack_api import Refused as SlackRefused
from incident_bot.store import rooms
from incident_bot.store.transaction import LostRace, Tx, Unavailable

SOURCE: Final = "slack"
RACES_MOST: Final = 5
_NEW: Final = re.compile(r"(?:new|declare|start|open)\s+here(?:[:,]\s*|\s+)(\S.*)", re.IGNORECASE | re.DOTALL)
_ROOM: Final = re.compile(r"room\s+here(?:\s+(?:for\s+)?inc-(\d{1,9}))?", re.IGNORECASE)


def here(
    context: Context, line: str, *, channel: str, name: str, actor: str, now: datetime
) -> ReplyView | None:
    """Do what a line says that is about the place where it was typed; None for every other line. Raises Refused."""
    new, existing = _NEW.fullmatch(line.strip()), _ROOM.fullmatch(line.strip())
    if context.slack is None or (new is None and existing is None):
        return None
    if existing is not None and existing[1] is None:
        message = "Which incident? Type for example `room here INC-42`."
        raise Refused(message)
    number = int(existing[1]) if existing is not None else None
    _need_free(context, channel)
    _enter(Paced(context, context.slack, lambda: now), channel)
    for _ in range(RACES_MOST):
        try:
            with context.store.write() as tx:
                if new is not None:
                    need_verb(context, tx, verb_named("new"), None, actor=actor, source=SOURCE, now=now)
                    ledger = Ledger(context, tx, now=now)
                    ledger.take(declare_from_line(ledger, new[1], actor=actor, source=SOURCE))
                    (incident,) = ledger.flush()
                else:
                    incident = visible(tx, context.seer, number or 0, lock=True)
                    need_verb(context, tx, verb_named("note"), incident, actor=actor, source=SOURCE, now=now)
                _convert(tx, incident, channel, name, now)
        except LostRace:
            continue
        context.signals.changed()
        context.store.notify()
        text = f"{incident.name} is open: {incident.title}. " if new is not None else ""
        return ReplyView(
            text=f"{text}This channel is the room of {incident.name} now.", incident=incident.name
        )
    message = "the same incident is being changed by others; try again"
    raise Unavailable(message)


def _need_free(context: Context, channel: str) -> None:
    if not channel.startswith(("C", "G")):
        message = "A room is a channel: type this where the others can see it."
        raise Refused(message)
    known = incident_at(context, channel)
    if known is None:
        return
    with context.store.read() as tx:
        other = load(tx, known)
    if other.paging.is_open:
        message = f"This is the room of {other.name} already, which is open; use another channel."
        raise Refused(message)


def _enter(slack: Caller, channel: str) -> None:
    """Have the bot in the channel; a private one has to invite it."""
    try:
        slack.call("conversations.join", channel=channel)
    except SlackRefused as refused:
        if refused.error == "method_not_supported_for_channel_type" and _is_inside(slack, channel):
            return
        message = "I cannot come in here: type `/invite @incident-bot` first, then this again."
        raise Refused(message) from refused
    except SlackError as problem:
        message = "Slack does not let me in just now; try again in a minute, or leave `here` out."
        raise Refused(message) from problem


def _is_inside(slack: Caller, channel: str) -> bool:
    try:
        return slack.call("conversations.info", channel=channel)["channel"].get("is_member") is True
    except SlackRefused:
        return False


def _convert(tx: Tx, incident: Incident, channel: str, name: str, now: datetime) -> None:
    if incident.private:
        message = f"{incident.name} is private: it has a room that only those see who are invited."
        raise Refused(message)
    if not incident.paging.is_open:
        message = f"{incident.name} is over; `reopen` it first."
        raise Refused(message)
    known = rooms.of(tx, [incident.id]).get(incident.id)
    if known is not None and known.shown.channel and known.shown.place is Place.OWN:
        message = f"{incident_name(incident.id)} has a room already: <#{known.shown.channel}>."
        raise Refused(message)

    def changed(shown: Shown) -> Shown:
        found = Shown(channel=channel, name=name, converted=True, told=shown.told, noted=shown.noted)
        return replace(found, attempts=shown.attempts)

    if not rooms.amend(tx, incident.id, changed, now=now):
        message = f"The room of {incident.name} is being made right now; try again in a moment."
        raise Refused(message)
