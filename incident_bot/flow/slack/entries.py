"""What a room is told of the timeline: several entries in one message, each with its time where they are late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Event, Incident, Kind
from incident_bot.core.rooms import Shown, Tell, Telling, telling
from incident_bot.core.timeline import describe
from incident_bot.flow.context import Context
from incident_bot.flow.slack.facts import events_between
from incident_bot.flow.slack.names import named
from incident_bot.render.slack.entries import Line, entries_message

LATE: Final = timedelta(minutes=2)
"""What is told later than this says when it happened."""


@dataclass(frozen=True, slots=True)
class Words:
    """One message."""

    text: str
    blocks: list[dict[str, object]]


def told(context: Context, incident: Incident, tell: Tell, shown: Shown, *, now: datetime) -> Words | None:
    """Give the message about the entries of a range; None where the room is to hear of none of them."""
    wanted = Telling.LOUD if tell.aloud else Telling.QUIET
    with context.store.read() as tx:
        events = [
            event
            for event in events_between(tx, incident.id, after=tell.after, upto=tell.upto)
            if telling(event, room=shown.channel) is wanted
        ]
        names = named(context, tx, events)
    if not events:
        return None
    text, blocks = entries_message(
        _lines(events, names), name=incident.name, late=now - events[0].happened_at > LATE
    )
    return Words(text, blocks)


def _lines(events: Sequence[Event], names: Mapping[str, str]) -> list[Line]:
    return [
        Line(
            at=event.happened_at,
            text=describe(event, names),
            strong=event.kind in (Kind.UPDATE_POSTED, Kind.RESOLVED, Kind.REOPENED, Kind.EXHAUSTED),
        )
        for event in events
    ]
