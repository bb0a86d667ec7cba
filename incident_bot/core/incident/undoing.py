"""Decides what `undo` does: the inverse of what the same person said last, within a minute of it.

Pure: looks at the events alone. The inverse is a verb said again with what was before, or the taking back of what had
nothing before it; it is decided like any other command. What people have read or were paged for stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import TakeBack
from incident_bot.core.incident.facts import flag, maybe_text, records, text, whole
from incident_bot.core.incident.paging import woken
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Event, Incident, Json, Kind, Paging

UNDO_FOR: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A verb of the grammar, and what follows it."""

    verb: str
    rest: str = ""


Inverse: TypeAlias = Again | TakeBack


def undo(events: Sequence[Event], incident: Incident, *, actor: str, now: datetime) -> Inverse:
    """Give the inverse of what this person said last; raises Refused, with what to type instead."""
    # One command may make several entries, such as a severity and the paging that begins again.
    mine = [event for event in events if event.actor == actor and event.kind not in _FOLLOWS]
    if not mine:
        raise Refused(f"You changed nothing of {incident.name} lately; `info` shows where it stands.")
    event = mine[-1]
    instead = _INSTEAD.get(event.kind, "`note <text>` puts it right")
    if now - (event.recorded_at or event.happened_at) > UNDO_FOR:
        raise Refused(f"That is more than a minute ago and stays; {instead}.")
    find = _INVERSES.get(event.kind)
    if find is None:
        raise Refused(f"That cannot be taken back; {instead}.")
    inverse = find(event, incident)
    if inverse is None:
        raise Refused(f"It was changed again since; `info {incident.name}` shows where it stands.")
    return inverse


def take_back(command: TakeBack, case: Case) -> Decision:
    """Take it back; that it was said stays on the timeline, with this beside it."""
    data: dict[str, Json] = {"of": command.of, "kind": command.kind.value, "what": command.what}
    facts = {"text": command.text, "number": command.number, "role": command.role}
    data.update({name: value for name, value in facts.items() if value is not None})
    said = f"Taken back: {command.what}{f' {command.number}' if command.number else ''}."
    event = case.event(Kind.TAKEN_BACK, data)
    if command.kind is not Kind.SNOOZED:
        return case.decided(said, event)
    awake, effects = woken(case)
    return case.decided(f"{said} Paging starts again at the first step.", event, awake, effects=effects)


def _severity(event: Event, incident: Incident) -> Inverse | None:
    holds = incident.severity == text(event.data, "severity")
    return Again(verb="sev", rest=f"{text(event.data, 'was')} undone") if holds else None


def _phase(event: Event, incident: Incident) -> Inverse | None:
    holds = incident.phase.value == text(event.data, "phase")
    return Again(verb="status", rest=text(event.data, "was")) if holds else None


def _title(event: Event, incident: Incident) -> Inverse | None:
    holds = incident.title == text(event.data, "title")
    return Again(verb="title", rest=text(event.data, "was")) if holds else None


def _made_private(_event: Event, incident: Incident) -> Inverse | None:
    return Again(verb="public", rest="yes") if incident.private else None


def _impact(event: Event, incident: Incident) -> Inverse | None:
    if incident.impact != text(event.data, "impact"):
        return None
    was = maybe_text(event.data, "was")
    if was is not None:
        return Again(verb="impact", rest=was)
    return TakeBack(of=event.seq, kind=event.kind, what="the impact")


def _lead(event: Event, incident: Incident) -> Inverse | None:
    if incident.lead != text(event.data, "person"):
        return None
    was = maybe_text(event.data, "was")
    if was is not None:
        return Again(verb="lead", rest=f"@{was}")
    return TakeBack(of=event.seq, kind=event.kind, what="the lead")


def _role(event: Event, incident: Incident) -> Inverse | None:
    role, was = text(event.data, "role"), maybe_text(event.data, "was")
    if incident.roles.get(role) != text(event.data, "person"):
        return None
    if was is not None:
        return Again(verb="role", rest=f"{role} @{was}")
    return TakeBack(of=event.seq, kind=event.kind, what=f"the role {role}", role=role)


def _note(event: Event, _incident: Incident) -> Inverse | None:
    return TakeBack(of=event.seq, kind=event.kind, what="a note", text=text(event.data, "text"))


def _edited(event: Event, _incident: Incident) -> Inverse:
    if maybe_text(event.data, "heard"):
        raise Refused("It reads so in the chat; edit the message there.")
    return Again(verb="edit", rest=f"{whole(event.data, 'of')} {text(event.data, 'was')}")


def _item(event: Event, incident: Incident) -> Inverse | None:
    number = whole(event.data, "number")
    if not any(item.number == number and item.done_at is None for item in incident.items):
        return None
    return TakeBack(
        of=event.seq,
        kind=event.kind,
        what=text(event.data, "kind"),
        text=text(event.data, "text"),
        number=number,
    )


def _tick(event: Event, incident: Incident) -> Inverse | None:
    number = whole(event.data, "number")
    there = any(one.number == number for one in incident.ticks)
    ticked = event.kind is Kind.STEP_TICKED
    return Again(verb="untick" if ticked else "tick", rest=str(number)) if there is ticked else None


def _acknowledged(event: Event, incident: Incident) -> Inverse | None:
    holds = incident.paging is Paging.ACKNOWLEDGED and incident.responders == (event.actor,)
    return Again(verb="unack") if holds else None


def _snoozed(event: Event, incident: Incident) -> Inverse | None:
    before = maybe_text(event.data, "before")
    if incident.paging is not Paging.SNOOZED or before == Paging.SNOOZED.value:
        return None
    if before == Paging.ACKNOWLEDGED.value:
        return Again(verb="ack")
    return TakeBack(of=event.seq, kind=event.kind, what="the snooze")


def _silence(event: Event, incident: Incident) -> Inverse | None:
    if flag(event.data, "extended"):
        raise Refused("That cannot be taken back; `silence 30m` sets another end, `unsilence` lifts it.")
    numbers = [whole(record, "number") for record in records(event.data, "silences")]
    there = {one.number for one in incident.silences if one.is_on}
    if not there.issuperset(numbers):
        return None
    return Again(verb="unsilence", rest=" ".join(map(str, numbers)))


def _milestone(event: Event, _incident: Incident) -> Inverse | None:
    # What no person had set goes back to the record, which may know better by then.
    before = maybe_text(event.data, "set_before") if flag(event.data, "corrected") else None
    return Again(verb="milestone", rest=f"{text(event.data, 'milestone')} {before or 'reset'} undone")


_FOLLOWS: Final = frozenset({Kind.REPAGED, Kind.WOKEN})
_INVERSES: Final[Mapping[Kind, Callable[[Event, Incident], Inverse | None]]] = MappingProxyType(
    {
        Kind.SEVERITY_CHANGED: _severity,
        Kind.PHASE_CHANGED: _phase,
        Kind.TITLE_CHANGED: _title,
        Kind.MADE_PRIVATE: _made_private,
        Kind.IMPACT_CHANGED: _impact,
        Kind.LEAD_ASSIGNED: _lead,
        Kind.ROLE_ASSIGNED: _role,
        Kind.NOTE: _note,
        Kind.NOTE_EDITED: _edited,
        Kind.ITEM_ADDED: _item,
        Kind.STEP_TICKED: _tick,
        Kind.STEP_UNTICKED: _tick,
        Kind.ACKNOWLEDGED: _acknowledged,
        Kind.SNOOZED: _snoozed,
        Kind.SILENCE_ASKED: _silence,
        Kind.MILESTONE_SET: _milestone,
    }
)
_INSTEAD: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.SEVERITY_CHANGED: "`sev P2` sets another severity",
        Kind.PHASE_CHANGED: "`status <phase>` sets another phase",
        Kind.TITLE_CHANGED: "`title <text>` sets another title",
        Kind.MADE_PRIVATE: "`public yes` shows it to everybody",
        Kind.MADE_PUBLIC: "others may have read it: `private` hides it again",
        Kind.IMPACT_CHANGED: "`impact <text>` says it better",
        Kind.LEAD_ASSIGNED: "`lead @somebody` sets another lead",
        Kind.ROLE_ASSIGNED: "`role <role> @somebody` gives it to somebody else",
        Kind.ITEM_ADDED: "`done n` ends a task, a follow-up or a change",
        Kind.STEP_TICKED: "`untick n` takes a tick away",
        Kind.STEP_UNTICKED: "`tick n` sets it again",
        Kind.ACKNOWLEDGED: "`unack` gives it back",
        Kind.SNOOZED: "`ack` takes it, `escalate` pages now",
        Kind.TAKEN_BACK: "say it again",
        Kind.NOTE_EDITED: "`edit <number> <text>` says it better",
        Kind.NOTE_RETRACTED: "`note <text>` says it anew",
        Kind.PUBLISHED: "others have read it: `publish <text>` tells them better, `unpublish` takes it off the page",
        Kind.UPDATE_POSTED: "others have read it: `update <text>` tells them better",
        Kind.RESOLVED: "`reopen` opens it again",
        Kind.CANCELLED: "`new <title>` declares it anew",
        Kind.REOPENED: "`resolve <reason>` ends it again",
        Kind.DECLARED: "`cancel <reason>` says that it never was one",
        Kind.ESCALATED: "people are paged by now: `ack` stops it",
        Kind.PAGED: "people are paged by now: `ack` stops it",
        Kind.UNACKNOWLEDGED: "`ack` takes it again",
        Kind.HANDOFF_OFFERED: "`decline` takes the offer back",
        Kind.THEORY_CONFIRMED: "`ruledout n` settles it otherwise",
        Kind.THEORY_RULED_OUT: "`confirmed n` settles it otherwise",
        Kind.SILENCE_ASKED: "`unsilence` lifts it",
        Kind.UNSILENCE_ASKED: "`silence 2h` makes a new one",
        Kind.MERGED: "`unmerge` takes it out again",
        Kind.MILESTONE_SET: "`milestone <name> <time>` sets it anew",
        Kind.VERDICT_GIVEN: "`verdict <word>` gives another one",
        Kind.RUNBOOK_JUDGED: "`runbook worked`, `failed` or `outdated` says it otherwise",
    }
)
