"""The frame that every importer fills: one draft for each schedule, notes as they come, files at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from incident_bot.importers.base import SCHEDULES, Imported, Note, Rendered, Say, Stretch
from incident_bot.importers.layers import Layer, Override
from incident_bot.importers.roster import Roster, slug, unused
from incident_bot.importers.writing import instant, schedule_text


@dataclass(slots=True, kw_only=True)
class Draft:
    """One schedule on its way to a file."""

    title: str
    zone: str
    layers: list[Layer] = field(default_factory=list)
    """The highest first."""
    overrides: list[Override] = field(default_factory=list)
    rendered: Rendered | None = None


@dataclass(slots=True, kw_only=True)
class Work:
    """One import: who was met, what was said, what will be written."""

    source: str
    now: datetime
    roster: Roster
    notes: list[Note] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)

    def say(self, where: str, what: str) -> None:
        """Take a note; the same one counts once."""
        note = Note(where=where, what=what)
        if note not in self.notes:
            self.notes.append(note)

    def about(self, title: str) -> Say:
        """Give a way to take notes about something in one schedule."""
        return lambda where, what: self.say(f"{title}, {where}" if where else title, what)

    def imported(self) -> Imported:
        """Write every schedule that has a layer; a note says which have none."""
        files: dict[str, str] = {}
        rendered: dict[str, Rendered] = {}
        taken: set[str] = set()
        for draft in self.drafts:
            if not draft.layers:
                self.say(draft.title, "has no layer that counts from now on, so no file was written for it")
                continue
            name = unused(slug(draft.title, otherwise="schedule"), taken)
            taken.add(name)
            about = [
                note
                for note in self.notes
                if note.where == draft.title or note.where.startswith(f"{draft.title}, ")
            ]
            files[f"{SCHEDULES}{name}.yaml"] = schedule_text(
                name,
                draft.zone,
                layers=draft.layers,
                overrides=sorted(draft.overrides, key=lambda each: each.add is not None),
                head=f"{draft.title}: imported from {self.source} by incident-bot import, as of {instant(self.now)}.",
                notes=about,
            )
            if draft.rendered is not None:
                rendered[name] = draft.rendered
        return Imported(
            files=MappingProxyType(files),
            people=MappingProxyType(self._people()),
            notes=tuple(self.notes),
            rendered=MappingProxyType(rendered),
        )

    def _people(self) -> dict[str, Mapping[str, str]]:
        """Give the proposed entries of those whom a written file names."""
        named = set[str]().union(*(_named(draft) for draft in self.drafts if draft.layers))
        entries = self.roster.people.items()
        return {person: MappingProxyType(entry) for person, entry in entries if person in named}


def _named(draft: Draft) -> set[str]:
    """Give everybody whom the file of a draft names."""
    people = {person for layer in draft.layers for slot in layer.slots for person in slot.who}
    for each in draft.overrides:
        people.update(each.cover or (), each.replace or (), each.add or (), {each.remove or ""} - {""})
    return people


def rendered_of(
    stretches: Sequence[Stretch], *, start: datetime | None = None, end: datetime | None = None
) -> Rendered | None:
    """Give what the source says about a span, by default from its first stretch to its last; None without any."""
    found = tuple(each for each in stretches if each.start < each.end)
    if start is None or end is None:
        if not found:
            return None
        start = min(each.start for each in found)
        end = max(each.end for each in found)
    if end <= start:
        return None
    return Rendered(start=start.astimezone(UTC), end=end.astimezone(UTC), stretches=found)
