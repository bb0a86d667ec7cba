"""Replaying the events gives the state: after anything that people may say and the bot may see, in any order.

Every command and every observation that there is stands in the table below; a test fails when one is missing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import UnionType
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.effects import PageKind, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.escalation import advance, freeze
from incident_bot.core.escalation.policy import Policy
from incident_bot.core.incident import (
    AcceptLead,
    AckDue,
    Acknowledge,
    AddItem,
    AddNote,
    AlertsAttached,
    AlertsRefired,
    AlertsRepeated,
    AlertsResolved,
    AssignLead,
    AssignRole,
    AttachRunbook,
    Cancel,
    Cannot,
    Command,
    Decision,
    DeclineLead,
    EditNote,
    Escalate,
    FinishItem,
    FlappingOver,
    GiveVerdict,
    HoldOver,
    JudgeRunbook,
    LiftSilence,
    Merge,
    MergeHere,
    MessageFailed,
    MovePostmortem,
    Observation,
    OfferDue,
    OfferLead,
    PageDiverted,
    PageFailed,
    PageSent,
    PageSomebody,
    PageWaits,
    Paused,
    PostUpdate,
    ProveFollowUp,
    Publish,
    Reopen,
    Resolve,
    Resumed,
    RetractNote,
    SavePostmortem,
    SetImpact,
    SetMilestone,
    SetPhase,
    SetPostmortem,
    SetPrivate,
    SetReminders,
    SetSeverity,
    SetTitle,
    SettleTheory,
    SilenceAlerts,
    SilenceTold,
    Snooze,
    SnoozeOver,
    SplitOff,
    StepOver,
    TakeBack,
    TickStep,
    TimerParked,
    Unacknowledge,
    Unmerge,
    UnmergeHere,
    Unpublish,
    WatchOver,
    decide,
    observe,
    open_incident,
    replay,
)
from incident_bot.core.model import (
    ComponentState,
    Event,
    FlappingRule,
    Incident,
    ItemKind,
    Judged,
    Kind,
    Mark,
    Outcome,
    Phase,
    ReviewState,
    Severity,
    Verdict,
)
from tests.core.incident_world import (
    MATRIX,
    MINUTE,
    NOW,
    P1,
    P2,
    P3,
    RULES,
    World,
    alert,
    direct,
    opening,
    other,
    stored,
    through_json,
)

FLAPS = replace(
    alert("P2", 1),
    flapping=FlappingRule(transitions=4, within=30 * MINUTE, hold=10 * MINUTE, quiet=timedelta(minutes=30)),
)
LATE = 25
"""How many events there are before what ends an incident for good is tried."""


def page_facts(incident: Incident) -> dict[str, object]:
    progress = incident.progress
    return {"person": "alice", "via": "slack", "kind": PageKind.STEP, "epoch": progress.epoch, "loop": progress.loop,
            "step": max(0, progress.step - 1)}  # fmt: skip


def said_first(one: Incident, now: datetime) -> tuple[Command | Observation, ...]:
    """What people say of paging, of the work and of who does it."""
    return (
        Acknowledge(),
        Acknowledge(until=now + 90 * MINUTE, waiting_for="the vendor"),
        Unacknowledge(),
        Snooze(until=now + 30 * MINUTE),
        Escalate(),
        Cannot(reason="on a train", paged=True, others=("bob",)),
        Cannot(paged=True),
        PageSomebody(people=(replace(direct("dora"), kind=PageKind.DIRECT, epoch=one.epoch),), wanted="dora"),
        SetSeverity(severity=P1, reason="worse", policy=freeze(MATRIX, P1, "payments").to_json()),
        SetSeverity(severity=P3),
        *(SetPhase(phase=phase) for phase in Phase),
        SetTitle(title=f"At {now:%H:%M}"),
        SetPrivate(private=True),
        SetPrivate(private=False, sure=True),
        SetImpact(text="one in ten fails"),
        PostUpdate(text="looking", next_update_at=now + 30 * MINUTE),
        PostUpdate(text="public", public=True),
        AssignLead(person="alice"),
        OfferLead(person="dora"),
        AcceptLead(),
        DeclineLead(),
        AssignRole(role="scribe", person="dora"),
        AddNote(text="seen", happened_at=now - MINUTE),
        EditNote(note=1, text="seen well", was="seen"),
        RetractNote(note=1, reason="another host"),
        *(AddItem(kind=kind, text=f"a {kind}", undo="back", due=now + 5 * MINUTE) for kind in ItemKind),
        *(FinishItem(number=number) for number in (1, 2)),
        *(SettleTheory(number=number, outcome=Outcome.CONFIRMED) for number in (1, 2, 3)),
        SettleTheory(number=2, outcome=Outcome.RULED_OUT, why="it is warm"),
        SetReminders(off=True),
        SetReminders(until=now + 20 * MINUTE),
        AttachRunbook(path="services/disk.md"),
        TickStep(number=1, text="look", of=2),
        TickStep(number=1, text="look", of=2, done=False),
        TakeBack(of=2, kind=Kind.IMPACT_CHANGED, what="the impact"),
        TakeBack(of=2, kind=Kind.LEAD_ASSIGNED, what="the lead"),
        TakeBack(of=2, kind=Kind.ROLE_ASSIGNED, what="the role scribe", role="scribe"),
        TakeBack(of=2, kind=Kind.ITEM_ADDED, what="task", text="a task", number=1),
    )  # fmt: skip


def said_then(now: datetime) -> tuple[Command | Observation, ...]:
    """What people say of key times, worth, the post-mortem, silences, the public and the end."""
    return (
        SetMilestone(mark=Mark.MITIGATED, at=now - MINUTE, reason="the graph says so"),
        SetMilestone(mark=Mark.MITIGATED, before=now, corrected=True),
        SavePostmortem(),
        *(MovePostmortem(to=state, reason="so", reviewers=("bob",), senior=True) for state in ReviewState),
        SetPostmortem(owner="dora", reviewers=("bob", "alice"), due=now + 60 * MINUTE),
        *(ProveFollowUp(number=2, holds=holds, said="it gives 0.4") for holds in (True, False)),
        GiveVerdict(verdict=Verdict.NOISE, alerts=("Disk",), reason="it cleans itself"),
        JudgeRunbook(path="services/disk.md", judged=Judged.OUTDATED, reason="moved", tell="dora"),
        SilenceAlerts(wanted=(("alertmanager", (("alertname", "Disk"),)),), until=now + 60 * MINUTE),
        LiftSilence(),
        *(SilenceTold(number=1, kind=kind, until=now + 60 * MINUTE, reason="so") for kind in (
            Kind.SILENCED, Kind.SILENCE_FAILED, Kind.SILENCE_LIFTED, Kind.SILENCE_GONE, Kind.SILENCE_ENDED)),
        Publish(title="Checkout", text="Some payments fail.", components=("checkout",),
                               state=ComponentState.PARTIAL_OUTAGE, confirmed=False),
        Publish(title="Checkout", text="Some payments fail.", components=("checkout",),
                               state=ComponentState.PARTIAL_OUTAGE),
        Unpublish(reason="it was not public"),
        Resolve(reason="fixed", firing=1, named=("Disk",)),
        Reopen(reason="not over"),
        Cancel(reason="a test"),
        MergeHere(of=other(), reason="the same", alerts=(alert("P2", 7),), firing=1),
        UnmergeHere(of=other(), into=9, alerts=(alert("P2", 7),), still_firing=1),
        SplitOff(into=9, alerts=(alert("P2", 3),), still_firing=1),
        Merge(into=other(), reason="the same"),
        Unmerge(into=9, out_of=7),
    )  # fmt: skip


def happens(one: Incident, now: datetime) -> tuple[Command | Observation, ...]:
    """What the bot sees."""
    return (
        AlertsAttached(alerts=(alert("P1", 2),), policy=freeze(MATRIX, P1, "payments").to_json()),
        AlertsAttached(alerts=(FLAPS,), adopted=3),
        AlertsRefired(alerts=(FLAPS,)),
        AlertsRepeated(alerts=(alert("P2", 1),)),
        AlertsResolved(alerts=(alert("P2", 1),), still_firing=0),
        AlertsResolved(alerts=(FLAPS,), still_firing=1),
        HoldOver(still_firing=0),
        SnoozeOver(still_firing=1),
        AckDue(asking=(direct("alice"),)),
        AckDue(),
        StepOver(),
        FlappingOver(still_firing=1),
        Paused(reason="maintenance", until=now + 20 * MINUTE),
        Resumed(reason="it is over", still_firing=1),
        PageSent(**page_facts(one)),  # type: ignore[arg-type]  # real fields
        PageWaits(person="alice", via="slack", then="mail"),
        PageFailed(**page_facts(one), reason="no such number", step_dead=True),  # type: ignore[arg-type]
        PageDiverted(**page_facts(one), reason="down", instead="mail"),  # type: ignore[arg-type]
        MessageFailed(channel="#web", moment="opened", reason="gone"),
        OfferDue(),
        WatchOver(still_firing=1),
        TimerParked(timer=TimerKind.STEP, reason="it fails"),
    )  # fmt: skip


def everything(one: Incident, now: datetime) -> tuple[Command | Observation, ...]:
    """Everything that may be said and seen of an incident now."""
    return (*said_first(one, now), *said_then(now), *happens(one, now))


JOINS = (MergeHere, UnmergeHere, SplitOff)
FINAL = (Merge, Unmerge, Cancel)


def members(union: object) -> set[type]:
    """The classes of a union, of those within it as well."""
    found: set[type] = set()
    for one in get_args(union):
        found |= members(one) if isinstance(one, UnionType) else {one}
    return found


def test_everything_that_may_happen_is_tried() -> None:
    tried = {type(one) for one in everything(stored(open_incident(opening(), now=NOW).incident), NOW)}
    assert tried == members(Command) | members(Observation)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from(("alice", "bob", "dora")), st.integers(0, 20)),
        max_size=60,
    ),
    st.sampled_from((P1, P2, P3)),
    st.booleans(),
)
def test_replaying_the_events_gives_the_state(
    story: list[tuple[int, str, int]], severity: Severity, storm: bool
) -> None:
    now = NOW
    first = replace(opening(severity), storm="routing.yaml:4" if storm else None)
    decision = open_incident(first, now=now)
    incident, events = stored(decision.incident), list(decision.events)
    for drawn, actor, minutes in story:
        now += minutes * MINUTE
        incident = stepped(incident, events, now)
        offered = everything(incident, now)
        said = offered[drawn % len(offered)]
        if isinstance(said, FINAL) and len(events) < LATE:
            continue
        if isinstance(said, SilenceTold) and not incident.silences:
            # Only of a silence that was asked for.
            continue
        if isinstance(said, JOINS) and not incident.paging.is_open:
            # Refused before it comes to this: the other incident is asked first.
            continue
        try:
            decision = done(said, incident, actor, now)
        except Refused:
            continue
        incident = replace(decision.incident, id=incident.id)
        events += decision.events
        again = replay(through_json(event) for event in events)
        assert replace(again, id=incident.id, seq=incident.seq) == incident, said


def done(said: Command | Observation, incident: Incident, actor: str, now: datetime) -> Decision:
    if isinstance(said, tuple(members(Observation))):
        return observe(said, incident, rules=RULES, now=now)  # type: ignore[arg-type]
    return decide(said, incident, actor=actor, source="slack", rules=RULES, now=now)  # type: ignore[arg-type]


def stepped(incident: Incident, events: list[Event], now: datetime) -> Incident:
    """Let the steps run that are due, as the worker would."""
    found = advance(Policy.from_json(incident.policy), incident.progress, World(), now=now)
    events += [
        Event(kind=kind, actor="escalation", source="worker", happened_at=now, data=data)
        for kind, data in found.events
    ]
    return replace(incident, progress=found.progress)
