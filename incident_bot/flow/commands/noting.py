"""The verbs `edit` and `retract`: correct a note. Its entry stays; an entry behind it says how it reads now."""

from __future__ import annotations

from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import EditNote, RetractNote
from incident_bot.core.incident.notes import Standing, may_correct, standing
from incident_bot.core.model import Event, Incident, Kind
from incident_bot.flow.commands import arguments
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.store import incidents

NO_REASON: Final = "no reason given"
_LAST: Final = "last"
_ABOUT: Final = (Kind.NOTE, Kind.NOTE_EDITED, Kind.NOTE_RETRACTED, Kind.TAKEN_BACK)


def edit(ledger: Ledger, incident: Incident, rest: str, *, actor: str) -> EditNote:
    """Read `edit 12 it was the disk` or `edit last …`; raises Refused and NotAllowed."""
    example = "edit 12 it was the disk of db-2"
    note, said = _note(ledger, incident, rest, actor, example)
    return EditNote(note=note.seq, text=arguments.needed(said, example=example), was=note.text)


def retract(ledger: Ledger, incident: Incident, rest: str, *, actor: str) -> RetractNote:
    """Read `retract 12 [reason]` or `retract last [reason]`; raises Refused and NotAllowed."""
    note, reason = _note(ledger, incident, rest, actor, "retract 12 it was another host")
    return RetractNote(note=note.seq, reason=reason or NO_REASON, author=note.author)


def allow(context: Context, incident: Incident, note: Standing, *, actor: str) -> None:
    """Raise NotAllowed where this person may not correct this note."""
    revision = context.live.current.revision
    if actor not in revision.people and context.seer.everything:
        # The bot's operator, who is nobody in particular, may put right what is on record.
        return
    team = revision.teams.get(incident.team)
    managers = (team.lead, team.manager) if team else ()
    may_correct(note, incident, actor=actor, managers=managers)


def _note(ledger: Ledger, incident: Incident, rest: str, actor: str, example: str) -> tuple[Standing, str]:
    events = [
        one
        for one in incidents.of_kinds(ledger.tx, incident.id, _ABOUT)
        if one.kind is not Kind.TAKEN_BACK or one.data.get("kind") == Kind.NOTE.value
    ]
    first, _, more = rest.partition(" ")
    if first.casefold() == _LAST:
        number = _last(events, incident, actor)
    else:
        number, more = arguments.item_number(rest, example=example)
    found = standing(events, incident, number)
    allow(ledger.context, incident, found, actor=actor)
    return found, more.strip()


def _last(events: list[Event], incident: Incident, actor: str) -> int:
    mine = [one.seq for one in events if one.kind is Kind.NOTE and one.actor == actor]
    if not mine:
        message = f"You wrote no note on {incident.name}; its page has a button at each note."
        raise Refused(message)
    return mine[-1]
