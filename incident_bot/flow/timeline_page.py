"""What the incident's page shows of its timeline: a part of it, a page of it, notes with their history. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.errors import NotAllowed
from incident_bot.core.incident.notes import Standing
from incident_bot.core.model import Event, Incident, Kind
from incident_bot.core.timeline import KINDS, REVISIONS, Part, redact, revised, source_of, visible
from incident_bot.flow import phones
from incident_bot.flow.commands.noting import allow
from incident_bot.flow.context import Context
from incident_bot.flow.queries import entry_view
from incident_bot.flow.sight import visible as seen_incident
from incident_bot.flow.slack.names import named
from incident_bot.flow.views import EntryView
from incident_bot.store import incidents

SHOWN: Final = 150
LATER: Final = timedelta(minutes=1)
"""An entry noted this much after it happened says when it was noted."""
_HELD: Final = frozenset({Kind.LEAD_ASSIGNED, Kind.ROLE_ASSIGNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a note read from some time on."""

    at: datetime
    by: str
    text: str | None
    """None where it was taken back."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry, and what became of it."""

    entry: EntryView
    text: str = ""
    """Of a note: its words as they read now."""
    history: tuple[Change, ...] = ()
    """Of a note that was corrected: how it read, the first first."""
    mine: bool = False
    """Whether the reader may correct it."""
    late: bool = False
    """Whether it was noted some time after it happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who had a role, and when."""

    role: str
    person: str | None
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One page of one part of a timeline, the newest first."""

    part: Part
    lines: tuple[Line, ...]
    older: int | None
    """Ask `before` this number for what comes before."""
    held: tuple[Held, ...]


def part_of(word: str | None) -> Part:
    """Give the part that an address asks for; all of it where it asks for none that there is."""
    return Part(word) if word in tuple(Part) else Part.ALL


def read(context: Context, number: int, *, part: Part, before: int | None = None, actor: str) -> Told:
    """Give one page of the timeline as this person sees it; raises NotFound."""
    with context.store.read() as tx:
        incident = seen_incident(tx, context.seer, number)
        found = incidents.newest_events(
            tx, number, KINDS[part], source=source_of(part), before=before, limit=SHOWN + 1
        )
        events = found[:SHOWN]
        noted = any(one.kind is Kind.NOTE for one in events)
        later = incidents.of_kinds(tx, number, REVISIONS | {Kind.TAKEN_BACK}) if noted else []
        held = incidents.of_kinds(tx, number, _HELD)
        names = named(context, tx, [*events, *later])
        numbers = {one.person: one.phone for one in phones.to_call(context, tx, incident)}
    lines = [
        _line(context, incident, raw, shown, later, names, numbers, actor)
        for raw, shown in zip(events, revised(events, later), strict=True)
    ]
    lines.sort(key=lambda line: (line.entry.happened_at, line.entry.seq), reverse=True)
    return Told(
        part=part,
        lines=tuple(lines),
        older=events[-1].seq if len(found) > SHOWN else None,
        held=_held(held, incident),
    )


def _line(
    context: Context,
    incident: Incident,
    raw: Event,
    shown: Event,
    later: list[Event],
    names: Mapping[str, str],
    numbers: Mapping[str, str],
    actor: str,
) -> Line:
    entry = entry_view(shown, names)
    late = entry.recorded_at - entry.happened_at >= LATER
    if raw.kind is not Kind.NOTE:
        phone = numbers.get(str(raw.data.get("person"))) if raw.kind is Kind.PAGE_FAILED else None
        return Line(entry=_calling(entry, phone), late=late)
    about = [
        one
        for one in later
        if one.data.get("of") == raw.seq
        and (one.kind in REVISIONS or one.data.get("kind") == Kind.NOTE.value)
    ]
    gone = any(one.kind is not Kind.NOTE_EDITED for one in about)
    history = tuple(_change(one, names) for one in (raw, *about)) if about else ()
    return Line(
        entry=entry,
        text=str(shown.data.get("text", "")),
        history=history,
        mine=not gone and _may(context, incident, raw, actor),
        late=late,
    )


def _calling(entry: EntryView, phone: str | None) -> EntryView:
    """Say how to reach somebody by hand whom a page could not; the record itself keeps no numbers."""
    return replace(entry, text=f"{entry.text}; call {phone}") if phone else entry


def _change(event: Event, names: Mapping[str, str]) -> Change:
    gone = event.kind in (Kind.NOTE_RETRACTED, Kind.TAKEN_BACK)
    said = event.data.get("reason" if gone else "text")
    text = visible(redact(str(said or "")))
    return Change(
        at=event.recorded_at or event.happened_at,
        by=names.get(event.actor, event.actor),
        text=None if gone else text,
        why=text if gone else "",
    )


def _may(context: Context, incident: Incident, note: Event, actor: str) -> bool:
    brought = note.data.get("pinned_by")
    standing = Standing(
        seq=note.seq, text="", author=note.actor, brought_by=brought if isinstance(brought, str) else None
    )
    try:
        allow(context, incident, standing, actor=actor)
    except NotAllowed:
        return False
    return True


def _held(events: list[Event], incident: Incident) -> tuple[Held, ...]:
    """Give who had which role when; the newest first, what is held now before what is over."""
    found: list[Held] = []
    for event in events:
        role = str(event.data.get("role") or "lead")
        person = event.data.get("person")
        for at, one in enumerate(found):
            if one.role == role and one.until is None:
                found[at] = Held(role=role, person=one.person, since=one.since, until=event.happened_at)
        if isinstance(person, str):
            found.append(Held(role=role, person=person, since=event.happened_at, until=None))
    now = {**incident.roles, "lead": incident.lead}
    kept = [one for one in found if one.until is not None or now.get(one.role) == one.person]
    return tuple(sorted(kept, key=lambda one: (one.until is not None, one.since)))
