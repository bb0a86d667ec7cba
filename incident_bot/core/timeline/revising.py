"""Notes as they read now: an edit or a retraction is an event of its own, and changes no event before it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from incident_bot.core.model import Event, Kind

REVISIONS: Final = frozenset({Kind.NOTE_EDITED, Kind.NOTE_RETRACTED})
"""The kinds that say how an earlier note reads now; `of` in their data is its number."""


def revised(events: Iterable[Event], revisions: Iterable[Event] = ()) -> list[Event]:
    """Give the events in the order given, each note with its newest text, and marked where it was taken back.

    `revisions` are those of the same incident that are not among the events. Hashes are those of the recorded events.
    """
    told = list(events)
    after = {event.seq: event for event in (*told, *revisions) if event.kind in REVISIONS}
    if not after:
        return told
    found: dict[object, Event] = {}
    for _, event in sorted(after.items()):
        found[event.data.get("of")] = event
    texts = {
        event.data.get("of"): event.data.get("text")
        for _, event in sorted(after.items())
        if event.kind is Kind.NOTE_EDITED
    }
    return [
        _read(event, found[event.seq], texts.get(event.seq))
        if event.kind is Kind.NOTE and event.seq in found
        else event
        for event in told
    ]


def _read(note: Event, last: Event, text: object) -> Event:
    data = dict(note.data)
    if isinstance(text, str):
        data |= {"text": text, "edited": True}
    if last.kind is Kind.NOTE_RETRACTED:
        data["retracted"] = True
    return replace(note, data=data)
