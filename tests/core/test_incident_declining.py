"""`cannot`: nobody waits for whoever cannot take it, and the next step runs only where nobody else is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_bot.core.effects import CancelPages, SetTimer, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import Acknowledge, Cannot, Decision
from incident_bot.core.model import Incident, Kind, Paging, Running
from tests.core.incident_world import NOW, acknowledged, by, opened, resolved, snoozed

MINE = CancelPages(reason="alice cannot take it", person="alice")
PAGED = Cannot(reason="on a train", paged=True)


def kinds(decision: Decision) -> list[Kind]:
    return [event.kind for event in decision.events]


def at_step(incident: Incident, step: int, **changes: object) -> Incident:
    return replace(incident, progress=replace(incident.progress, step=step, **changes))  # type: ignore[arg-type]


def test_the_last_one_awaited_moves_the_escalation_on() -> None:
    before = at_step(opened(), 1, loop=2, reached=True)
    decision = by("alice", PAGED, before)
    assert kinds(decision) == [Kind.CANNOT, Kind.ESCALATED]
    cannot, escalated = decision.events
    assert (cannot.data["reason"], cannot.data["epoch"]) == ("on a train", before.epoch)
    assert escalated.data["reason"] == "alice cannot take it"
    progress = decision.incident.progress
    assert (progress.epoch, progress.step, progress.loop) == (before.epoch + 1, 1, 2)
    assert (progress.next_at, progress.reached) == (NOW, True)
    assert not progress.forced, "after the last step comes the last resort, not the same people again"
    assert SetTimer(kind=TimerKind.STEP, due_at=NOW) in decision.effects
    assert CancelPages(reason="alice cannot take it") in decision.effects


@pytest.mark.parametrize(
    "incident, command, said",
    [
        (opened(), Cannot(paged=True, others=("ben", "cleo")), "Still asked: ben and cleo"),
        (at_step(opened(), 1, state=Running.PAUSED), PAGED, "is paused"),
        (at_step(opened(), 3, state=Running.EXHAUSTED), PAGED, "Everybody was paged already"),
        (snoozed(), PAGED, "is snoozed"),
        (by("ben", Acknowledge(), opened()).incident, PAGED, "ben has"),
    ],
    ids=["others are asked", "paused", "exhausted", "snoozed", "somebody has it"],
)
def test_where_somebody_else_may_answer_or_nobody_is_paged_it_is_only_noted(
    incident: Incident, command: Cannot, said: str
) -> None:
    decision = by("alice", command, incident)
    assert kinds(decision) == [Kind.CANNOT]
    assert decision.effects == (MINE,)
    assert said in decision.said
    assert decision.incident.epoch == incident.epoch
    assert decision.incident.paging is incident.paging
    assert ("reason" in decision.events[0].data) == (command.reason is not None)


def test_whoever_has_it_alone_hands_it_to_the_next_step() -> None:
    before = acknowledged()
    decision = by("alice", Cannot(), before)
    assert kinds(decision) == [Kind.CANNOT, Kind.ESCALATED]
    assert decision.events[1].data["was"] == "acknowledged"
    assert decision.incident.paging is Paging.TRIGGERED
    assert decision.incident.acknowledged_by is None


def test_of_two_who_have_it_the_other_one_keeps_it() -> None:
    both = by("ben", Acknowledge(), acknowledged()).incident
    decision = by("alice", Cannot(), both)
    assert kinds(decision) == [Kind.CANNOT, Kind.PART_GIVEN_BACK]
    assert (decision.incident.acknowledged_by, decision.incident.responders) == ("ben", ("ben",))
    assert decision.incident.paging is Paging.ACKNOWLEDGED
    assert "Still on it: ben" in decision.said


@pytest.mark.parametrize("incident", [opened(), resolved()], ids=["not paged", "over"])
def test_nobody_else_says_so(incident: Incident) -> None:
    with pytest.raises(Refused):
        by("alice", Cannot(paged=incident.paging is Paging.RESOLVED), incident)
