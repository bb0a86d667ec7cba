"""What people ask of a post-mortem and of follow-ups, and the state that their events leave. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from incident_bot.core.incident.facts import maybe_instant, maybe_text, names, text, whole
from incident_bot.core.model import Event, Incident, Item, Review, ReviewState


@dataclass(frozen=True, slots=True, kw_only=True)
class SavePostmortem:
    """A person saved the text; `changed` says whether readers see another one than before."""

    first: bool = True
    """Whether no person had saved it before."""
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePostmortem:
    """`postmortem draft|review|approve|publish|waive`: it goes on to another state."""

    to: ReviewState
    reason: str | None = None
    reviewers: tuple[str, ...] | None = None
    """Whom it is given to; those it has stay where nobody is named."""
    senior: bool = False
    """Whether it is said by whoever leads or manages the team, or by the bot's operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPostmortem:
    """`postmortem owner @u`, `review @u …`, `due <when>`: what is None stays."""

    owner: str | None = None
    reviewers: tuple[str, ...] | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveFollowUp:
    """What came of asking whether a follow-up's condition holds."""

    number: int
    holds: bool
    said: str = ""
    """What was found, for people."""


ReviewCommand: TypeAlias = SavePostmortem | MovePostmortem | SetPostmortem | ProveFollowUp


def wanted(incident: Incident, event: Event) -> Incident:
    """Have a post-mortem from now on, where the end of the incident says by when; a date set by hand stays."""
    due = maybe_instant(event.data, "postmortem_due")
    if due is None:
        return incident
    review = incident.review or Review(
        since=event.happened_at, owner=incident.lead or incident.acknowledged_by
    )
    return replace(incident, review=review if review.by_hand else replace(review, due=due))


def begun(incident: Incident, event: Event) -> Review:
    """Give the post-mortem as it is, or one that begins with this event."""
    return incident.review or Review(
        since=event.happened_at,
        owner=incident.lead or incident.acknowledged_by,
        due=maybe_instant(event.data, "postmortem_due"),
    )


def saved(incident: Incident, event: Event) -> Incident:
    """Note that there is one; what was saved before there were reviews asks for none."""
    return replace(incident, review=begun(incident, event)) if "postmortem_due" in event.data else incident


def postmortem_set(incident: Incident, event: Event) -> Incident:
    """Note who writes it, who reads it, by when."""
    review, due = begun(incident, event), maybe_instant(event.data, "due")
    review = replace(review, owner=maybe_text(event.data, "owner") or review.owner)
    if "reviewers" in event.data:
        review = replace(review, reviewers=names(event.data, "reviewers"))
    return replace(incident, review=replace(review, due=due, by_hand=True) if due else review)


def postmortem_moved(incident: Incident, event: Event) -> Incident:
    """Note the state, and whose word it was."""
    review, to = begun(incident, event), ReviewState(text(event.data, "to"))
    if "reviewers" in event.data:
        review = replace(review, reviewers=names(event.data, "reviewers"))
    approved = {
        ReviewState.APPROVED: event.actor,
        ReviewState.PUBLISHED: review.approved_by,
    }
    return replace(
        incident,
        review=replace(
            review,
            state=to,
            since=event.happened_at,
            approved_by=approved.get(to),
            reason=maybe_text(event.data, "reason"),
        ),
    )


def followup_proven(incident: Incident, event: Event) -> Incident:
    """Note that its condition holds: so it is done, whether somebody said so or not."""
    at = event.happened_at

    def proven(item: Item) -> Item:
        done = item if item.done_at else replace(item, done_at=at, done_by=event.actor)
        return replace(done, proven_at=at)

    number = whole(event.data, "number")
    items = tuple(proven(one) if one.number == number else one for one in incident.items)
    return replace(incident, items=items)


def followup_reopened(incident: Incident, event: Event) -> Incident:
    """Note that it is to be done again."""
    number = whole(event.data, "number")
    items = tuple(
        replace(one, done_at=None, done_by=None, proven_at=None) if one.number == number else one
        for one in incident.items
    )
    return replace(incident, items=items)
