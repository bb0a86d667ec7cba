"""Stage 7: events to ordered, redacted entries, by when things happened and not by when they were noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import Event, JsonObject, Kind
from incident_bot.core.timeline.redaction import redact_data
from incident_bot.core.timeline.revising import revised
from incident_bot.core.timeline.wordings import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline, with everything secret taken out; `hash` is the event's own."""

    seq: int
    kind: Kind
    text: str
    actor: str
    source: str
    happened_at: datetime
    recorded_at: datetime | None
    data: JsonObject
    hash: str


def entry(event: Event, names: Mapping[str, str] | None = None) -> Entry:
    """Give the line of one event."""
    return Entry(
        seq=event.seq,
        kind=event.kind,
        text=describe(event, names),
        actor=event.actor,
        source=event.source,
        happened_at=event.happened_at,
        recorded_at=event.recorded_at,
        data=redact_data(event.data),
        hash=event.hash,
    )


def entries(events: Iterable[Event], names: Mapping[str, str] | None = None) -> tuple[Entry, ...]:
    """Give the whole timeline in the order in which things happened; seq breaks ties. Notes read as they do now."""
    told = sorted(revised(events), key=lambda event: (event.happened_at, event.seq))
    return tuple(entry(event, names) for event in told)
