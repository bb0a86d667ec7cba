"""The life cycle: every row of the event table, and the fold that every decision is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from incident_bot.core.effects import (
    Announce,
    CancelPages,
    Effect,
    Moment,
    SetTimer,
    StopTimers,
    TimerKind,
)
from incident_bot.core.errors import Refused, Unreadable
from incident_bot.core.incident import (
    LIFE_CYCLE_KINDS,
    TRANSITIONS,
    Acknowledge,
    AlertsAttached,
    AlertsRefired,
    AlertsRepeated,
    AlertsResolved,
    Command,
    Decision,
    Escalate,
    HoldOver,
    Observation,
    Reopen,
    Resolve,
    Snooze,
    Unacknowledge,
    begin,
    evolve,
    facts,
    open_incident,
    progress_from_json,
    progress_to_json,
    replay,
)
from incident_bot.core.model import (
    Event,
    Incident,
    JsonObject,
    Kind,
    Paging,
    Phase,
    Progress,
    Running,
)
from tests.core.incident_table import LATER, P1_POLICY, TABLE, ZERO, Row, forced
from tests.core.incident_world import (
    MINUTE,
    NOW,
    RULES,
    acknowledged,
    alert,
    attached,
    by,
    cancelled,
    opened,
    opening,
    seen,
    snoozed,
    through_json,
)

T, A, S, R = Paging.TRIGGERED, Paging.ACKNOWLEDGED, Paging.SNOOZED, Paging.RESOLVED
M = Paging.MERGED


def happens(what: Command | Observation, incident: Incident) -> Decision:
    if isinstance(what, Observation):
        return seen(what, incident)
    return by("bob", what, incident)


def timer(effects: tuple[Effect, ...], kind: TimerKind) -> SetTimer | None:
    return next((each for each in effects if isinstance(each, SetTimer) and each.kind is kind), None)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_each_row_of_the_table(row: Row) -> None:
    before = row.start()
    decision = happens(row.what, before)
    after = decision.incident

    assert " ".join(event.kind for event in decision.events) == row.kinds
    assert f"{after.paging}/{after.progress.state}/{after.phase}" == row.state
    assert after.epoch == before.epoch + row.epochs
    step = timer(decision.effects, TimerKind.STEP)
    assert (step.due_at - NOW if step else None) == row.step_at
    assert decision.said.strip()


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_the_new_state_is_the_fold_of_the_events_even_out_of_the_store(row: Row) -> None:
    before = row.start()
    decision = happens(row.what, before)
    folded = before
    for event in decision.events:
        folded = evolve(folded, through_json(event))
    assert folded == decision.incident


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_what_begins_paging_is_due_at_step_0_now_unless_escalated(row: Row) -> None:
    before = row.start()
    decision = happens(row.what, before)
    progress = decision.incident.progress
    if not row.epochs:
        return
    assert progress.started_at == NOW
    assert progress.next_at == (NOW + row.step_at if row.step_at is not None else None)
    assert (progress.fell_back, progress.reached) == (False, False)
    escalated = isinstance(row.what, Escalate)
    assert progress.forced == escalated
    assert (progress.step, progress.loop) == (
        (before.progress.step, before.progress.loop) if escalated else (0, 0)
    )
    # Pages of the old epoch are taken back before the timer can bring new ones.
    if row.step_at == ZERO:
        order = [type(effect) for effect in decision.effects]
        assert order.index(CancelPages) < order.index(SetTimer)


def test_the_table_is_walked_whole() -> None:
    for paging in Paging:
        for kind in LIFE_CYCLE_KINDS:
            before = replace(opened(), paging=paging)
            event = Event(
                kind=kind,
                actor="bob",
                source="cli",
                happened_at=NOW,
                data={"until": LATER.isoformat(), "into": 7, "policy": {}},
            )
            if (paging, kind) in TRANSITIONS:
                assert evolve(before, event).paging is TRANSITIONS[paging, kind]
            else:
                with pytest.raises(ValueError, match=f"{kind.value} cannot happen"):
                    evolve(before, event)


def test_every_open_state_can_be_left_the_end_only_by_reopening_and_a_merge_never() -> None:
    leaves = {paging: {to for (of, _), to in TRANSITIONS.items() if of is paging} for paging in Paging}
    assert leaves[T] == {T, A, S, R, M}
    assert leaves[A] == {T, A, S, R, M}
    assert leaves[S] == {T, A, S, R, M}
    assert leaves[R] == {T}
    assert leaves[M] == {M}


def test_a_first_firing_opens_with_step_0_due_now() -> None:
    decision = open_incident(opening(), now=NOW)
    incident = decision.incident
    assert [event.kind for event in decision.events] == [Kind.OPENED]
    assert (incident.paging, incident.phase, incident.epoch) == (T, Phase.TRIAGE, 1)
    assert incident.progress == Progress(started_at=NOW, next_at=NOW)
    assert (incident.severity, incident.peak) == ("P2", "P2")
    assert decision.effects[-1] == SetTimer(kind=TimerKind.STEP, due_at=NOW)
    assert isinstance(decision.effects[0], Announce)
    assert decision.effects[0].moment is Moment.OPENED
    assert decision.said == (
        "Opened: High error rate (P2, team payments). Paging starts now; type `ack` to take it."
    )


def test_a_declared_incident_stays_in_triage_until_acknowledged() -> None:
    first = replace(
        opening(),
        declared=True,
        opened_by="carol",
        source="slack",
        alerts=(),
        runbook="services/errors.md",
        impact="checkout is slow",
        service="checkout",
        previous=7,
        drill=True,
    )
    decision = open_incident(first, now=NOW)
    incident = decision.incident
    assert [event.kind for event in decision.events] == [Kind.DECLARED, Kind.RUNBOOK_FOUND]
    assert [event.actor for event in decision.events] == ["carol", "escalation"]
    assert (incident.phase, incident.opened_by, incident.runbook) == (
        Phase.TRIAGE,
        "carol",
        "services/errors.md",
    )
    assert (incident.impact, incident.service, incident.previous, incident.drill) == (
        "checkout is slow",
        "checkout",
        7,
        True,
    )
    assert decision.said.startswith("Declared: ")


@pytest.mark.parametrize("until", [None, LATER], ids=["open end", "with an end"])
def test_in_maintenance_it_opens_paused(until: object) -> None:
    first = replace(opening(), paused_reason="database upgrade", paused_until=LATER if until else None)
    decision = open_incident(first, now=NOW)
    assert [event.kind for event in decision.events] == [Kind.OPENED, Kind.PAUSED]
    assert (decision.incident.paging, decision.incident.progress.state) == (T, Running.PAUSED)
    expected = SetTimer(kind=TimerKind.STEP, due_at=LATER) if until else None
    assert timer(decision.effects, TimerKind.STEP) == expected
    assert decision.said.endswith("Nobody is paged yet: database upgrade.")


def test_a_private_incident_is_told_to_no_channel_ever() -> None:
    incident = opened(first=replace(opening(), private=True))
    assert not [
        e for e in open_incident(replace(opening(), private=True), now=NOW).effects if isinstance(e, Announce)
    ]
    decision = by("bob", Resolve(), incident)
    assert not [effect for effect in decision.effects if isinstance(effect, Announce)]
    again = by("bob", Reopen(), decision.incident)
    assert not [effect for effect in again.effects if isinstance(effect, Announce)]


def test_a_whole_timeline_gives_the_incident_again() -> None:
    first = open_incident(replace(opening(), paused_reason="upgrade"), now=NOW)
    events, incident = list(first.events), first.incident
    for what in (
        Escalate(),
        Acknowledge(),
        attached("P1", policy=P1_POLICY),
        Snooze(until=LATER),
        HoldOver(still_firing=0),
        Reopen(),
    ):
        decision = happens(what, incident)
        events += decision.events
        incident = decision.incident
    assert replay(through_json(event) for event in events) == incident


def test_an_incident_begins_with_nothing_else() -> None:
    event = Event(kind=Kind.NOTE, actor="bob", source="cli", happened_at=NOW)
    with pytest.raises(ValueError, match="begins with opened or declared"):
        begin(event)


def test_leaving_a_state_forgets_what_was_true_of_it() -> None:
    has = by("bob", Acknowledge(), acknowledged()).incident
    assert (has.acknowledged_by, has.acknowledged_at, has.responders) == ("alice", NOW, ("alice", "bob"))
    given_back = by("alice", Unacknowledge(), has).incident
    assert (given_back.acknowledged_by, given_back.acknowledged_at, given_back.responders) == (None, None, ())
    quiet = snoozed()
    assert quiet.snoozed_until == NOW + 30 * MINUTE
    assert by("bob", Acknowledge(), quiet).incident.snoozed_until is None
    over = forced()
    assert (over.resolved_at, over.forced) == (NOW, True)
    again = by("bob", Reopen(), over).incident
    assert (again.resolved_at, again.forced) == (None, False)
    assert cancelled().resolved_at == NOW


def test_firing_again_stops_the_hold() -> None:
    for what in (attached("P2"), AlertsRefired(alerts=(alert(),)), AlertsRepeated(alerts=(alert(),))):
        assert StopTimers(kinds=(TimerKind.HOLD,)) in seen(what, opened()).effects


def test_the_last_resolve_starts_the_hold() -> None:
    decision = seen(AlertsResolved(alerts=(alert(),), still_firing=0), opened())
    assert decision.effects == (SetTimer(kind=TimerKind.HOLD, due_at=NOW + RULES.resolve_hold),)
    still = seen(AlertsResolved(alerts=(alert(),), still_firing=2), opened())
    assert still.effects == ()


def test_progress_survives_json() -> None:
    progress = Progress(epoch=3, loop=1, step=2, started_at=NOW, forced=True, state=Running.EXHAUSTED)
    assert progress_from_json(progress_to_json(progress)) == progress


BROKEN: dict[str, tuple[Callable[[JsonObject, str], object], JsonObject]] = {
    "no text": (facts.text, {}),
    "number for text": (facts.text, {"x": 1}),
    "boolean for number": (facts.whole, {"x": True}),
    "text for number": (facts.whole, {"x": "1"}),
    "boolean for measure": (facts.number, {"x": True}),
    "text for measure": (facts.number, {"x": "1"}),
    "no instant": (facts.instant, {"x": "soon"}),
    "naive instant": (facts.instant, {"x": "2026-11-20T03:00:00"}),
    "list for object": (facts.record, {"x": []}),
    "text for list": (facts.listed, {"x": "abc"}),
    "object for list": (facts.listed, {"x": {}}),
}


@pytest.mark.parametrize("read,data", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_event_is_refused_by_field(
    read: Callable[[JsonObject, str], object], data: JsonObject
) -> None:
    with pytest.raises(Unreadable, match=r"^\$\.x: .* wanted, found "):
        read(data, "x")


def test_empty_facts_are_none() -> None:
    assert (facts.maybe_text({}, "x"), facts.maybe_whole({}, "x"), facts.maybe_instant({}, "x")) == (
        None,
        None,
        None,
    )
    assert facts.number({"x": 1}, "x") == 1


def test_alerts_stand_in_the_event_that_brought_them() -> None:
    (event,) = seen(AlertsAttached(alerts=(alert("P2", 8),)), opened()).events
    assert event.data == {
        "alerts": [{"episode_id": 8, "title": "High error rate", "severity": "P2", "fingerprint": "f8"}]
    }
    assert (event.actor, event.source) == ("alertmanager", "alertmanager")


def test_an_old_one_is_not_reopened_beside_an_open_one_of_its_key() -> None:
    with pytest.raises(
        Refused, match=r"INC-9 is open for the same alerts already: go on there, `info INC-9`\."
    ):
        by("bob", Reopen(open_now="INC-9"), forced())
