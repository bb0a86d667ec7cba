"""Decides the commands about the work: severity, phase, words, people, promises. Only severity can page."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.errors import Refused
from incident_bot.core.incident.beliefs import instead
from incident_bot.core.incident.commands import (
    AddItem,
    AddNote,
    AssignLead,
    AssignRole,
    AttachRunbook,
    FinishItem,
    PostUpdate,
    SetImpact,
    SetPhase,
    SetSeverity,
    SetTitle,
)
from incident_bot.core.incident.facts import listed, progress_to_json, written
from incident_bot.core.incident.paging import joined, may_repage, repaged, shown
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import (
    Event,
    Incident,
    ItemKind,
    Json,
    JsonObject,
    Kind,
    Paging,
    Phase,
    Progress,
    Running,
)

LEAD_WORDS = frozenset({"lead", "ic", "commander"})
"""The words of the role that `lead` sets."""


def severity_changed(case: Case, severity: str, *, reason: str | None, policy: JsonObject | None) -> Event:
    """Tell of a new severity, the peak it leaves, and the policy that goes with it."""
    incident = case.incident
    above = case.rules.is_above(severity, incident.peak)
    data: dict[str, Json] = {
        "severity": severity,
        "was": incident.severity,
        "peak": severity if above else incident.peak,
        "reason": reason,
    }
    if policy is not None and not incident.drill:
        # A drill keeps its own: it pages nobody but whom it asks, however bad it is said to be.
        data["policy"] = policy
        data["steps"] = severity
        progress = _in_new_row(incident, policy)
        if progress is not None:
            data["progress"] = progress_to_json(progress)
    return case.event(Kind.SEVERITY_CHANGED, data)


def _in_new_row(incident: Incident, policy: JsonObject) -> Progress | None:
    """Begin the new row where the old one was not over and the new one has no step so far down; else go on in it.

    A lesser severity has fewer steps: going on behind its last one would wake the last resort for what got better.
    """
    progress = incident.progress
    if incident.paging is not Paging.TRIGGERED or progress.state is not Running.RUNNING:
        return None
    before, after = (len(listed(one, "steps")) if "steps" in one else 0 for one in (incident.policy, policy))
    begins = after <= progress.step < before and after > 0
    return replace(progress, loop=progress.loop + 1, step=0) if begins else None


def set_severity(command: SetSeverity, case: Case) -> Decision:
    """Set it by hand; above the peak it pages again by the rule `repage`, lower never does."""
    incident, wanted = case.incident, command.severity.name
    if wanted == incident.severity:
        return case.decided(f"{incident.name} is {wanted} already; nothing changed.")
    event = severity_changed(case, wanted, reason=command.reason, policy=command.policy)
    said = f"{incident.name} is {wanted} now, it was {incident.severity}."
    if case.rules.is_above(wanted, incident.peak) and may_repage(case):
        again, effects = repaged(case, f"{case.actor} raised it to {wanted}")
        return case.decided(
            f"{said} Paging starts again with {wanted}'s first step.", event, again, effects=effects
        )
    return case.decided(f"{said} {_no_page(command, case)}", event)


def _no_page(command: SetSeverity, case: Case) -> str:
    if case.incident.paging is Paging.TRIGGERED and command.policy is not None:
        return f"Paging goes on with {command.severity.name}'s steps."
    if case.incident.paging is Paging.TRIGGERED:
        return "Paging goes on with the steps it had."
    return "Nobody is paged for that; `escalate` does."


def set_phase(command: SetPhase, case: Case) -> Decision:
    """Say where the work stands; ends have their own verbs, and `closed` comes after resolving."""
    incident, wanted = case.incident, command.phase
    if wanted is incident.phase:
        return case.decided(f"{incident.name} is {wanted.value} already; nothing changed.")
    if incident.phase is Phase.CANCELLED:
        raise Refused(
            f"{incident.name} is cancelled, which is final; type `new <title>` for what is still to do."
        )
    if wanted is Phase.CANCELLED:
        raise Refused(f"To cancel {incident.name} type `cancel <reason>`.")
    if wanted is Phase.RESOLVED:
        raise Refused(f"To resolve {incident.name} type `resolve`.")
    if wanted is Phase.CLOSED and incident.paging.is_open:
        raise Refused(f"{incident.name} is not resolved yet; type `resolve` first, then `status closed`.")
    if wanted is not Phase.CLOSED and not incident.paging.is_open:
        raise Refused(f"{incident.name} is resolved; type `reopen` to work on it again.")
    event = case.event(Kind.PHASE_CHANGED, {"phase": wanted.value, "was": incident.phase.value})
    hint = " Nobody has acknowledged it; type `ack`." if incident.paging is Paging.TRIGGERED else ""
    return case.decided(f"{incident.name} is {wanted.value} now.{hint}", event)


def set_title(command: SetTitle, case: Case) -> Decision:
    """Call it something else."""
    title = _words(command.title, "title <text>")
    if title == case.incident.title:
        return case.decided(f"{case.incident.name} is called that already; nothing changed.")
    event = case.event(Kind.TITLE_CHANGED, {"title": title, "was": case.incident.title})
    return case.decided(f"{case.incident.name} is called “{title}” now.", event)


def set_impact(command: SetImpact, case: Case) -> Decision:
    """Say what people outside notice."""
    impact = _words(command.text, "impact <text>")
    if impact == case.incident.impact:
        return case.decided(f"That is the impact of {case.incident.name} already; nothing changed.")
    event = case.event(Kind.IMPACT_CHANGED, {"impact": impact, "was": case.incident.impact})
    return case.decided(f"Impact of {case.incident.name} noted.", event)


def post_update(command: PostUpdate, case: Case) -> Decision:
    """Tell the channels and note the promise; from now on people resolve it (row "all episodes resolved")."""
    incident, promise = case.incident, command.next_update_at
    words = _words(command.text, "update <text>")
    if promise is not None and promise <= case.now:
        raise Refused(f"{shown(promise, case.now)} has passed; promise the next update for a time to come.")
    data: dict[str, Json] = {"text": words, "next_update_at": written(promise)}
    effects = case.announced(Moment.UPDATE, {**data, "phase": incident.phase.value})
    public = command.public and incident.public is not None
    if public:
        data["public"] = True
    where = "is kept here, the incident is private" if incident.private else "goes to the channels"
    promised = f" The next one is promised for {shown(promise, case.now)}." if promise else ""
    said = f"Update of {incident.name} {where}{' and to the status page' if public else ''}.{promised}"
    if command.kept_back is not None:
        said = f"{said} {command.kept_back}"
    return case.decided(said, case.event(Kind.UPDATE_POSTED, data), effects=effects)


def assign_lead(command: AssignLead, case: Case) -> Decision:
    """Put a person in the lead; a led incident does not resolve by itself."""
    incident, person = case.incident, _words(command.person, "lead @somebody")
    if person == incident.lead:
        return case.decided(f"{person} leads {incident.name} already; nothing changed.")
    event = case.event(Kind.LEAD_ASSIGNED, {"person": person, "was": incident.lead})
    after = f", after {incident.lead}" if incident.lead else ""
    hint = " Paging goes on until somebody types `ack`." if incident.paging is Paging.TRIGGERED else ""
    return case.decided(f"{person} leads {incident.name} now{after}.{hint}", event)


def assign_role(command: AssignRole, case: Case) -> Decision:
    """Give a role to a person; the lead's words all mean `lead`."""
    incident = case.incident
    role = _words(command.role, "role <role> @somebody").casefold()
    if role in LEAD_WORDS:
        return assign_lead(AssignLead(person=command.person), case)
    person = _words(command.person, "role <role> @somebody")
    was = incident.roles.get(role)
    if person == was:
        return case.decided(f"{person} is {role} of {incident.name} already; nothing changed.")
    event = case.event(Kind.ROLE_ASSIGNED, {"role": role, "person": person, "was": was})
    after = f", after {was}" if was else ""
    return case.decided(f"{person} is {role} of {incident.name} now{after}.", event)


def add_note(command: AddNote, case: Case) -> Decision:
    """Put an entry on the timeline at the time it happened."""
    words = _words(command.text, "note [HH:MM] <text>")
    happened = command.happened_at or case.now
    if happened > case.now:
        raise Refused(
            f"{shown(happened, case.now)} is still to come; a note tells what has happened: `note <text>`."
        )
    more = {"heard": command.heard, "pinned_by": command.pinned_by, "files": list(command.files)}
    data: JsonObject = {"text": words, **{name: value for name, value in more.items() if value}}
    event = case.event(Kind.NOTE, data, happened_at=happened)
    return case.decided(f"Noted on {case.incident.name} at {shown(happened, case.now)}.", event)


def add_item(command: AddItem, case: Case) -> Decision:
    """Number a task, follow-up or change and keep it open until `done`."""
    words = _words(command.text, f"{_VERBS[command.kind]} <text>")
    number = max((item.number for item in case.incident.items), default=0) + 1
    data: dict[str, Json] = {
        "number": number,
        "kind": command.kind.value,
        "text": words,
        "owner": command.owner,
        "due": written(command.due),
        "undo": command.undo,
    }
    if command.type is not None:
        data["type"] = command.type.value
    if command.done_when is not None:
        data["done_when"] = command.done_when
    owner = f" for {command.owner}" if command.owner else ""
    what = "Follow-up" if command.kind is ItemKind.FOLLOWUP else command.kind.value.capitalize()
    said = f"{what} {number} of {case.incident.name} noted{owner}{_ends(command.kind, number)}."
    return case.decided(said, case.event(Kind.ITEM_ADDED, data))


_VERBS: Final = {
    ItemKind.TASK: "task",
    ItemKind.FOLLOWUP: "followup",
    ItemKind.CHANGE: "did",
    ItemKind.THEORY: "theory",
    ItemKind.DECISION: "decide",
}


def _ends(kind: ItemKind, number: int) -> str:
    if kind is ItemKind.THEORY:
        return f"; `confirmed {number}` or `ruledout {number} <why>` settles it"
    return f"; `done {number}` ends it" if kind.is_work else ""


def finish_item(command: FinishItem, case: Case) -> Decision:
    """Mark an item done; done twice is done once."""
    incident, number = case.incident, command.number
    found = next((item for item in incident.items if item.number == number), None)
    if found is None:
        has = [str(item.number) for item in incident.items if item.is_open and item.kind.is_work]
        raise Refused(f"{incident.name} has no item {number}; open are: {joined(has) or 'none'}.")
    if not found.kind.is_work:
        raise Refused(
            f"Item {number} of {incident.name} is a {found.kind.value}, which is not done{instead(found)}."
        )
    if found.done_at is not None:
        return case.decided(
            f"Item {number} of {incident.name} was done already, by {found.done_by}; nothing changed."
        )
    event = case.event(Kind.ITEM_DONE, {"number": number, "kind": found.kind.value, "text": found.text})
    return case.decided(f"Item {number} of {incident.name} is done: {found.text}.", event)


def attach_runbook(command: AttachRunbook, case: Case) -> Decision:
    """Say what to follow."""
    path = _words(command.path, "runbook <path>")
    if path == case.incident.runbook:
        return case.decided(f"{case.incident.name} has that runbook already; nothing changed.")
    event = case.event(Kind.RUNBOOK_FOUND, {"runbook": path, "was": case.incident.runbook})
    return case.decided(f"{case.incident.name} follows {path} now.", event)


def _words(text: str, usage: str) -> str:
    # Blanks are no words: an empty title or note would be a line that says nothing.
    words = text.strip()
    if not words:
        raise Refused(f"Something is missing; type `{usage}`.")
    return words
