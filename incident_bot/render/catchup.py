"""What a late joiner needs, from the record alone: where it stands, who holds what, what fires, what was tried.

Pure: no language model, no clock, nothing is asked. Short lines: they are read on a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.apart import apart
from incident_bot.core.model import (
    Episode,
    Event,
    Incident,
    Item,
    ItemKind,
    Kind,
    Paging,
    Silence,
    SilenceState,
    Status,
)
from incident_bot.core.postmortem import duration
from incident_bot.core.routing import title
from incident_bot.core.timeline import describe, one_line, redact, revised

FIRING_MOST: Final = 5
LATELY: Final = 5
TEXT_MOST: Final = 200
IMPORTANT: Final = frozenset({
    Kind.ACKNOWLEDGED, Kind.UNACKNOWLEDGED, Kind.ACK_EXPIRED, Kind.SNOOZED, Kind.ESCALATED, Kind.EXHAUSTED,
    Kind.SEVERITY_CHANGED, Kind.PHASE_CHANGED, Kind.LEAD_ASSIGNED, Kind.UPDATE_POSTED, Kind.NOTE, Kind.ITEM_ADDED,
    Kind.ITEM_DONE, Kind.THEORY_CONFIRMED, Kind.THEORY_RULED_OUT, Kind.RESOLVE_OFFERED, Kind.RESOLVED, Kind.REOPENED,
    Kind.CANCELLED, Kind.MERGED, Kind.MERGED_HERE, Kind.HANDOFF_OFFERED, Kind.SILENCE_ASKED, Kind.SILENCE_FAILED,
    Kind.SILENCE_GONE, Kind.SILENCE_ENDED,
})  # fmt: skip
"""The entries that tell the story; pages, alerts and routine do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """All that a late joiner needs: facts with their names, then lines."""

    facts: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


def catch_up(
    incident: Incident,
    events: Iterable[Event],
    episodes: Iterable[Episode],
    *,
    names: Mapping[str, str],
    now: datetime,
) -> CatchUp:
    """Tell where an incident stands; what nobody said is left out, and that nobody leads is said."""
    told = sorted(events, key=lambda event: (event.happened_at, event.seq))
    firing = [episode for episode in episodes if episode.status is Status.FIRING]
    record = _Record(incident=incident, told=told, names=names, now=now)
    facts = (
        ("Severity", record.severity()),
        ("Phase", record.phase()),
        ("Paging", record.paging()),
        ("Lead", record.lead()),
        *((role.capitalize(), record.name(person)) for role, person in sorted(incident.roles.items())),
        *((("Impact", _cut(incident.impact)),) if incident.impact else ()),
        *((("Runbook", f"{len(incident.ticks)} steps done: `runbook`"),) if incident.ticks else ()),
        ("Last update", record.last_update()),
        *record.promise(),
    )
    lines = (
        *_firing(firing, now),
        *record.listed("Theories", ItemKind.THEORY),
        *record.listed("Decisions", ItemKind.DECISION),
        *record.listed("Changes in force", ItemKind.CHANGE),
        *record.listed("Open tasks", ItemKind.TASK),
        *record.silences(),
        *record.lately(),
    )
    return CatchUp(facts=facts, lines=lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """One incident with its events in the order in which things happened."""

    incident: Incident
    told: Sequence[Event]
    names: Mapping[str, str]
    now: datetime

    def name(self, person: str | None) -> str:
        return self.names.get(person or "", person or "nobody")

    def since(self, moment: datetime) -> str:
        """Say since when and for how long."""
        return f"since {at(moment, self.now)} ({duration(self.now - moment)})"

    def last(self, *kinds: Kind) -> Event | None:
        return next((event for event in reversed(self.told) if event.kind in kinds), None)

    def severity(self) -> str:
        changed = self.last(Kind.SEVERITY_CHANGED)
        said = f"{self.incident.severity} {self.since(changed.happened_at if changed else self.incident.opened_at)}"
        return (
            said if self.incident.peak == self.incident.severity else f"{said}, at worst {self.incident.peak}"
        )

    def phase(self) -> str:
        moved = next((event for event in reversed(self.told) if "phase" in event.data), None)
        return f"{self.incident.phase.value} {self.since(moved.happened_at if moved else self.incident.opened_at)}"

    def paging(self) -> str:
        incident = self.incident
        waiting = f", waiting for {_cut(incident.waiting_for)}" if incident.waiting_for else ""
        match incident.paging:
            case Paging.TRIGGERED:
                next_at = incident.progress.next_at
                return f"nobody has it yet{f'; the next page at {at(next_at, self.now)}' if next_at else ''}"
            case Paging.SNOOZED:
                return f"snoozed{f' until {at(incident.snoozed_until, self.now)}' if incident.snoozed_until else ''}"
            case Paging.ACKNOWLEDGED:
                people = incident.responders or (incident.acknowledged_by or "",)
                return f"{', '.join(self.name(person) for person in people)} on it{waiting}"
            case Paging.RESOLVED:
                return "over"
        return f"merged into INC-{incident.merged_into}"

    def lead(self) -> str:
        taken = self.last(Kind.LEAD_ASSIGNED)
        if not self.incident.lead:
            return "nobody: `lead @you`"
        offer = self.incident.offer
        asked = f"; offered to {self.name(offer.to)}" if offer else ""
        return f"{self.name(self.incident.lead)}{f' {self.since(taken.happened_at)}' if taken else ''}{asked}"

    def last_update(self) -> str:
        posted = self.last(Kind.UPDATE_POSTED)
        if posted is None:
            return "none yet"
        return f"{at(posted.happened_at, self.now)}: {_cut(str(posted.data.get('text', '')))}"

    def promise(self) -> tuple[tuple[str, str], ...]:
        promised = self.incident.next_update_at
        if promised is None or not self.incident.paging.is_open:
            return ()
        left = promised - self.now
        when = f"in {duration(left)}" if promised > self.now else f"overdue by {duration(-left)}"
        return (("Next update", f"{at(promised, self.now)} ({when})"),)

    def listed(self, label: str, kind: ItemKind) -> tuple[str, ...]:
        """List the items of a kind that count: what is done with no longer does, a theory that fell does."""
        wanted = [
            item
            for item in self.incident.items
            if item.kind is kind and (item.done_at is None or not item.kind.is_work)
        ]
        return (f"{label}:", *(f"  {self.item(item)}" for item in wanted)) if wanted else ()

    def item(self, item: Item) -> str:
        owner = f" – {self.name(item.owner)}" if item.owner and item.kind is ItemKind.TASK else ""
        undo = f" (undo: {_cut(item.undo)})" if item.undo else ""
        outcome = f" – {item.outcome.value.replace('_', ' ')}" if item.outcome else ""
        why = f": {_cut(item.why)}" if item.why else ""
        return f"{item.number}. {_cut(item.text)}{owner}{undo}{outcome}{why}"

    def silences(self) -> tuple[str, ...]:
        """List the silences that hold, or are about to: what they hide is not heard of."""
        held = [one for one in self.incident.silences if one.is_on]
        return ("Silences:", *(f"  {self.silence(one)}" for one in held)) if held else ()

    def silence(self, one: Silence) -> str:
        waits = "" if one.state is SilenceState.HELD else ", not confirmed yet"
        why = f" – {one.reason}" if one.reason else ""
        said = f"{one.number}. {one.what} until {at(one.ends_at, self.now)}, {self.name(one.asked_by)}{waits}{why}"
        return _cut(said)

    def lately(self) -> tuple[str, ...]:
        back = (Kind.TAKEN_BACK, Kind.NOTE_RETRACTED)
        gone = {event.data.get("of") for event in self.told if event.kind in back}
        reads = revised(self.told)
        important = [one for one in reads if one.kind in IMPORTANT and one.seq not in gone][-LATELY:]
        said = (
            f"  {at(event.happened_at, self.now)} {_cut(describe(event, self.names))}" for event in important
        )
        return ("Lately:", *said) if important else ()


def at(moment: datetime, now: datetime) -> str:
    """Write an instant for people: the time in UTC, with the date unless it is today's."""
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"


def _firing(firing: Sequence[Episode], now: datetime) -> tuple[str, ...]:
    if not firing:
        return ("Nothing fires now.",)
    newest = sorted(firing, key=lambda episode: (episode.starts_at, episode.id), reverse=True)[:FIRING_MOST]
    titles = [title(one.labels, one.annotations) for one in newest]
    telling = apart([(text, one.labels) for text, one in zip(titles, newest, strict=True)])
    named = (
        f"  {_cut(f'{text} ({said})' if said else text)} since {at(one.starts_at, now)}"
        for text, said, one in zip(titles, telling, newest, strict=True)
    )
    more = len(firing) - FIRING_MOST
    return (f"Firing now ({len(firing)}):", *named, *((f"  … and {more} more",) if more > 0 else ()))


def _cut(text: str) -> str:
    return one_line(redact(text), TEXT_MOST)
