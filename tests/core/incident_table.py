"""The event table of semantics, section 3, one row each: what happens, what it is afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from incident_bot.core.incident import (
    Acknowledge,
    AlertsRefired,
    AlertsRepeated,
    AlertsResolved,
    Cancel,
    Command,
    Escalate,
    HoldOver,
    Merge,
    MergeHere,
    Observation,
    PageSomebody,
    Paused,
    Reopen,
    Resolve,
    Resumed,
    SetSeverity,
    Snooze,
    SnoozeOver,
    Unacknowledge,
    Unmerge,
    UnmergeHere,
)
from incident_bot.core.model import Incident, JsonObject
from tests.core.incident_world import (
    MINUTE,
    NOW,
    P1,
    P3,
    acknowledged,
    alert,
    attached,
    direct,
    merged,
    opened,
    other,
    paused,
    resolved,
    snoozed,
)

LATER = NOW + 10 * MINUTE
P1_POLICY: JsonObject = {"severity": "P1"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what happens to which incident, and what it is afterwards."""

    start: Callable[[], Incident]
    what: Command | Observation
    kinds: str
    """The events, in order."""
    state: str
    """Paging state, escalation, phase."""
    epochs: int = 0
    """By how many the epoch grew."""
    step_at: timedelta | None = None
    """When the step timer is set for, from now; None when it is not."""


def led() -> Incident:
    return replace(acknowledged(), lead="alice")


def second_step() -> Incident:
    """Give one whose first step has been run."""
    before = opened(P1)
    return replace(before, progress=replace(before.progress, step=1, loop=0, reached=True))


def forced() -> Incident:
    return resolved(firing=1)


ZERO = timedelta(0)

TABLE: dict[str, Row] = {
    "more firing, triggered: attached, no page": Row(
        opened, attached("P2"), "alert_attached", "triggered/running/triage"
    ),
    "more firing above the peak, triggered: the worse policy starts": Row(
        opened,
        attached("P1", policy=P1_POLICY),
        "alert_attached severity_changed repaged",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "more firing, acknowledged: attached, no page": Row(
        acknowledged, attached("P2"), "alert_attached", "acknowledged/stopped/investigating"
    ),
    "more firing above the peak, acknowledged: paged again": Row(
        acknowledged,
        attached("critical"),
        "alert_attached severity_changed repaged",
        "triggered/running/investigating",
        epochs=1,
        step_at=ZERO,
    ),
    "more firing, snoozed: attached, stays quiet": Row(
        snoozed, attached("P2"), "alert_attached", "snoozed/stopped/triage"
    ),
    "more firing above the peak, snoozed: paged": Row(
        snoozed,
        attached("P1"),
        "alert_attached severity_changed repaged",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "more firing above the peak in maintenance: stays paused": Row(
        paused, attached("P1"), "alert_attached severity_changed", "triggered/paused/triage"
    ),
    "fires anew: counted, no page": Row(
        acknowledged, AlertsRefired(alerts=(alert(),)), "alert_refired", "acknowledged/stopped/investigating"
    ),
    "repeats: nothing": Row(
        acknowledged, AlertsRepeated(alerts=(alert(),)), "", "acknowledged/stopped/investigating"
    ),
    "ack, triggered": Row(opened, Acknowledge(), "acknowledged", "acknowledged/stopped/investigating"),
    "ack, snoozed": Row(snoozed, Acknowledge(), "acknowledged", "acknowledged/stopped/investigating"),
    "ack, already acknowledged: second responder": Row(
        acknowledged, Acknowledge(), "also_acknowledged", "acknowledged/stopped/investigating"
    ),
    "un-ack": Row(
        acknowledged,
        Unacknowledge(),
        "unacknowledged",
        "triggered/running/investigating",
        epochs=1,
        step_at=ZERO,
    ),
    "escalate now, triggered": Row(
        second_step, Escalate(), "escalated", "triggered/running/triage", epochs=1, step_at=ZERO
    ),
    "escalate now, acknowledged": Row(
        acknowledged, Escalate(), "escalated", "triggered/running/investigating", epochs=1, step_at=ZERO
    ),
    "escalate now, snoozed": Row(
        snoozed, Escalate(), "escalated", "triggered/running/triage", epochs=1, step_at=ZERO
    ),
    "escalate now, paused": Row(
        paused, Escalate(), "escalated", "triggered/running/triage", epochs=1, step_at=ZERO
    ),
    "snooze, triggered": Row(opened, Snooze(until=LATER), "snoozed", "snoozed/stopped/triage"),
    "snooze, acknowledged": Row(
        acknowledged, Snooze(until=LATER), "snoozed", "snoozed/stopped/investigating"
    ),
    "snooze, snoozed: until then": Row(snoozed, Snooze(until=LATER), "snoozed", "snoozed/stopped/triage"),
    "snooze over, still firing": Row(
        lambda: replace(snoozed(), snoozed_until=NOW),
        SnoozeOver(still_firing=1),
        "woken",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "snooze over, declared by a person and never an alert": Row(
        lambda: replace(snoozed(), snoozed_until=NOW),
        SnoozeOver(still_firing=0, had_alerts=False),
        "woken",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "snooze over, all resolved: left to the hold": Row(
        lambda: replace(snoozed(), snoozed_until=NOW),
        SnoozeOver(still_firing=0),
        "",
        "snoozed/stopped/triage",
    ),
    "snooze over, then an alert before the hold: woken": Row(
        lambda: replace(snoozed(), snoozed_until=NOW),
        attached("P2"),
        "alert_attached woken",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "snooze timer too early": Row(snoozed, SnoozeOver(still_firing=1), "", "snoozed/stopped/triage"),
    "snooze timer after an ack": Row(
        acknowledged, SnoozeOver(still_firing=1), "", "acknowledged/stopped/investigating"
    ),
    "some resolved": Row(
        opened,
        AlertsResolved(alerts=(alert(),), still_firing=1),
        "alert_resolved",
        "triggered/running/triage",
    ),
    "all resolved: hold": Row(
        opened,
        AlertsResolved(alerts=(alert(),), still_firing=0),
        "alert_resolved",
        "triggered/running/triage",
    ),
    "hold over, fires again": Row(opened, HoldOver(still_firing=1), "", "triggered/running/triage"),
    "hold over, nobody leads": Row(
        acknowledged, HoldOver(still_firing=0), "resolved", "resolved/stopped/resolved"
    ),
    "hold over, somebody leads: offered": Row(
        led, HoldOver(still_firing=0), "resolve_offered", "acknowledged/stopped/monitoring"
    ),
    "hold over, a person posted an update: offered": Row(
        lambda: replace(opened(), updated_by_people=True),
        HoldOver(still_firing=0),
        "resolve_offered",
        "triggered/running/monitoring",
    ),
    "hold over while snoozed, somebody leads: the snooze has nothing to wait for": Row(
        lambda: replace(snoozed(), lead="alice"),
        HoldOver(still_firing=0),
        "resolve_offered",
        "acknowledged/stopped/monitoring",
    ),
    "hold over, resolved already": Row(resolved, HoldOver(still_firing=0), "", "resolved/stopped/resolved"),
    "firing within the window: reopened": Row(
        resolved,
        attached("P2"),
        "alert_attached reopened",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "firing worse within the window: reopened with the new severity": Row(
        resolved,
        attached("P1"),
        "alert_attached severity_changed reopened",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "resolve by hand": Row(acknowledged, Resolve(), "resolved", "resolved/stopped/resolved"),
    "resolve by hand while firing": Row(
        opened, Resolve(reason="known", firing=2), "resolved", "resolved/stopped/resolved"
    ),
    "forced, then a repeat: stays resolved": Row(
        forced, AlertsRepeated(alerts=(alert(),)), "fires_on", "resolved/stopped/resolved"
    ),
    "forced, then a worse repeat: reopened": Row(
        forced,
        AlertsRepeated(alerts=(alert("P1"),)),
        "severity_changed reopened",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "forced, then it fires anew: reopened": Row(
        forced,
        AlertsRefired(alerts=(alert(),)),
        "alert_refired reopened",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "resolved by itself, then a repeat: reopened, never lost": Row(
        resolved,
        AlertsRepeated(alerts=(alert(),)),
        "reopened",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "a late end of an alert after resolving": Row(
        forced,
        AlertsResolved(alerts=(alert(),), still_firing=0),
        "alert_resolved",
        "resolved/stopped/resolved",
    ),
    "reopen by hand": Row(
        resolved, Reopen(reason="not fixed"), "reopened", "triggered/running/triage", epochs=1, step_at=ZERO
    ),
    "maintenance begins": Row(
        opened,
        Paused(reason="upgrade", until=LATER),
        "paused",
        "triggered/paused/triage",
        step_at=10 * MINUTE,
    ),
    "maintenance begins, acknowledged": Row(
        acknowledged, Paused(reason="upgrade"), "", "acknowledged/stopped/investigating"
    ),
    "maintenance told twice": Row(paused, Paused(reason="database upgrade"), "", "triggered/paused/triage"),
    "maintenance ends, still firing": Row(
        paused,
        Resumed(reason="maintenance is over", still_firing=1),
        "resumed",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "maintenance ends, declared by a person": Row(
        paused,
        Resumed(reason="maintenance is over", still_firing=0, had_alerts=False),
        "resumed",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "maintenance ends, nothing fires: the hold decides before a step": Row(
        paused,
        Resumed(reason="maintenance is over", still_firing=0),
        "resumed",
        "triggered/running/triage",
        epochs=1,
        step_at=timedelta(minutes=3),
    ),
    "maintenance ends, not paused": Row(
        opened, Resumed(reason="maintenance is over", still_firing=1), "", "triggered/running/triage"
    ),
    "maintenance ends, acknowledged meanwhile": Row(
        lambda: acknowledged(paused()),
        Resumed(reason="maintenance is over", still_firing=1),
        "",
        "acknowledged/stopped/investigating",
    ),
    "responder added, triggered": Row(
        opened, PageSomebody(people=(direct("bob"),)), "paged", "triggered/running/triage"
    ),
    "responder added, acknowledged": Row(
        acknowledged, PageSomebody(people=(direct("bob"),)), "paged", "acknowledged/stopped/investigating"
    ),
    "responder added, snoozed": Row(
        snoozed, PageSomebody(people=(direct("bob"),)), "paged", "snoozed/stopped/triage"
    ),
    "severity raised by hand, acknowledged": Row(
        acknowledged,
        SetSeverity(severity=P1, policy=P1_POLICY),
        "severity_changed repaged",
        "triggered/running/investigating",
        epochs=1,
        step_at=ZERO,
    ),
    "severity lowered by hand": Row(
        acknowledged, SetSeverity(severity=P3), "severity_changed", "acknowledged/stopped/investigating"
    ),
    "severity corrected after the end": Row(
        resolved, SetSeverity(severity=P1), "severity_changed", "resolved/stopped/resolved"
    ),
    "merge, triggered": Row(opened, Merge(into=other()), "merged", "merged/stopped/cancelled", epochs=1),
    "merge, acknowledged": Row(
        acknowledged, Merge(into=other()), "merged", "merged/stopped/cancelled", epochs=1
    ),
    "merge, snoozed": Row(snoozed, Merge(into=other()), "merged", "merged/stopped/cancelled", epochs=1),
    "merge, paused": Row(paused, Merge(into=other()), "merged", "merged/stopped/cancelled", epochs=1),
    "merge into the same again": Row(merged, Merge(into=other()), "", "merged/running/triage"),
    "merged here, triggered: its escalation untouched": Row(
        second_step, MergeHere(of=other(), firing=1), "merged_here", "triggered/running/triage"
    ),
    "merged here, acknowledged": Row(
        acknowledged, MergeHere(of=other(), firing=1), "merged_here", "acknowledged/stopped/investigating"
    ),
    "merged here, snoozed: stays quiet": Row(
        snoozed, MergeHere(of=other(), firing=1), "merged_here", "snoozed/stopped/triage"
    ),
    "merged here, worse: the severity rises and nobody is paged for that": Row(
        acknowledged,
        MergeHere(of=other(P1), firing=1),
        "merged_here severity_changed",
        "acknowledged/stopped/investigating",
    ),
    "merged here after the snooze, before the hold: woken": Row(
        lambda: replace(snoozed(), snoozed_until=NOW),
        MergeHere(of=other(), firing=1),
        "merged_here woken",
        "triggered/running/triage",
        epochs=1,
        step_at=ZERO,
    ),
    "merged here after the snooze, nothing fires: left to the hold": Row(
        lambda: replace(snoozed(), snoozed_until=NOW),
        MergeHere(of=other()),
        "merged_here",
        "snoozed/stopped/triage",
    ),
    "unmerge: it stays merged": Row(merged, Unmerge(into=9, out_of=7), "unmerged", "merged/running/triage"),
    "taken out, some still fire": Row(
        acknowledged,
        UnmergeHere(of=other(), into=9, still_firing=1),
        "unmerged_here",
        "acknowledged/stopped/investigating",
    ),
    "taken out of one that is over": Row(
        resolved, UnmergeHere(of=other(), into=9), "unmerged_here", "resolved/stopped/resolved"
    ),
    "cancel, triggered": Row(opened, Cancel(reason="false alarm"), "cancelled", "resolved/stopped/cancelled"),
    "cancel, snoozed": Row(snoozed, Cancel(reason="false alarm"), "cancelled", "resolved/stopped/cancelled"),
}
