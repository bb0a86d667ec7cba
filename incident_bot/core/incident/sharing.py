"""Where each who was paged is to answer (`acks: each`): one's part taken, given back, and when that is enough.

An answer is for the part of whoever was paged by a step of this epoch. It becomes the incident's acknowledgement when
nobody is awaited any more, or when the time of the current step is over. Whoever was not paged by a step - the lead,
the fallback, the last resort - takes it for all, and so does everybody once paging is paused or exhausted.
"""

from __future__ import annotations

from dataclasses import replace

from incident_bot.core.effects import CancelPages, Effect
from incident_bot.core.incident.commands import Acknowledge
from incident_bot.core.incident.facts import progress_to_json
from incident_bot.core.incident.paging import joined, shown
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Acks, Incident, Json, Kind, Paging, Progress, Running


def each_answers(incident: Incident) -> bool:
    """Say whether the frozen policy asks each who is paged for an answer."""
    return incident.policy.get("acks") == Acks.EACH.value


def parts(case: Case) -> tuple[str, ...]:
    """Give as whom the actor answers for a part of it; empty where one answer is for all.

    Whoever answers at a paging service that was paged answers for that service as well.
    """
    incident, progress = case.incident, case.incident.progress
    waits = incident.paging is Paging.TRIGGERED and progress.state is Running.RUNNING
    if not waits or not each_answers(incident):
        return ()
    return _mine(progress.called, case)


def _mine(people: tuple[str, ...], case: Case) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (case.actor, case.source) if name in people))


def taken_by(progress: Progress, mine: tuple[str, ...]) -> Progress:
    """Give the progress once these have answered."""
    return replace(progress, taken=tuple(dict.fromkeys((*progress.taken, *mine))))


def take_part(command: Acknowledge, case: Case, mine: tuple[str, ...]) -> Decision:
    """Note the answer of one while others are awaited: their pages end, the others' go on; idempotent."""
    incident, before = case.incident, case.incident.progress
    after = taken_by(before, mine)
    others = f"it waits for {joined(after.awaited)}{_until(after, case)}"
    effects = _silenced(mine, case)
    if after == before:
        said = f"You have your part of {incident.name} already; {others}. Nothing changed."
        return case.decided(said, effects=effects)
    said = f"You have your part of {incident.name}; {others}."
    if command.until is not None or command.waiting_for is not None:
        said = f"{said} Promise it again when the others have answered: until then no promise is kept."
    data: dict[str, Json] = {"awaited": list(after.awaited), "progress": progress_to_json(after)}
    return case.decided(said, case.event(Kind.PART_ACKNOWLEDGED, data), effects=effects)


def _silenced(mine: tuple[str, ...], case: Case) -> tuple[Effect, ...]:
    people = dict.fromkeys((*mine, case.actor))
    return tuple(CancelPages(reason=f"acknowledged by {case.actor}", person=person) for person in people)


def _until(progress: Progress, case: Case) -> str:
    return f" until {shown(progress.next_at, case.now)}" if progress.next_at is not None else ""


def give_back(case: Case) -> Decision | None:
    """Take back the actor's part while somebody is left who has theirs or is awaited; None where it is not a part."""
    incident, before = case.incident, case.incident.progress
    if incident.paging is Paging.TRIGGERED:
        mine, left = _mine(before.taken, case), ""
    elif incident.paging is Paging.ACKNOWLEDGED and each_answers(incident):
        mine = _mine(incident.responders, case)
        left = joined([person for person in incident.responders if person not in mine])
        mine = mine if left else ()
    else:
        return None
    if not mine:
        return None
    after = replace(before, taken=tuple(person for person in before.taken if person not in mine))
    data: dict[str, Json] = {"parts": list(mine), "progress": progress_to_json(after)}
    if left:
        data["left"] = [person for person in incident.responders if person not in mine]
        said = f"{incident.name} is no longer yours; {left} still {_has(left)} it. `escalate` pages the next step."
    else:
        data["awaited"] = list(after.awaited)
        said = (
            f"Your part of {incident.name} is open again: it waits for {joined(after.awaited)}"
            f"{_until(after, case)}, then paging goes on. `escalate` pages the next step now."
        )
    return case.decided(said, case.event(Kind.PART_GIVEN_BACK, data))


def _has(people: str) -> str:
    return "have" if " and " in people else "has"
