"""The state after what people say about the work: theories, an offered lead, ticks, silences, what was taken back.

Event + state → state, like `lifecycle`, which knows when each may happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from incident_bot.core.incident.facts import (
    flag,
    instant,
    listed,
    maybe_instant,
    maybe_text,
    names,
    pairs,
    records,
    text,
    whole,
)
from incident_bot.core.model import (
    ComponentState,
    Event,
    FollowUpType,
    Incident,
    Item,
    ItemKind,
    Kind,
    LeadOffer,
    Outcome,
    Public,
    Silence,
    SilenceState,
    Tick,
    Told,
)


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


def silence_asked(incident: Incident, event: Event) -> Incident:
    """Note what is to be silenced; what is silenced already gets the new end."""
    found = {one.number: one for one in incident.silences}
    until = instant(event.data, "until")
    for told in records(event.data, "silences"):
        number = whole(told, "number")
        before = found.get(number)
        found[number] = Silence(
            number=number,
            source=text(told, "source"),
            matchers=pairs(told, "matchers"),
            ends_at=until,
            asked_at=before.asked_at if before else event.happened_at,
            asked_by=event.actor,
            reason=maybe_text(event.data, "reason") or (before.reason if before else None),
            state=before.state if before else SilenceState.ASKED,
        )
    return replace(incident, silences=tuple(found.values()))


def silenced(incident: Incident, event: Event) -> Incident:
    """Note that the source holds it, and until when."""
    until = instant(event.data, "until")
    return _changed(incident, event, lambda one: replace(one, state=SilenceState.HELD, ends_at=until))


def silence_failed(incident: Incident, event: Event) -> Incident:
    """Note that the source refused: it is as it was before, if it was; what is tried again changes nothing yet."""
    if flag(event.data, "again"):
        return incident
    if event.data.get("until") is not None:
        return silenced(incident, event)
    return silence_over("not made")(incident, event)


def unsilence_asked(incident: Incident, event: Event) -> Incident:
    """Note which are to be lifted."""
    numbers = listed(event.data, "numbers")
    silences = tuple(
        replace(one, state=SilenceState.LIFTING) if one.number in numbers else one
        for one in incident.silences
    )
    return replace(incident, silences=silences)


def silence_over(outcome: str) -> Callable[[Incident, Event], Incident]:
    """Give the change that ends a silence this way."""

    def over(incident: Incident, event: Event) -> Incident:
        why = maybe_text(event.data, "reason")
        said, at = f"{outcome}: {why}" if why else outcome, event.happened_at
        return _changed(
            incident, event, lambda one: replace(one, state=SilenceState.OVER, ends_at=at, outcome=said)
        )

    return over


def _changed(incident: Incident, event: Event, change: Callable[[Silence], Silence]) -> Incident:
    number = whole(event.data, "number")
    silences = tuple(change(one) if one.number == number else one for one in incident.silences)
    return replace(incident, silences=silences)


def published(incident: Incident, event: Event) -> Incident:
    """Note what the public reads: it is an update that a person posted, and what it promises is promised to all."""
    data = event.data
    public = Public(
        title=text(data, "title"),
        components=names(data, "components"),
        state=ComponentState(text(data, "state")),
        since=incident.public.since if incident.public else event.happened_at,
    )
    promised = maybe_instant(data, "next_update_at")
    if promised is None or not incident.paging.is_open:
        return replace(incident, public=public, updated_by_people=True)
    reminders = replace(
        incident.reminders,
        promised_at=event.happened_at,
        promised_by=event.actor,
        told=incident.reminders.without("due", "missed"),
    )
    return replace(
        incident, public=public, updated_by_people=True, next_update_at=promised, reminders=reminders
    )


def unpublished(incident: Incident, _event: Event) -> Incident:
    """Forget what the public read."""
    return replace(incident, public=None)


def flapping_over(incident: Incident, _event: Event) -> Incident:
    """Note that it is calm again."""
    return replace(incident, flapping=None)


def nagged(incident: Incident, event: Event) -> Incident:
    """Note of what somebody was reminded, and who."""
    subject, person = text(event.data, "subject"), maybe_text(event.data, "person")
    before = incident.reminders.told.get(subject)
    people = (*(before.people if before else ()), *([person] if person else []))
    told = {**incident.reminders.told, subject: Told(people=people, at=event.happened_at)}
    return replace(incident, reminders=replace(incident.reminders, told=told))


def reminders_set(incident: Incident, event: Event) -> Incident:
    """Note until when nobody is reminded."""
    off, until = flag(event.data, "off"), maybe_instant(event.data, "until")
    return replace(incident, reminders=replace(incident.reminders, off=off, until=until))


def item_added(incident: Incident, event: Event) -> Incident:
    """Put it on the list."""
    data = event.data
    item = Item(
        number=whole(data, "number"),
        kind=ItemKind(text(data, "kind")),
        text=text(data, "text"),
        owner=maybe_text(data, "owner"),
        due=maybe_instant(data, "due"),
        undo=maybe_text(data, "undo"),
        type=FollowUpType(text(data, "type")) if "type" in data else None,
        done_when=maybe_text(data, "done_when"),
        added_at=event.happened_at,
        added_by=event.actor,
    )
    return replace(incident, items=(*incident.items, item))


def item_done(incident: Incident, event: Event) -> Incident:
    """Note who did it, and when."""
    number = whole(event.data, "number")
    items = tuple(
        replace(item, done_at=event.happened_at, done_by=event.actor) if item.number == number else item
        for item in incident.items
    )
    return replace(incident, items=items)
