"""The lead is handed over only with a yes: whatever happens else, whoever led leads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import Nudge, SetTimer, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    AcceptLead,
    AssignLead,
    Command,
    DeclineLead,
    OfferDue,
    OfferLead,
    Resolve,
    observe,
    open_incident,
    replay,
)
from incident_bot.core.model import Event, Incident, Kind, LeadOffer, Urgency
from tests.core.incident_world import MINUTE, NOW, RULES, acknowledged, by, opened, opening, resolved, stored


def led() -> Incident:
    return by("bob", AssignLead(person="alice"), acknowledged()).incident


def offered() -> Incident:
    return by("alice", OfferLead(person="bob"), led()).incident


def due(incident: Incident, minutes: int) -> tuple[Incident, tuple[Event, ...], list[Nudge], list[SetTimer]]:
    told = observe(OfferDue(), incident, rules=RULES, now=NOW + minutes * MINUTE)
    nudges = [effect for effect in told.effects if isinstance(effect, Nudge)]
    timers = [effect for effect in told.effects if isinstance(effect, SetTimer)]
    assert told.said
    return told.incident, told.events, nudges, timers


def test_an_offer_asks_one_person_and_changes_no_lead() -> None:
    decision = by("alice", OfferLead(person="bob"), led())
    assert (decision.incident.lead, decision.incident.lead_since) == ("alice", NOW)
    assert decision.incident.offer == LeadOffer(to="bob", by="alice", at=NOW)
    assert decision.said == (
        "bob is asked to take the lead of INC-42 until 03:30 UTC. You lead until they type `accept`; "
        "`decline` takes the offer back."
    )
    nudge, timer = decision.effects
    assert isinstance(nudge, Nudge)
    assert (nudge.person, nudge.urgency) == ("bob", Urgency.LOW)
    assert nudge.todo == "Type `accept INC-42` or `decline INC-42`."
    assert timer == SetTimer(kind=TimerKind.OFFER, due_at=NOW + 10 * MINUTE)


def test_whoever_accepts_leads_from_then_on() -> None:
    decision = by("bob", AcceptLead(), offered(), at=NOW + 5 * MINUTE)
    assert (decision.incident.lead, decision.incident.offer) == ("bob", None)
    assert decision.incident.lead_since == NOW + 5 * MINUTE
    (event,) = decision.events
    assert event.kind is Kind.LEAD_ASSIGNED
    assert event.data == {"person": "bob", "was": "alice", "handed_over_by": "alice"}
    (nudge,) = decision.effects
    assert isinstance(nudge, Nudge)
    assert nudge.person == "alice"


@pytest.mark.parametrize("actor, told", [("bob", ["alice"]), ("alice", [])])
def test_a_no_or_a_taken_back_offer_leaves_the_lead(actor: str, told: list[str]) -> None:
    decision = by(actor, DeclineLead(), offered())
    assert (decision.incident.lead, decision.incident.offer) == ("alice", None)
    assert [effect.person for effect in decision.effects if isinstance(effect, Nudge)] == told
    assert decision.events[0].data.get("taken_back", False) is (actor == "alice")


def test_silence_is_asked_once_more_and_is_a_no_after_half_an_hour() -> None:
    incident, events, nudges, timers = due(offered(), 10)
    assert [event.kind for event in events] == [Kind.HANDOFF_REMINDED]
    assert [(nudge.person, nudge.urgency) for nudge in nudges] == [("bob", Urgency.HIGH)]
    assert nudges[0].text.startswith("alice asks you to lead INC-42")
    assert timers == [SetTimer(kind=TimerKind.OFFER, due_at=NOW + 30 * MINUTE)]
    _, events, nudges, timers = due(incident, 20)
    assert (events, nudges, len(timers)) == ((), [], 1), "once"
    incident, events, nudges, timers = due(incident, 30)
    assert [event.kind for event in events] == [Kind.HANDOFF_EXPIRED]
    assert (incident.lead, incident.offer, timers) == ("alice", None, [])
    assert [nudge.person for nudge in nudges] == ["alice"]
    assert due(incident, 40)[1:] == ((), [], [])


def test_a_timer_that_is_early_waits() -> None:
    incident, events, nudges, timers = due(offered(), 3)
    assert (events, nudges, len(timers)) == ((), [], 1)
    assert incident.offer is not None
    assert not incident.offer.reminded


def test_an_offer_to_somebody_else_takes_the_place_of_the_first() -> None:
    decision = by("alice", OfferLead(person="carol"), offered())
    assert decision.incident.offer == LeadOffer(to="carol", by="alice", at=NOW)
    assert decision.events[0].data["instead_of"] == "bob"
    with pytest.raises(Refused, match="offered to carol; `lead me`"):
        by("bob", AcceptLead(), decision.incident)


def test_the_end_of_the_incident_ends_the_offer() -> None:
    assert by("alice", Resolve(), offered()).incident.offer is None
    assert by("carol", AssignLead(person="carol"), offered()).incident.offer is None


NO_OFFER = "Nobody is offered the lead of INC-42; `handoff @person` offers it, `lead me` takes it."
REFUSED: list[tuple[str, Command, Incident, str]] = [
    ("bob", OfferLead(person="carol"), opened(), "Nobody leads INC-42; `lead @carol` puts them in the lead."),
    ("bob", OfferLead(person="carol"), led(), "alice leads INC-42 and hands it over; `lead me` takes it at once."),
    ("bob", AcceptLead(), led(), NO_OFFER),
    ("bob", DeclineLead(), led(), NO_OFFER),
    ("carol", AcceptLead(), offered(),
     "The lead of INC-42 is offered to bob; `lead me` takes it at once, without an offer."),
    ("carol", DeclineLead(), offered(), "The lead of INC-42 is offered to bob, not to you."),
    ("bob", AcceptLead(), resolved(), "INC-42 is resolved; there is no lead to hand over."),
]  # fmt: skip


@pytest.mark.parametrize("actor, command, incident, words", REFUSED)
def test_who_may_not_is_told_what_to_type(
    actor: str, command: Command, incident: Incident, words: str
) -> None:
    with pytest.raises(Refused) as refused:
        by(actor, command, incident)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    "person, incident, words",
    [
        ("alice", led(), "You lead INC-42 already; nothing changed."),
        ("bob", offered(), "INC-42 is offered to bob already; nothing changed."),
    ],
)
def test_what_is_so_already_changes_nothing(person: str, incident: Incident, words: str) -> None:
    decision = by("alice", OfferLead(person=person), incident)
    assert (decision.said, decision.events, decision.effects) == (words, (), ())


WORDS = st.tuples(
    st.sampled_from(["alice", "bob", "carol"]),
    st.sampled_from(["handoff", "accept", "decline", "due"]),
    st.sampled_from(["alice", "bob", "carol"]),
    st.integers(min_value=0, max_value=20),
)


@given(words=st.lists(WORDS, max_size=12))
def test_only_a_yes_of_whoever_was_asked_changes_the_lead(words: list[tuple[str, str, str, int]]) -> None:
    first = open_incident(opening(), now=NOW)
    start = by("bob", AssignLead(person="alice"), stored(first.incident))
    incident, events, now = start.incident, [*first.events, *start.events], NOW
    for actor, word, person, minutes in words:
        now += timedelta(minutes=minutes)
        before = incident
        commands: dict[str, Command] = {
            "handoff": OfferLead(person=person),
            "accept": AcceptLead(),
            "decline": DeclineLead(),
        }
        try:
            decision = (
                observe(OfferDue(), incident, rules=RULES, now=now)
                if word == "due"
                else by(actor, commands[word], incident, at=now)
            )
        except Refused:
            continue
        incident, events = decision.incident, [*events, *decision.events]
        accepted = word == "accept" and before.offer is not None and before.offer.to == actor
        assert incident.lead == (actor if accepted else before.lead)
        assert incident.offer is None or incident.offer.by == incident.lead
    told = replay(events)
    assert (told.lead, told.lead_since, told.offer) == (incident.lead, incident.lead_since, incident.offer)
