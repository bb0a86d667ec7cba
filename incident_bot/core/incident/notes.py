"""Decides what becomes of a note whose message in the chat was edited or taken back. Its own entry never changes."""

from __future__ import annotations

from incident_bot.core.incident.commands import EditNote, RetractNote
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Json, Kind


def edit_note(command: EditNote, case: Case) -> Decision:
    """Say how a note reads now."""
    if command.text == command.was:
        return case.decided(f"The note on {case.incident.name} reads so already; nothing changed.")
    data: dict[str, Json] = {"of": command.note, "text": command.text, "was": command.was}
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
