"""Whether whoever has an incident still has it: the promise, the question, and what silence does (row "ack timeout").

The timer is set where somebody takes an incident, and again by every answer. What nobody answers is paged anew,
beginning at the step that had been paged when it was taken.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from incident_bot.core.effects import CancelPages, Effect, Page, PageKind, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import Acknowledge
from incident_bot.core.incident.facts import progress_to_json, written
from incident_bot.core.incident.observations import AckDue
from incident_bot.core.incident.paging import joined, need_open, quiet, restarted, shown, step_now, stopped
from incident_bot.core.incident.rules import ACK_GRACE, Case, Decision
from incident_bot.core.incident.sharing import parts, take_part, taken_by
from incident_bot.core.model import Incident, Json, Kind, Paging, Phase, Progress, Running, Urgency


def acknowledge(command: Acknowledge, case: Case) -> Decision:
    """Give it to the actor, or record a second responder (rows "ack by P", "ack"); idempotent per person."""
    incident, actor = case.incident, case.actor
    if incident.phase is Phase.CANCELLED:
        raise Refused(f"{incident.name} is cancelled; type `new <title>` if there is work after all.")
    need_open(incident, "type `reopen` to work on it again")
    if incident.paging is Paging.ACKNOWLEDGED:
        return _acknowledge_too(command, case)
    mine = parts(case)
    progress = taken_by(incident.progress, mine)
    if mine and progress.awaited:
        return take_part(command, case, mine)
    # Whoever answers for all leads the list; where everybody answered for a part, whoever was first does.
    responders = progress.taken if mine else tuple(dict.fromkeys((actor, *progress.taken)))
    lead = f"`lead @{actor}`, " if incident.lead is None else ""
    everybody = " Everybody who was paged has it." if mine and len(responders) > 1 else ""
    said = f"You have {incident.name}.{everybody} {_taken_back(command.pending)} Next: {lead}`update …`, `resolve`."
    if incident.drill:
        said = f"You answered {incident.name}, which is a drill: there is nothing else to do."
    return _taken(command, case, progress, responders, said=said)


def _taken(
    command: Acknowledge,
    case: Case,
    progress: Progress,
    responders: tuple[str, ...],
    *,
    missing: tuple[str, ...] = (),
    said: str,
) -> Decision:
    """Stop the paging for those who have it, and have them asked later whether they still do."""
    incident = case.incident
    due = due_again(command.until, case)
    data = {"progress": progress_to_json(stopped(progress)), **promised(command, due)}
    others = [person for person in responders if person != case.actor]
    if others:
        data["responders"] = list(responders)
        data["others"] = list(others)
    if missing:
        data["missing"] = list(missing)
    if incident.phase is Phase.TRIAGE:
        data["phase"] = Phase.INVESTIGATING.value
    effects = (*quiet(f"acknowledged by {case.actor}"), *(() if due is None else (timer(due),)))
    if incident.drill:
        # An answer is all that a drill asks for: what ends it is looked at now.
        effects = (*effects, SetTimer(kind=TimerKind.HOLD, due_at=case.now))
    return case.decided(said, case.event(Kind.ACKNOWLEDGED, data), effects=effects)


def step_over(case: Case) -> Decision:
    """Leave it to those who have their part once the current step's time is over: no next step is run."""
    incident, progress = case.incident, case.incident.progress
    waits = incident.paging is Paging.TRIGGERED and progress.state is Running.RUNNING
    over = progress.next_at is not None and progress.next_at <= case.now
    if not (waits and over and progress.taken):
        return case.decided(f"Nothing of {incident.name} ends now.")
    first = replace(case, actor=progress.taken[0])
    missing = progress.awaited
    said = f"{joined(progress.taken)} took {incident.name}; {joined(missing)} did not answer in time."
    return _taken(Acknowledge(), first, progress, progress.taken, missing=missing, said=said)


def _acknowledge_too(command: Acknowledge, case: Case) -> Decision:
    incident, actor = case.incident, case.actor
    if actor in incident.responders:
        return confirm(command, case)
    # Somebody may have paged this person directly since: that page ends with their word.
    effects = (
        CancelPages(reason=f"acknowledged by {actor}", person=actor),
        timer(due_again(command.until, case)),
    )
    first = incident.acknowledged_by or "somebody"
    said = f"{first} has {incident.name} already; you are noted as responding too."
    return case.decided(said, case.event(Kind.ALSO_ACKNOWLEDGED), effects=effects)


def _taken_back(pending: int | None) -> str:
    if pending is None:
        return "Pages not yet sent are taken back."
    if pending == 0:
        return "No page was waiting."
    return "1 page taken back." if pending == 1 else f"{pending} pages taken back."


def due_again(promised: datetime | None, case: Case) -> datetime | None:
    """Say when the acknowledgement is to be confirmed: as promised, else by the rules; None means never."""
    if promised is not None:
        if promised <= case.now:
            raise Refused(f"{shown(promised, case.now)} has passed; give a time to come: `ack until 14:30`.")
        return promised
    wait = case.rules.ack_timeout.get(urgency_of(case.incident))
    return None if wait is None else case.now + wait


def urgency_of(incident: Incident) -> Urgency:
    """Give the urgency of the frozen policy; an incident without one is urgent."""
    return Urgency.LOW if incident.policy.get("urgency") == Urgency.LOW.value else Urgency.HIGH


def timer(due: datetime | None) -> Effect:
    """Have the acknowledgement looked at then, or never."""
    return StopTimers(kinds=(TimerKind.ACK,)) if due is None else SetTimer(kind=TimerKind.ACK, due_at=due)


def promised(command: Acknowledge, due: datetime | None) -> dict[str, Json]:
    """Give what the event tells of a promise; nothing without one."""
    data: dict[str, Json] = {}
    if command.until is not None:
        data["until"] = written(due)
    if command.waiting_for is not None:
        data["waiting_for"] = command.waiting_for
    return data


def confirm(command: Acknowledge, case: Case) -> Decision:
    """Take the word of somebody who has it already: the answer to "still on it?", or a new promise."""
    incident, actor = case.incident, case.actor
    # Somebody may have paged this person directly since: that page ends with their word.
    taken_back = CancelPages(reason=f"acknowledged by {actor}", person=actor)
    due = due_again(command.until, case)
    if incident.asked_at is None and command.until is None and command.waiting_for is None:
        others = [person for person in incident.responders if person != actor]
        company = f", with {joined(others)}" if others else ""
        said = f"You have {incident.name} already{company}; nothing changed."
        return case.decided(said, effects=(taken_back, timer(due)))
    asking = "" if due is None else f" You are asked again at {shown(due, case.now)}."
    said = f"You still have {incident.name}.{asking}"
    event = case.event(Kind.CONFIRMED, promised(command, due))
    return case.decided(said, event, effects=(taken_back, timer(due)))


def ack_due(observation: AckDue, case: Case) -> Decision:
    """Ask whoever has it; where they were asked and said nothing, page anew from the step that was acknowledged."""
    incident = case.incident
    if incident.paging is not Paging.ACKNOWLEDGED:
        return case.decided(f"{incident.name} is {incident.paging.value}: nobody is asked.")
    if incident.asked_at is None:
        return _ask(observation, case)
    until = incident.asked_at + ACK_GRACE
    if case.now < until:
        return case.decided(f"{incident.name} was asked about; too early.", effects=(timer(until),))
    before = incident.progress
    progress = replace(
        restarted(before, now=case.now), loop=before.loop, step=max(before.step - 1, 0), forced=True
    )
    data: dict[str, Json] = {"was": incident.acknowledged_by, "progress": progress_to_json(progress)}
    said = (
        f"{incident.acknowledged_by} did not answer whether they still have {incident.name}; paging goes on."
    )
    effects = step_now("the acknowledgement was not confirmed", case.now)
    return case.decided(said, case.event(Kind.ACK_EXPIRED, data), effects=effects)


def _ask(observation: AckDue, case: Case) -> Decision:
    incident = case.incident
    until = case.now + ACK_GRACE
    pages = tuple(_asking(page, incident) for page in observation.asking)
    data: dict[str, Json] = {"person": incident.acknowledged_by, "until": written(until)}
    said = f"{incident.acknowledged_by} is asked whether they still have {incident.name}."
    return case.decided(said, case.event(Kind.STILL_ON_IT, data), effects=(*pages, timer(until)))


def _asking(page: Page, incident: Incident) -> Page:
    # The number of the last event is the pseudo-step: the next question is a new page (P4).
    progress = incident.progress
    return replace(page, kind=PageKind.ASK, epoch=progress.epoch, loop=progress.loop, step=incident.seq)
