"""Decides the commands about paging: who has it, when it is quiet, who is called next. Resolves nothing.

Whenever paging begins or moves on by force there is a new epoch (P6), the step due is due now, and a step
timer is set for now, so that the flow lets `core.escalation` page in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from incident_bot.core.effects import CancelPages, Effect, Page, PageKind, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import PageSomebody, Snooze
from incident_bot.core.incident.facts import progress_to_json, written
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Event, Incident, Json, Kind, Paging, Phase, Progress, Running


def restarted(progress: Progress, *, now: datetime) -> Progress:
    """Begin a new epoch at step 0, due now (P6)."""
    return Progress(epoch=progress.epoch + 1, next_at=now, started_at=now)


def stopped(progress: Progress) -> Progress:
    """Stop the epoch where it is: nothing of it falls due any more (P3); `escalate` goes on from here."""
    return replace(progress, state=Running.STOPPED, next_at=None, forced=False)


def step_now(reason: str, now: datetime) -> tuple[Effect, ...]:
    """Take back what the old epoch has not sent, and have the escalation looked at now."""
    return (
        CancelPages(reason=reason),
        StopTimers(kinds=(TimerKind.SNOOZE, TimerKind.ACK)),
        SetTimer(kind=TimerKind.STEP, due_at=now),
    )


def quiet(reason: str) -> tuple[Effect, ...]:
    """Take back what has not been sent and forget the timers that would page."""
    return (CancelPages(reason=reason), StopTimers(kinds=(TimerKind.STEP, TimerKind.SNOOZE, TimerKind.ACK)))


def shown(moment: datetime, now: datetime) -> str:
    """Write an instant for people: the time in UTC, with the date unless it is today's."""
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"


def joined(words: Sequence[str]) -> str:
    """Write a list for people: `a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def need_open(incident: Incident, hint: str) -> None:
    """Refuse what only an open incident can take, with what to type instead."""
    if not incident.paging.is_open:
        word = "cancelled" if incident.phase is Phase.CANCELLED else "resolved"
        raise Refused(f"{incident.name} is {word}; {hint}.")


def unacknowledge(case: Case) -> Decision:
    """Give it back: triggered, new epoch, step 0 (row "un-ack")."""
    incident = case.incident
    need_open(incident, "type `reopen` to have it paged again")
    if incident.paging is Paging.TRIGGERED:
        raise Refused(f"Nobody has {incident.name}; type `ack` to take it.")
    if incident.paging is Paging.SNOOZED:
        raise Refused(f"{incident.name} is snoozed; type `escalate` to page now, or `ack` to take it.")
    data = {
        "was": incident.acknowledged_by,
        "progress": progress_to_json(restarted(incident.progress, now=case.now)),
    }
    said = f"Nobody has {incident.name} now. Paging starts again at the first step."
    effects = step_now(f"given back by {case.actor}", case.now)
    return case.decided(said, case.event(Kind.UNACKNOWLEDGED, data), effects=effects)


def snooze(command: Snooze, case: Case) -> Decision:
    """Keep it quiet until then (row "snooze until T")."""
    incident = case.incident
    need_open(incident, "there is nothing to snooze; type `reopen` to work on it again")
    if command.until <= case.now:
        raise Refused(f"{shown(command.until, case.now)} has passed; give a time to come: `snooze 30m`.")
    data = {
        "until": written(command.until),
        "before": incident.paging.value,
        "progress": progress_to_json(stopped(incident.progress)),
    }
    effects = (
        CancelPages(reason=f"snoozed by {case.actor}"),
        StopTimers(kinds=(TimerKind.STEP, TimerKind.ACK)),
        SetTimer(kind=TimerKind.SNOOZE, due_at=command.until),
    )
    until = shown(command.until, case.now)
    said = f"{incident.name} is quiet until {until}; then paging starts again. `escalate` wakes it sooner."
    return case.decided(said, case.event(Kind.SNOOZED, data), effects=effects)


def escalate(case: Case) -> Decision:
    """Page the next step now, in a new epoch (row "escalate now"); after the last comes the first."""
    incident, before = case.incident, case.incident.progress
    need_open(incident, "type `reopen` to have it paged again")
    progress = replace(
        restarted(before, now=case.now),
        loop=before.loop,
        step=before.step,
        forced=True,
    )
    data = {"was": incident.paging.value, "step": before.step, "progress": progress_to_json(progress)}
    had = incident.acknowledged_by
    loss = f" {had} no longer has it; whoever answers types `ack`." if had else " Type `ack` to stop it."
    said = f"{incident.name} is escalated: the next step is paged now.{loss}"
    effects = step_now(f"escalated by {case.actor}", case.now)
    return case.decided(said, case.event(Kind.ESCALATED, data), effects=effects)


def page_somebody(command: PageSomebody, case: Case) -> Decision:
    """Page these people besides the escalation (row "responder added"); each request has own keys (P4)."""
    incident = case.incident
    need_open(incident, "type `reopen` before you page somebody")
    if not command.people:
        wanted = command.wanted or "that"
        raise Refused(
            f"Nobody behind {wanted} can be reached; name a person, a schedule or a team: `page person/NAME`."
        )
    pages = _direct(command.people, incident)
    people = list(dict.fromkeys(page.person for page in pages))
    told: list[Json] = [
        {"person": page.person, "via": page.via, "due_at": written(page.due_at), "why": page.reason}
        for page in pages
    ]
    event = case.event(Kind.PAGED, {"wanted": command.wanted, "people": told})
    said = f"Paging {joined(people)} for {incident.name}. Their `ack`, or anybody's, stops it."
    return case.decided(said, event, effects=pages)


def _direct(pages: tuple[Page, ...], incident: Incident) -> tuple[Page, ...]:
    # The number of the last event is the pseudo-step: asking for bob again later is a new page (P4).
    return tuple(
        replace(
            page,
            kind=PageKind.DIRECT,
            epoch=incident.epoch,
            loop=incident.progress.loop,
            step=incident.seq,
        )
        for page in pages
    )


def repaged(case: Case, reason: str) -> tuple[Event, tuple[Effect, ...]]:
    """Begin paging again because the rules say so: new epoch, step 0 (rows "more firing episodes")."""
    data = {
        "reason": reason,
        "was": case.incident.paging.value,
        "progress": progress_to_json(restarted(case.incident.progress, now=case.now)),
    }
    return case.event(Kind.REPAGED, data), step_now(f"paged again: {reason}", case.now)


def may_repage(case: Case) -> bool:
    """Say whether the rules let it page again: an open incident that no maintenance or silence holds."""
    incident, rules = case.incident, case.rules
    held = incident.progress.state is Running.PAUSED
    return incident.paging.is_open and not held and rules.repage != "never"


def woken(case: Case) -> tuple[Event, tuple[Effect, ...]]:
    """End a snooze: triggered, new epoch, step 0 (row "snooze until T")."""
    data = {
        "until": written(case.incident.snoozed_until),
        "progress": progress_to_json(restarted(case.incident.progress, now=case.now)),
    }
    return case.event(Kind.WOKEN, data), step_now("the snooze is over", case.now)
