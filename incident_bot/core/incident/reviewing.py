"""Decides what becomes of a post-mortem: who may move it on, and what follow-ups prove. Pages nobody.

draft → in review → approved → published. Two people at least have read what is approved: its owner never approves it.
Whoever may write may edit it, name people and dates, ask for a review or take it back to a draft. Named reviewers
approve, and whoever leads the team; where nobody is named, everybody but the owner. The owner, a reviewer or who leads
the team publishes. Whoever waives it says why. What is changed after its approval asks for a review again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from incident_bot.core.effects import Effect, Moment, Nudge
from incident_bot.core.errors import Refused
from incident_bot.core.incident.facts import written
from incident_bot.core.incident.paging import joined
from incident_bot.core.incident.reviews import (
    MovePostmortem,
    ProveFollowUp,
    ReviewCommand,
    SavePostmortem,
    SetPostmortem,
    begun,
)
from incident_bot.core.incident.rules import Case, Decision, Rules
from incident_bot.core.model import (
    Event,
    Incident,
    Item,
    Json,
    Kind,
    Phase,
    Review,
    ReviewState,
    Urgency,
)

USUAL: Final = timedelta(hours=48)
"""Within what time it is due where its severity does not say."""
CHANGED_SINCE: Final = "changed after it was approved"
_DRAFT, _REVIEW, _APPROVED = ReviewState.DRAFT, ReviewState.IN_REVIEW, ReviewState.APPROVED
_PUBLISHED, _WAIVED = ReviewState.PUBLISHED, ReviewState.WAIVED
_HOW: Final = {
    _DRAFT: "took back to a draft",
    _REVIEW: "asked for a review of",
    _APPROVED: "approved",
    _PUBLISHED: "published",
    _WAIVED: "waived",
}
_NOW_IS: Final = {
    _DRAFT: "is a draft again",
    _REVIEW: "waits for a review",
    _APPROVED: "is approved; `postmortem publish` tells everybody",
    _PUBLISHED: "is published",
    _WAIVED: "is waived",
}


def due_after_end(incident: Incident, rules: Rules, *, now: datetime) -> datetime | None:
    """Give when the post-mortem of what ends now is due; None where its worst severity asks for none."""
    rung = rules.ladder.named(incident.peak)
    within = rung.postmortem_within if rung else None
    return None if within is None or incident.drill else now + within


def decide_review(command: ReviewCommand, case: Case) -> Decision:
    """Save, move on or set a post-mortem, or note what a follow-up proves; raises Refused with what to type."""
    match command:
        case SavePostmortem():
            return _save(command, case)
        case MovePostmortem():
            return _move(command, case)
        case SetPostmortem():
            return _set(command, case)
        case ProveFollowUp():
            return _prove(command, case)
        case _:
            assert_never(command)


def _first_due(case: Case) -> dict[str, Json]:
    """Give the date with which a post-mortem begins that nobody had asked for."""
    incident = case.incident
    if incident.review is not None:
        return {}
    rung = case.rules.ladder.named(incident.peak)
    within = (rung.postmortem_within if rung else None) or USUAL
    return {"postmortem_due": written((incident.resolved_at or case.now) + within)}


def _save(command: SavePostmortem, case: Case) -> Decision:
    events: list[Event] = []
    if command.first:
        events.append(case.event(Kind.POSTMORTEM_SAVED, _first_due(case)))
    review = case.incident.review
    effects: tuple[Effect, ...] = ()
    if command.changed and review is not None and review.state in (_APPROVED, _PUBLISHED):
        data = {"to": _REVIEW.value, "was": review.state.value, "how": _HOW[_REVIEW], "reason": CHANGED_SINCE}
        events.append(case.event(Kind.POSTMORTEM_MOVED, data))
        effects = _asked(case, review)
    return case.decided(f"The post-mortem of {case.incident.name} is saved.", *events, effects=effects)


def _move(command: MovePostmortem, case: Case) -> Decision:
    incident = case.incident
    if incident.drill or incident.phase is Phase.CANCELLED:
        raise Refused(f"{incident.name} was a drill or was cancelled: it needs no post-mortem.")
    review = begun(incident, case.event(Kind.POSTMORTEM_MOVED, _first_due(case)))
    to, was = command.to, review.state
    reason = (command.reason or "").strip() or None
    same_people = command.reviewers in (None, review.reviewers)
    if to is was and incident.review is not None and same_people:
        return case.decided(f"The post-mortem of {incident.name} is {was.words} already; nothing changed.")
    _may(command, review, case, reason)
    data: dict[str, Json] = {
        "to": to.value,
        "was": was.value,
        "how": _HOW[to],
        "reason": reason,
        **_first_due(case),
    }
    effects: tuple[Effect, ...] = ()
    if command.reviewers is not None:
        data["reviewers"] = list(command.reviewers)
        review = replace(review, reviewers=command.reviewers)
    if to is _REVIEW:
        effects = _asked(case, review)
    elif to is _APPROVED and review.owner:
        effects = _told(case, (review.owner,), "is approved", " publish")
    elif to is _PUBLISHED:
        effects = case.announced(Moment.POSTMORTEM, {"due_at": None})
    said = f"The post-mortem of {incident.name} {_NOW_IS[to]}."
    return case.decided(said, case.event(Kind.POSTMORTEM_MOVED, data), effects=effects)


def _may(command: MovePostmortem, review: Review, case: Case, reason: str | None) -> None:
    """Raise Refused where this is not the next step, or not for this person."""
    incident, name = case.incident, case.incident.name
    concerned = {review.owner, incident.lead, *review.reviewers}
    is_for = case.actor in concerned or command.senior
    match command.to:
        case ReviewState.IN_REVIEW if review.state is _WAIVED:
            raise Refused(f"The post-mortem of {name} is waived; `postmortem draft` takes it up again.")
        case ReviewState.APPROVED:
            _may_approve(command, review, case)
        case ReviewState.PUBLISHED if incident.paging.is_open:
            raise Refused(f"{name} is still open; type `resolve` first.")
        case ReviewState.PUBLISHED if review.state is not _APPROVED:
            raise Refused(
                f"The post-mortem of {name} is not approved yet; type `postmortem review @somebody`."
            )
        case ReviewState.WAIVED if reason is None:
            raise Refused("Why is none written? Type for example `postmortem waive same cause as INC-41`.")
        case ReviewState.WAIVED if review.state is _PUBLISHED:
            raise Refused(f"The post-mortem of {name} is published already; it cannot be waived.")
    if command.to in (_PUBLISHED, _WAIVED) and not is_for:
        verb = "publishes" if command.to is _PUBLISHED else "waives"
        raise Refused(f"Its owner, a reviewer or who leads the team {verb} the post-mortem of {name}.")


def _may_approve(command: MovePostmortem, review: Review, case: Case) -> None:
    name = case.incident.name
    if review.state is not _REVIEW:
        raise Refused(f"Nobody asked for a review of {name} yet; type `postmortem review @somebody`.")
    if case.actor == review.owner:
        raise Refused(f"You own the post-mortem of {name}; somebody else approves it.")
    if review.reviewers and case.actor not in review.reviewers and not command.senior:
        names = joined(list(review.reviewers))
        raise Refused(f"{names} review the post-mortem of {name}; `postmortem review @you` adds you.")


def _set(command: SetPostmortem, case: Case) -> Decision:
    incident = case.incident
    if command.due is not None and command.due <= case.now:
        raise Refused("That date has passed; type for example `postmortem due 3d`.")
    review = incident.review
    data: dict[str, Json] = {}
    said: list[str] = []
    effects: tuple[Effect, ...] = ()
    if command.owner is not None and (review is None or command.owner != review.owner):
        data["owner"] = command.owner
        said.append(f"{command.owner} owns it")
        effects = _told(case, (command.owner,), "is yours to see through", "")
    if command.reviewers is not None and (review is None or command.reviewers != review.reviewers):
        data["reviewers"] = list(command.reviewers)
        said.append(
            f"{joined(list(command.reviewers))} to review it" if command.reviewers else "no reviewers"
        )
    if command.due is not None and (review is None or command.due != review.due):
        data["due"] = written(command.due)
        said.append(f"due {command.due:%Y-%m-%d %H:%M} UTC")
    if not data:
        return case.decided(f"The post-mortem of {incident.name} is so already; nothing changed.")
    event = case.event(Kind.POSTMORTEM_SET, {**data, **_first_due(case)})
    return case.decided(f"Post-mortem of {incident.name}: {'; '.join(said)}.", event, effects=effects)


def _asked(case: Case, review: Review) -> tuple[Effect, ...]:
    return _told(case, review.reviewers, "waits for your review", " approve")


def _told(case: Case, people: tuple[str, ...], what: str, todo: str) -> tuple[Effect, ...]:
    name = case.incident.name
    return tuple(
        Nudge(
            person=person,
            text=f"The post-mortem of {name} {what}.",
            todo=f"postmortem {name}{todo}",
            urgency=Urgency.LOW,
        )
        for person in people
        if person != case.actor
    )


def _prove(command: ProveFollowUp, case: Case) -> Decision:
    """Note the first time it holds, and open again what was done and does not hold any more."""
    incident, number = case.incident, command.number
    found = next((one for one in incident.items if one.number == number), None)
    if found is None or found.done_when is None:
        return case.decided(f"{incident.name} has no follow-up {number} with a condition; nothing changed.")
    data: dict[str, Json] = {"number": number, "text": found.text, "reason": command.said or None}
    if command.holds:
        if found.proven_at is not None:
            return case.decided(f"Follow-up {number} of {incident.name} is proven still.")
        said = f"Follow-up {number} of {incident.name} is proven: its condition holds."
        return case.decided(said, case.event(Kind.FOLLOWUP_PROVEN, data))
    if found.done_at is None:
        return case.decided(f"The condition of follow-up {number} of {incident.name} does not hold yet.")
    said = f"Follow-up {number} of {incident.name} is open again: its condition does not hold."
    return case.decided(said, case.event(Kind.FOLLOWUP_REOPENED, data), effects=_open_again(incident, found))


def _open_again(incident: Incident, item: Item) -> tuple[Effect, ...]:
    owner = item.owner
    if owner is None:
        return ()
    text = (
        f"Follow-up {item.number} of {incident.name} is open again, its condition does not hold: {item.text}"
    )
    return (Nudge(person=owner, text=text, todo=f"info {incident.name}", urgency=Urgency.LOW),)
