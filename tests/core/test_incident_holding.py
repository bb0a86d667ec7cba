"""Whether whoever has an incident still has it: promise, question, silence (row "ack timeout")."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_bot.core.effects import Page, PageKind, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import ACK_GRACE, AckDue, Acknowledge, Decision, Rules, observe
from incident_bot.core.model import Incident, Kind, Paging, Urgency
from tests.core.incident_world import (
    LADDER,
    MINUTE,
    NOW,
    RULES,
    acknowledged,
    by,
    direct,
    opened,
    resolved,
    snoozed,
)

LATER = NOW + 10 * MINUTE


def due(incident: Incident, *pages: str, after: int = 30) -> Decision:
    asking = tuple(direct(person) for person in pages)
    return observe(AckDue(asking=asking), incident, rules=RULES, now=NOW + after * MINUTE)


def test_whoever_has_it_is_asked_and_has_five_minutes() -> None:
    asked = due(replace(acknowledged(), seq=7), "alice")
    (event,) = asked.events
    page, timer = asked.effects
    assert isinstance(page, Page)
    assert (event.kind, event.data["person"]) == (Kind.STILL_ON_IT, "alice")
    assert (page.kind, page.step, page.epoch, page.person) == (PageKind.ASK, 7, 1, "alice")
    assert timer == SetTimer(kind=TimerKind.ACK, due_at=NOW + 30 * MINUTE + ACK_GRACE)
    assert asked.incident.asked_at == NOW + 30 * MINUTE
    assert asked.incident.paging is Paging.ACKNOWLEDGED


def test_silence_pages_the_step_again_that_was_acknowledged() -> None:
    before = acknowledged()
    before = replace(before, progress=replace(before.progress, step=2, loop=1))
    silent = due(due(before).incident, after=35)
    (event,) = silent.events
    after = silent.incident
    assert event.kind is Kind.ACK_EXPIRED
    assert event.data["was"] == "alice"
    assert (after.paging, after.acknowledged_by, after.asked_at) == (Paging.TRIGGERED, None, None)
    assert (after.epoch, after.progress.step, after.progress.loop) == (before.epoch + 1, 1, 1)
    assert after.progress.next_at == NOW + 35 * MINUTE


def test_too_early_asks_nothing_new() -> None:
    early = due(due(acknowledged()).incident, after=34)
    assert early.events == ()
    assert early.effects == (SetTimer(kind=TimerKind.ACK, due_at=NOW + 35 * MINUTE),)


@pytest.mark.parametrize("incident", [opened(), snoozed(), resolved()], ids=["open", "snoozed", "resolved"])
def test_nobody_is_asked_who_does_not_have_it(incident: Incident) -> None:
    assert due(incident).events == ()
    assert due(incident).effects == ()


@pytest.mark.parametrize("command", [Acknowledge(), Acknowledge(until=NOW + 90 * MINUTE)])
def test_an_answer_is_an_entry_and_asks_again_later(command: Acknowledge) -> None:
    answered = by("alice", command, due(acknowledged()).incident)
    assert [event.kind for event in answered.events] == [Kind.CONFIRMED]
    assert answered.incident.asked_at is None
    expected = command.until or NOW + 30 * MINUTE
    assert answered.effects[-1] == SetTimer(kind=TimerKind.ACK, due_at=expected)
    assert answered.said.startswith("You still have INC-42. You are asked again at ")


def test_a_promise_tells_what_it_waits_for() -> None:
    taken = by("bob", Acknowledge(until=LATER, waiting_for="the vendor"), opened())
    assert taken.incident.waiting_for == "the vendor"
    assert taken.events[0].data["waiting_for"] == "the vendor"
    assert taken.effects[-1] == SetTimer(kind=TimerKind.ACK, due_at=LATER)
    renewed = by("bob", Acknowledge(), due(taken.incident).incident)
    assert renewed.incident.waiting_for is None


def test_a_promise_that_has_passed_is_refused() -> None:
    with pytest.raises(Refused, match="give a time to come: `ack until 14:30`"):
        by("bob", Acknowledge(until=NOW), opened())


@pytest.mark.parametrize("urgency", [Urgency.LOW, Urgency.HIGH])
def test_without_a_time_in_the_rules_nobody_is_asked(urgency: Urgency) -> None:
    rules = Rules(ladder=LADDER, ack_timeout={})
    quiet = replace(opened(), policy={"urgency": urgency.value})
    taken = by("bob", Acknowledge(), quiet, rules=rules)
    assert not any(isinstance(effect, SetTimer) for effect in taken.effects)
    again = by("bob", Acknowledge(waiting_for="the vendor"), taken.incident, rules=rules)
    assert again.said == "You still have INC-42."
    assert again.effects[-1] == StopTimers(kinds=(TimerKind.ACK,))


def test_low_urgency_is_not_asked_by_default() -> None:
    low = replace(opened(), policy={"urgency": "low"})
    assert not any(isinstance(effect, SetTimer) for effect in by("bob", Acknowledge(), low).effects)
