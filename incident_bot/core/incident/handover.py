"""Decides the hand-over of the lead: offered, accepted or not. Until it is accepted, whoever led leads.

An offer is asked about once more and then expires: a lead that everybody believes somebody else to have is nobody's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, assert_never

from incident_bot.core.effects import Nudge, SetTimer, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import AcceptLead, DeclineLead, OfferLead
from incident_bot.core.incident.facts import written
from incident_bot.core.incident.paging import need_open, shown
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Json, Kind, LeadOffer, Urgency

REMIND_AFTER: Final = timedelta(minutes=10)
"""When whoever was offered the lead is asked once more, by their urgent way."""
EXPIRE_AFTER: Final = timedelta(minutes=30)
"""When an offer that nobody answered is over."""


def decide_handover(command: OfferLead | AcceptLead | DeclineLead, case: Case) -> Decision:
    """Decide one of the three verbs; who may not say it is told who may."""
    need_open(case.incident, "there is no lead to hand over")
    match command:
        case OfferLead():
            return _offer(command, case)
        case AcceptLead():
            return _accept(case)
        case DeclineLead():
            return _decline(case)
        case _:
            assert_never(command)


def _offer(command: OfferLead, case: Case) -> Decision:
    incident, person = case.incident, command.person
    if incident.lead is None:
        raise Refused(f"Nobody leads {incident.name}; `lead @{person}` puts them in the lead.")
    if case.actor != incident.lead:
        raise Refused(f"{incident.lead} leads {incident.name} and hands it over; `lead me` takes it at once.")
    if person == incident.lead:
        return case.decided(f"You lead {incident.name} already; nothing changed.")
    before = incident.offer
    if before is not None and before.to == person:
        return case.decided(f"{incident.name} is offered to {person} already; nothing changed.")
    until = case.now + EXPIRE_AFTER
    data: dict[str, Json] = {"person": person, "until": written(until)}
    if before is not None:
        data["instead_of"] = before.to
    said = (
        f"{person} is asked to take the lead of {incident.name} until {shown(until, case.now)}. "
        "You lead until they type `accept`; `decline` takes the offer back."
    )
    effects = (
        _asked(person, case, Urgency.LOW),
        SetTimer(kind=TimerKind.OFFER, due_at=case.now + REMIND_AFTER),
    )
    return case.decided(said, case.event(Kind.HANDOFF_OFFERED, data), effects=effects)


def _accept(case: Case) -> Decision:
    incident, offer = case.incident, _open_offer(case)
    if case.actor != offer.to:
        raise Refused(
            f"The lead of {incident.name} is offered to {offer.to}; `lead me` takes it at once, without an offer."
        )
    data: dict[str, Json] = {"person": offer.to, "was": incident.lead, "handed_over_by": offer.by}
    told = Nudge(
        person=offer.by,
        text=f"{offer.to} leads {incident.name} now, as you offered.",
        todo=f"Nothing to do; `catchup {incident.name}` shows where it stands.",
    )
    said = f"You lead {incident.name} now, after {offer.by}. `catchup` shows where it stands."
    return case.decided(said, case.event(Kind.LEAD_ASSIGNED, data), effects=(told,))


def _decline(case: Case) -> Decision:
    incident, offer = case.incident, _open_offer(case)
    if case.actor not in (offer.to, offer.by):
        raise Refused(f"The lead of {incident.name} is offered to {offer.to}, not to you.")
    data: dict[str, Json] = {"person": offer.to, "lead": incident.lead}
    if case.actor == offer.by:
        data["taken_back"] = True
        return case.decided(
            f"The offer is taken back; you lead {incident.name}.", case.event(Kind.HANDOFF_DECLINED, data)
        )
    told = _stays(f"{offer.to} does not take the lead of {incident.name}", offer, case)
    said = f"{incident.lead} goes on leading {incident.name} and is told."
    return case.decided(said, case.event(Kind.HANDOFF_DECLINED, data), effects=(told,))


def offer_due(case: Case) -> Decision:
    """Ask once more, then let the offer expire; without an open offer nothing happens."""
    incident, offer = case.incident, case.incident.offer
    if offer is None:
        return case.decided(f"Nobody is offered the lead of {incident.name}.")
    expires = offer.at + EXPIRE_AFTER
    if case.now >= expires:
        data: dict[str, Json] = {"person": offer.to, "lead": incident.lead}
        told = _stays(f"{offer.to} did not answer whether they take the lead of {incident.name}", offer, case)
        said = f"{offer.to} did not answer; {incident.lead} goes on leading {incident.name}."
        return case.decided(said, case.event(Kind.HANDOFF_EXPIRED, data), effects=(told,))
    again = SetTimer(kind=TimerKind.OFFER, due_at=expires)
    if offer.reminded or case.now < offer.at + REMIND_AFTER:
        return case.decided(f"{offer.to} was asked about {incident.name}; too early.", effects=(again,))
    event = case.event(Kind.HANDOFF_REMINDED, {"person": offer.to, "until": written(expires)})
    said = f"{offer.to} is asked once more whether they take the lead of {incident.name}."
    return case.decided(said, event, effects=(_asked(offer.to, case, Urgency.HIGH, by=offer.by), again))


def _open_offer(case: Case) -> LeadOffer:
    offer = case.incident.offer
    if offer is None:
        raise Refused(
            f"Nobody is offered the lead of {case.incident.name}; `handoff @person` offers it, `lead me` takes it."
        )
    return offer


def _asked(person: str, case: Case, urgency: Urgency, *, by: str | None = None) -> Nudge:
    incident = case.incident
    return Nudge(
        person=person,
        text=f"{by or case.actor} asks you to lead {incident.name} ({incident.severity}): {incident.title}",
        todo=f"Type `accept {incident.name}` or `decline {incident.name}`.",
        urgency=urgency,
    )


def _stays(what: str, offer: LeadOffer, case: Case) -> Nudge:
    return Nudge(
        person=offer.by,
        text=f"{what}: you go on leading it.",
        todo=f"To ask somebody else type `handoff {case.incident.name} @person`.",
    )
