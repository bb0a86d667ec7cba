"""Decides `cannot`: somebody who was paged cannot take it, so nobody waits for them (row "cannot").

It moves the escalation on exactly where nobody else is left to answer: a page must not wait for whoever said no.
"""

from __future__ import annotations

from dataclasses import replace

from incident_bot.core.effects import CancelPages, Effect
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import Cannot
from incident_bot.core.incident.facts import progress_to_json
from incident_bot.core.incident.paging import joined, need_open, restarted, step_now
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Event, Json, Kind, Paging, Running


def cannot(command: Cannot, case: Case) -> Decision:
    """Note who cannot, take back their pages, and page the next step where they were the last one awaited."""
    incident, actor = case.incident, case.actor
    need_open(incident, "nobody is paged for it")
    holds = actor in incident.responders
    if not command.paged and not holds:
        message = (
            f"You are not paged for {incident.name}. `escalate` pages its next step, `unack` gives it back."
        )
        raise Refused(message)
    data: dict[str, Json] = {"epoch": incident.epoch}
    if command.reason:
        data["reason"] = command.reason
    event = case.event(Kind.CANNOT, data)
    mine = CancelPages(reason=f"{actor} cannot take it", person=actor)
    if incident.paging is Paging.TRIGGERED:
        return _awaited(command, case, event, mine)
    if incident.paging is Paging.SNOOZED:
        said = f"Noted. {incident.name} is snoozed; `escalate` pages somebody now."
        return case.decided(said, event, effects=(mine,))
    left = [person for person in incident.responders if person != actor]
    if not holds:
        said = f"Noted. {incident.acknowledged_by} has {incident.name}."
        return case.decided(said, event, effects=(mine,))
    if left:
        parts: dict[str, Json] = {"parts": [actor], "left": [*left]}
        given_back = case.event(Kind.PART_GIVEN_BACK, parts)
        said = f"Noted: {incident.name} is no longer yours. Still on it: {joined(left)}."
        return case.decided(said, event, given_back, effects=(mine,))
    return _next(case, event)


def _awaited(command: Cannot, case: Case, event: Event, mine: Effect) -> Decision:
    incident, state = case.incident, case.incident.progress.state
    if state is Running.PAUSED:
        said = f"Noted. Paging for {incident.name} is paused; `escalate` pages somebody now."
        return case.decided(said, event, effects=(mine,))
    if command.others:
        said = f"Noted; you are not paged again for this step. Still asked: {joined(command.others)}."
        return case.decided(said, event, effects=(mine,))
    if state is Running.EXHAUSTED:
        said = "Noted. Everybody was paged already: call somebody, or type `page @name`."
        return case.decided(said, event, effects=(mine,))
    return _next(case, event)


def _next(case: Case, event: Event) -> Decision:
    """Page what comes after the newest step, in a new epoch; after the last comes the last resort, not the first."""
    incident, before = case.incident, case.incident.progress
    progress = replace(
        restarted(before, now=case.now), loop=before.loop, step=before.step, reached=before.reached
    )
    reason = f"{case.actor} cannot take it"
    data = {
        "was": incident.paging.value,
        "step": before.step,
        "reason": reason,
        "progress": progress_to_json(progress),
    }
    said = f"Noted. The next step of {incident.name} is paged now."
    return case.decided(said, event, case.event(Kind.ESCALATED, data), effects=step_now(reason, case.now))
