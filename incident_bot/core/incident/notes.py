"""Decides what becomes of a note that is edited or taken back, here or in the chat. Its own entry never changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incident_bot.core.errors import NotAllowed, Refused
from incident_bot.core.incident.commands import EditNote, RetractNote
from incident_bot.core.incident.facts import maybe_text, text, whole
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Event, Incident, Json, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A note as it reads now."""

    seq: int
    text: str
    author: str
    brought_by: str | None
    """Who put somebody else's message on the timeline."""


def standing(events: Sequence[Event], incident: Incident, seq: int) -> Standing:
    """Give the note of this number as it reads now; raises Refused where there is none, or none any more.

    `events` are its incident's notes and what was said of them later.
    """
    note = next((one for one in events if one.seq == seq and one.kind is Kind.NOTE), None)
    if note is None:
        raise Refused(f"Entry {seq} of {incident.name} is no note; its page has a button at each.")
    later = [one for one in events if one.kind is not Kind.NOTE and whole(one.data, "of") == seq]
    if any(one.kind in (Kind.NOTE_RETRACTED, Kind.TAKEN_BACK) for one in later):
        raise Refused(f"Note {seq} of {incident.name} is taken back; `note <text>` says it anew.")
    reads = [text(one.data, "text") for one in later] or [text(note.data, "text")]
    return Standing(seq=seq, text=reads[-1], author=note.actor, brought_by=maybe_text(note.data, "pinned_by"))


def may_correct(note: Standing, incident: Incident, *, actor: str, managers: Iterable[str | None]) -> None:
    """Let those correct a note who wrote it, put it there, lead the incident or manage its team; NotAllowed else."""
    if actor not in {note.author, note.brought_by, incident.lead, *managers} - {None}:
        who = "whoever wrote it, the lead of the incident, and the lead and manager of its team"
        raise NotAllowed(f"Note {note.seq} may be corrected by {who}; `note <text>` adds what you know.")


def edit_note(command: EditNote, case: Case) -> Decision:
    """Say how a note reads now."""
    if command.text.strip() == command.was:
        return case.decided(f"The note on {case.incident.name} reads so already; nothing changed.")
    data: dict[str, Json] = {"of": command.note, "text": command.text.strip(), "was": command.was}
    return case.decided(
        f"The note on {case.incident.name} reads otherwise now.",
        case.event(Kind.NOTE_EDITED, _heard(data, command.heard)),
    )


def retract_note(command: RetractNote, case: Case) -> Decision:
    """Take a note back; the record still has what it said."""
    data: dict[str, Json] = {"of": command.note, "reason": command.reason}
    if command.author:
        data["author"] = command.author
    return case.decided(
        f"The note on {case.incident.name} is taken back.",
        case.event(Kind.NOTE_RETRACTED, _heard(data, command.heard)),
    )


def _heard(data: dict[str, Json], heard: str | None) -> dict[str, Json]:
    return {**data, "heard": heard} if heard else data
