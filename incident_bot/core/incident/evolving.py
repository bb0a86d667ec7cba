"""The state after what people say about the work: theories, an offered lead, ticks, what was taken back.

Event + state → state, like `lifecycle`, which knows when each may happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from incident_bot.core.incident.facts import maybe_text, text, whole
from incident_bot.core.model import Event, Incident, Kind, LeadOffer, Outcome, Tick


def theory_settled(outcome: Outcome) -> Callable[[Incident, Event], Incident]:
    """Give the change that settles a theory this way; the last word counts."""

    def settled(incident: Incident, event: Event) -> Incident:
        number, why = whole(event.data, "number"), maybe_text(event.data, "why")
        items = tuple(
            replace(item, done_at=event.happened_at, done_by=event.actor, outcome=outcome, why=why)
            if item.number == number
            else item
            for item in incident.items
        )
        return replace(incident, items=items)

    return settled


def offered(incident: Incident, event: Event) -> Incident:
    """Note to whom the lead is offered."""
    offer = LeadOffer(to=text(event.data, "person"), by=event.actor, at=event.happened_at)
    return replace(incident, offer=offer)


def reminded(incident: Incident, _event: Event) -> Incident:
    """Note that they were asked once more."""
    offer = incident.offer
    return replace(incident, offer=replace(offer, reminded=True) if offer else None)


def offer_over(incident: Incident, _event: Event) -> Incident:
    """Forget the offer; who leads stays."""
    return replace(incident, offer=None)


def fires_on(incident: Incident, _event: Event) -> Incident:
    """Note that whoever resolved it was told."""
    return replace(incident, resolver=None)


def step_ticked(incident: Incident, event: Event) -> Incident:
    """Note a step of the runbook as done, in the place of an older one of its number."""
    number = whole(event.data, "number")
    tick = Tick(number=number, text=text(event.data, "text"), by=event.actor, at=event.happened_at)
    others = (one for one in incident.ticks if one.number != number)
    return replace(incident, ticks=tuple(sorted((*others, tick), key=lambda one: one.number)))


def step_unticked(incident: Incident, event: Event) -> Incident:
    """Note it as not done."""
    number = whole(event.data, "number")
    return replace(incident, ticks=tuple(one for one in incident.ticks if one.number != number))


def taken_back(incident: Incident, event: Event) -> Incident:
    """Put back what there was before, which was nothing."""
    match Kind(text(event.data, "kind")):
        case Kind.ITEM_ADDED:
            number = whole(event.data, "number")
            return replace(incident, items=tuple(item for item in incident.items if item.number != number))
        case Kind.LEAD_ASSIGNED:
            return replace(incident, lead=None, lead_since=None, offer=None)
        case Kind.ROLE_ASSIGNED:
            role = text(event.data, "role")
            return replace(
                incident, roles={name: who for name, who in incident.roles.items() if name != role}
            )
        case Kind.IMPACT_CHANGED:
            return replace(incident, impact=None)
    return incident
