"""`acks: each`: parts taken and given back, and when they are enough (rows "ack by P", "un-ack")."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from incident_bot.core.effects import CancelPages, PageKind, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused, Unreadable
from incident_bot.core.escalation import Policy, advance, freeze
from incident_bot.core.incident import (
    Acknowledge,
    Decision,
    PageSent,
    StepOver,
    Unacknowledge,
    decide,
    evolve,
    observe,
    progress_from_json,
    progress_to_json,
)
from incident_bot.core.model import Acks, Event, Incident, Kind, Paging, Phase, Progress, Running
from tests.core.incident_world import (
    MATRIX,
    MINUTE,
    NOW,
    P1,
    RULES,
    World,
    by,
    opened,
    opening,
    paused,
    steps,
)

EACH = replace(
    MATRIX, rows={"P1": steps((0, "on_call lead pagerduty/pay"), (15, "person/cto"))}, acks={"P1": Acks.EACH}
)
PEOPLE = {
    "on_call": ("alice",),
    "lead": ("dora",),
    "pagerduty/pay": ("pagerduty/pay",),
    "person/cto": ("cto",),
}


def paged(*taken: str, step: int = 1) -> Incident:
    """An incident whose first steps have paged, and whose part these have taken."""
    policy = freeze(EACH, P1, "payments")
    incident = opened(first=replace(opening(P1), policy=policy.to_json()))
    for at in range(step):
        progress = replace(incident.progress, next_at=NOW + at * 15 * MINUTE)
        look = advance(policy, progress, World(PEOPLE), now=NOW + at * 15 * MINUTE)
        incident = replace(incident, progress=look.progress)
    for person in taken:
        incident = by(person, Acknowledge(), incident).incident
    return incident


def over(incident: Incident, minutes: int = 15) -> Decision:
    return observe(StepOver(), incident, rules=RULES, now=NOW + minutes * MINUTE, source="worker")


def test_steps_note_whom_they_called_each_once() -> None:
    assert paged().progress.called == ("alice", "dora", "pagerduty/pay")
    assert paged(step=2).progress.called == ("alice", "dora", "pagerduty/pay", "cto")
    assert opened().progress.called == ()


def test_a_part_is_an_entry_and_ends_that_person_s_pages_only() -> None:
    decision = by("alice", Acknowledge(), paged())
    (event,) = decision.events
    assert (event.kind, event.data["awaited"]) == (Kind.PART_ACKNOWLEDGED, ["dora", "pagerduty/pay"])
    assert decision.effects == (CancelPages(reason="acknowledged by alice", person="alice"),)
    assert (decision.incident.paging, decision.incident.phase) == (Paging.TRIGGERED, Phase.TRIAGE)
    assert (
        decision.said == "You have your part of INC-42; it waits for dora and pagerduty/pay until 03:15 UTC."
    )


def test_the_same_word_again_is_no_entry() -> None:
    decision = by("alice", Acknowledge(), paged("alice"))
    assert decision.events == ()
    assert decision.effects == (CancelPages(reason="acknowledged by alice", person="alice"),)


def test_a_promise_is_refused_with_a_word_but_the_part_is_taken() -> None:
    for promise in (Acknowledge(until=NOW + MINUTE), Acknowledge(waiting_for="the vendor")):
        decision = by("alice", promise, paged())
        assert "until then no promise is kept" in decision.said
        assert decision.incident.progress.taken == ("alice",)


@pytest.mark.parametrize("order", list(permutations(("alice", "dora", "pagerduty/pay"))))
def test_the_last_part_acknowledges_and_the_first_has_it(order: tuple[str, ...]) -> None:
    done = by(order[-1], Acknowledge(), paged(*order[:-1]))
    incident = done.incident
    assert (incident.paging, incident.acknowledged_by) == (Paging.ACKNOWLEDGED, order[0])
    assert incident.responders == order
    assert incident.phase is Phase.INVESTIGATING
    assert (incident.progress.state, incident.progress.next_at) == (Running.STOPPED, None)
    assert "Everybody who was paged has it." in done.said


def test_whoever_was_not_called_takes_it_for_all() -> None:
    incident = by("cto", Acknowledge(), paged("dora")).incident
    assert (incident.paging, incident.acknowledged_by) == (Paging.ACKNOWLEDGED, "cto")
    assert incident.responders == ("cto", "dora")


def test_who_answers_at_a_paging_service_answers_for_it() -> None:
    def there(actor: str, incident: Incident) -> Incident:
        return decide(
            Acknowledge(), incident, actor=actor, source="pagerduty/pay", rules=RULES, now=NOW
        ).incident

    assert there("PagerDuty", paged()).progress.taken == ("pagerduty/pay",)
    assert there("dora", paged()).progress.taken == ("dora", "pagerduty/pay")


def test_where_any_answer_is_enough_or_paging_does_not_run_one_is_for_all() -> None:
    for incident in (
        replace(paged(), policy=freeze(MATRIX, P1, "payments").to_json()),
        replace(paged(), progress=replace(paged().progress, state=Running.EXHAUSTED)),
        replace(paused(), policy=paged().policy),
    ):
        assert by("alice", Acknowledge(), incident).incident.paging is Paging.ACKNOWLEDGED


def test_a_step_that_is_over_leaves_it_to_those_who_have_their_part() -> None:
    decision = over(paged("dora"))
    (event,) = decision.events
    assert (event.kind, event.actor, event.data["missing"]) == (
        Kind.ACKNOWLEDGED,
        "dora",
        ["alice", "pagerduty/pay"],
    )
    assert decision.incident.acknowledged_by == "dora"
    assert CancelPages(reason="acknowledged by dora") in decision.effects
    assert StopTimers(kinds=(TimerKind.STEP, TimerKind.SNOOZE, TimerKind.ACK)) in decision.effects
    assert SetTimer(kind=TimerKind.ACK, due_at=NOW + 45 * MINUTE) in decision.effects
    assert decision.said == "dora took INC-42; alice and pagerduty/pay did not answer in time."


def test_nothing_is_over_too_early_or_without_an_answer_or_after_the_end() -> None:
    done = over(paged("dora")).incident
    exhausted = replace(paged("dora"), progress=replace(paged("dora").progress, state=Running.EXHAUSTED))
    for incident, minutes in ((paged("dora"), 14), (paged(), 15), (done, 15), (exhausted, 15)):
        assert over(incident, minutes).events == ()
    stopped = replace(paged("dora"), progress=replace(paged("dora").progress, next_at=None))
    assert over(stopped).events == ()


def test_a_part_is_given_back_while_others_are_awaited() -> None:
    decision = by("alice", Unacknowledge(), paged("alice", "dora"))
    assert [event.kind for event in decision.events] == [Kind.PART_GIVEN_BACK]
    assert decision.incident.progress.taken == ("dora",)
    assert decision.incident.paging is Paging.TRIGGERED
    assert decision.said.startswith(
        "Your part of INC-42 is open again: it waits for alice and pagerduty/pay until 03:15 UTC"
    )
    stopped = replace(paged("alice"), progress=replace(paged("alice").progress, next_at=None))
    assert "waits for alice, dora and pagerduty/pay, then" in by("alice", Unacknowledge(), stopped).said


def test_who_has_no_part_can_give_none_back() -> None:
    with pytest.raises(Refused, match="Nobody has INC-42"):
        by("cto", Unacknowledge(), paged("alice"))


def test_one_of_several_lets_go_and_the_last_one_begins_the_paging_anew() -> None:
    incident = paged("alice", "dora", "pagerduty/pay")
    decision = by("alice", Unacknowledge(), incident)
    assert decision.said.startswith("INC-42 is no longer yours; dora and pagerduty/pay still have it.")
    assert (decision.incident.acknowledged_by, decision.incident.paging) == ("dora", Paging.ACKNOWLEDGED)
    alone = by("pagerduty/pay", Unacknowledge(), decision.incident)
    assert "dora still has it" in alone.said
    again = by("dora", Unacknowledge(), alone.incident).incident
    assert (again.paging, again.epoch, again.progress.called) == (Paging.TRIGGERED, 2, ())
    assert by("cto", Unacknowledge(), incident).incident.paging is Paging.TRIGGERED, "for all, as ever"


def test_a_page_in_flight_to_one_who_has_their_part_is_marked() -> None:
    def sent(person: str, kind: PageKind = PageKind.STEP) -> object:
        page = PageSent(person=person, via="sms", kind=kind, epoch=1, loop=0, step=0)
        (event,) = observe(page, paged("alice"), rules=RULES, now=NOW).events
        return event.data["sent_after_ack"]

    assert (sent("alice"), sent("dora"), sent("alice", PageKind.DIRECT)) == (True, False, False)


def test_the_progress_and_the_policy_survive_json_and_old_ones_are_read() -> None:
    progress = paged("alice").progress
    assert progress_from_json(progress_to_json(progress)) == progress
    plain = progress_to_json(Progress(started_at=NOW))
    assert not {"called", "taken"} & set(plain)
    policy = freeze(EACH, P1, "payments")
    assert Policy.from_json(policy.to_json()) == policy
    assert "acks" not in freeze(MATRIX, P1, "payments").to_json()
    with pytest.raises(Unreadable, match="any or each"):
        Policy.from_json({**policy.to_json(), "acks": "some"})
    with pytest.raises(Unreadable, match="texts wanted"):
        progress_from_json({**plain, "called": [1]})


def test_a_team_s_word_counts_before_the_severity_s() -> None:
    matrix = replace(EACH, team_acks={"payments": {"P1": Acks.ANY}})
    assert freeze(matrix, P1, "payments").acks is Acks.ANY
    assert freeze(matrix, P1, "other").acks is Acks.EACH


def test_the_last_who_lets_go_leaves_nobody() -> None:
    incident = by("alice", Acknowledge(), opened()).incident
    event = Event(
        kind=Kind.PART_GIVEN_BACK, actor="alice", source="cli", happened_at=NOW, data={"parts": ["alice"]}
    )
    assert evolve(incident, event).acknowledged_by is None
