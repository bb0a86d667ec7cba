"""Observations: what alerts, time and transports bring, beside the rows of the event table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from incident_bot.core.effects import CancelPages, Page, PageKind, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    AlertsAttached,
    AlertsRefired,
    AlertsRepeated,
    HoldOver,
    MessageFailed,
    PageDiverted,
    PageFailed,
    PageSent,
    PageWaits,
    Paused,
    Resumed,
    Rules,
    SnoozeOver,
    TimerParked,
    takes_alerts,
)
from incident_bot.core.model import Incident, JsonObject, Kind, Paging, Phase, Running
from tests.core.incident_world import (
    LADDER,
    MINUTE,
    NOW,
    RULES,
    acknowledged,
    alert,
    attached,
    cancelled,
    merged,
    opened,
    paused,
    resolved,
    seen,
    snoozed,
)

LATER = NOW + 10 * MINUTE
WINDOW = RULES.reopen_window
SECOND = timedelta(seconds=1)

TAKES: dict[str, tuple[Callable[[], Incident], timedelta, bool]] = {
    "open": (opened, timedelta(days=9), True),
    "snoozed": (snoozed, timedelta(0), True),
    "resolved, within the window": (resolved, WINDOW - SECOND, True),
    "resolved, at the end of the window": (resolved, WINDOW, False),
    "cancelled": (cancelled, timedelta(0), False),
    "merged": (merged, timedelta(0), False),
    "resolved, nobody knows when": (lambda: replace(resolved(), resolved_at=None), timedelta(0), False),
}


@pytest.mark.parametrize("start,after,takes", TAKES.values(), ids=TAKES.keys())
def test_which_incident_takes_a_firing(
    start: Callable[[], Incident], after: timedelta, *, takes: bool
) -> None:
    incident = start()
    assert takes_alerts(incident, rules=RULES, now=NOW + after) == takes
    if takes:
        assert seen(attached("P2"), incident, at=NOW + after).events
        return
    with pytest.raises(Refused, match="alerts"):
        seen(attached("P2"), incident, at=NOW + after)


def test_a_firing_that_came_to_a_merged_incident_is_shown_the_way() -> None:
    with pytest.raises(Refused, match="INC-42 was merged into INC-7: attach the alerts there"):
        seen(attached("P2"), merged())
    with pytest.raises(Refused, match="takes no more alerts: open a new incident"):
        seen(attached("P2"), merged(None))


SAID: dict[str, tuple[AlertsAttached | AlertsRefired | AlertsRepeated, str]] = {
    "one joined": (attached("P2"), "1 alert joined INC-42. Nobody is paged for that."),
    "two joined, one worse": (
        AlertsAttached(alerts=(alert("P3", 2), alert("P1", 3))),
        "2 alerts joined INC-42. Paging starts again: an alert is P1, worse than P2.",
    ),
    "fired anew": (
        AlertsRefired(alerts=(alert(),)),
        "1 alert of INC-42 fired anew. Nobody is paged for that.",
    ),
    "repeated": (
        AlertsRepeated(alerts=(alert(),)),
        "1 alert of INC-42 repeated. Nobody is paged for that.",
    ),
    "of a severity that the ladder does not name": (
        attached("P9"),
        "1 alert joined INC-42. Nobody is paged for that.",
    ),
}


@pytest.mark.parametrize("firing,text", SAID.values(), ids=SAID.keys())
def test_what_a_firing_did_is_said(
    firing: AlertsAttached | AlertsRefired | AlertsRepeated, text: str
) -> None:
    assert seen(firing, acknowledged()).said == text


def test_a_worse_alert_brings_its_policy_and_peak() -> None:
    policy: JsonObject = {"severity": "P1"}
    after = seen(attached("critical", policy=policy), acknowledged()).incident
    assert (after.severity, after.peak, after.policy) == ("P1", "P1", policy)
    kept = seen(attached("P1"), acknowledged())
    assert kept.incident.policy == acknowledged().policy
    milder = seen(attached("P3", policy=policy), acknowledged()).incident
    assert (milder.severity, milder.policy) == ("P2", acknowledged().policy)


REPAGES: dict[str, tuple[Literal["severity_up", "never", "always"], AlertsAttached | AlertsRefired, bool]] = {
    "severity_up, worse": ("severity_up", attached("P1"), True),
    "severity_up, same": ("severity_up", attached("P2"), False),
    "never, worse": ("never", attached("P1"), False),
    "always, same": ("always", attached("P2"), True),
    "always, fired anew only": ("always", AlertsRefired(alerts=(alert(),)), False),
}


@pytest.mark.parametrize("rule,firing,pages", REPAGES.values(), ids=REPAGES.keys())
def test_an_acknowledged_incident_is_paged_again_by_the_rule(
    rule: Literal["severity_up", "never", "always"], firing: AlertsAttached | AlertsRefired, *, pages: bool
) -> None:
    after = seen(firing, acknowledged(), rules=Rules(ladder=LADDER, repage=rule)).incident
    assert (after.paging is Paging.TRIGGERED) == pages
    assert after.epoch == 1 + pages


def test_always_does_not_start_over_what_is_triggered_anyway() -> None:
    after = seen(attached("P2"), opened(), rules=Rules(ladder=LADDER, repage="always")).incident
    assert after.epoch == 1


@pytest.mark.parametrize(
    "rule,lead,resolves",
    [
        ("always", "alice", True),
        ("always", None, True),
        ("unattended", "alice", False),
        ("unattended", None, True),
        ("never", "alice", False),
        ("never", None, False),
    ],
)
def test_after_the_hold_the_rule_decides(
    rule: Literal["always", "unattended", "never"], lead: str | None, *, resolves: bool
) -> None:
    rules = Rules(ladder=LADDER, auto_resolve=rule)
    decision = seen(HoldOver(still_firing=0), replace(acknowledged(), lead=lead), rules=rules)
    assert [event.kind for event in decision.events] == [Kind.RESOLVED if resolves else Kind.RESOLVE_OFFERED]
    assert decision.incident.phase is (Phase.RESOLVED if resolves else Phase.MONITORING)
    assert decision.events[0].actor == "escalation"
    if not resolves:
        assert decision.said.endswith("so it waits for `resolve`.")


def test_an_offer_takes_back_what_a_snooze_had_planned() -> None:
    decision = seen(HoldOver(still_firing=0), replace(snoozed(), lead="alice"))
    assert decision.effects == (
        CancelPages(reason="every alert is resolved"),
        StopTimers(kinds=(TimerKind.SNOOZE,)),
    )


def test_a_snooze_without_a_firing_alert_ends_in_the_hold() -> None:
    decision = seen(SnoozeOver(still_firing=0), snoozed(), at=NOW + 30 * MINUTE)
    assert decision.events == ()
    assert decision.effects == (SetTimer(kind=TimerKind.HOLD, due_at=NOW + 30 * MINUTE + RULES.resolve_hold),)


def test_a_snooze_timer_that_comes_early_is_set_again() -> None:
    decision = seen(SnoozeOver(still_firing=1), snoozed(), at=LATER)
    assert decision.events == ()
    assert decision.effects == (SetTimer(kind=TimerKind.SNOOZE, due_at=NOW + 30 * MINUTE),)


def test_maintenance_takes_back_pages_and_looks_again_at_its_end() -> None:
    decision = seen(Paused(reason="upgrade", until=LATER), opened())
    assert decision.effects == (
        CancelPages(reason="paused: upgrade"),
        StopTimers(kinds=(TimerKind.STEP,)),
        SetTimer(kind=TimerKind.STEP, due_at=LATER),
    )
    assert decision.said == "Paging for INC-42 is paused until 03:10 UTC: upgrade."
    longer = seen(Paused(reason="upgrade", until=NOW + 20 * MINUTE), decision.incident)
    assert longer.incident.progress.next_at == NOW + 20 * MINUTE


def test_after_maintenance_the_hold_comes_before_a_step() -> None:
    decision = seen(Resumed(reason="maintenance is over", still_firing=0), paused())
    assert decision.effects == (
        SetTimer(kind=TimerKind.HOLD, due_at=NOW + RULES.resolve_hold),
        SetTimer(kind=TimerKind.STEP, due_at=NOW + 2 * RULES.resolve_hold),
    )


def sent(kind: PageKind = PageKind.STEP, epoch: int = 1) -> PageSent:
    return PageSent(person="alice", via="sms", kind=kind, epoch=epoch, loop=0, step=0, provider_id="SM1")


LATE: dict[str, tuple[Callable[[], Incident], PageSent, bool]] = {
    "triggered": (opened, sent(), False),
    "acknowledged meanwhile": (acknowledged, sent(), True),
    "another epoch": (opened, sent(epoch=0), True),
    "asked for, while acknowledged": (acknowledged, sent(PageKind.DIRECT), False),
    "asked for, resolved meanwhile": (resolved, sent(PageKind.DIRECT), True),
    "the note that it is taken": (acknowledged, sent(PageKind.NOTE), False),
    "a note, opened again since": (opened, sent(PageKind.NOTE, epoch=0), False),
}


@pytest.mark.parametrize("start,page,late", LATE.values(), ids=LATE.keys())
def test_a_page_in_flight_at_the_acknowledgement_is_marked(
    start: Callable[[], Incident], page: PageSent, *, late: bool
) -> None:
    decision = seen(page, start())
    (event,) = decision.events
    assert (event.kind, event.actor) == (Kind.PAGE_SENT, "delivery")
    assert event.data["sent_after_ack"] is late
    assert decision.said.endswith("it was on its way already when paging stopped.") == late
    assert decision.incident == start()


BACK_TO_SLEEP: dict[str, tuple[Callable[[], Incident], PageSent, bool]] = {
    "another has it": (acknowledged, replace(sent(), person="bob"), True),
    "it is over": (resolved, sent(), True),
    "the same has it": (acknowledged, sent(), False),
    "it was the question": (resolved, sent(PageKind.ASK), False),
    "it was such a note": (acknowledged, replace(sent(PageKind.NOTE), person="bob"), False),
    "nobody has it": (opened, sent(epoch=0), False),
}


@pytest.mark.parametrize("start,page,told", BACK_TO_SLEEP.values(), ids=BACK_TO_SLEEP.keys())
def test_whoever_was_paged_too_late_is_told_that_it_is_taken(
    start: Callable[[], Incident], page: PageSent, *, told: bool
) -> None:
    notes = [effect for effect in seen(page, start()).effects if isinstance(effect, Page)]
    assert [note.kind for note in notes] == [PageKind.NOTE] * told
    assert all((note.person, note.via, note.due_at) == (page.person, "sms", NOW) for note in notes)


@pytest.mark.parametrize("more, told", [(0, None), (12, 12)])
def test_a_page_that_shared_its_message_says_with_what(more: int, told: int | None) -> None:
    (event,) = seen(replace(sent(), beside=(3, more)), opened()).events
    assert (event.data["beside"], event.data["beside_more"]) == ("INC-3", told)


def test_a_page_that_waits_says_which_way_is_taken_as_well() -> None:
    decision = seen(PageWaits(person="alice", via="sms", then="voice"), opened())
    (event,) = decision.events
    assert (event.kind, event.data["via"], event.data["waits"]) == (Kind.PAGE_PLANNED, "voice", "sms")
    assert (decision.incident, decision.effects) == (opened(), ())


def failed(*, dead: bool = True, kind: PageKind = PageKind.STEP, step: int = 0, epoch: int = 1) -> PageFailed:
    return PageFailed(
        person="alice",
        via="sms",
        kind=kind,
        epoch=epoch,
        loop=0,
        step=step,
        reason="no such number",
        step_dead=dead,
    )


def waiting() -> Incident:
    """Give one that waits for an answer to its first step."""
    before = opened()
    return replace(before, progress=replace(before.progress, step=1, next_at=LATER, reached=True))


def exhausted() -> Incident:
    return replace(waiting(), progress=replace(waiting().progress, state=Running.EXHAUSTED))


FAILED: dict[str, tuple[Callable[[], Incident], PageFailed, bool]] = {
    "the step is dead: the next is due now": (waiting, failed(), True),
    "others of the step may answer": (waiting, failed(dead=False), False),
    "a page of an earlier step": (waiting, failed(step=5), False),
    "a page of another epoch": (waiting, failed(epoch=2), False),
    "a page of the fallback": (waiting, failed(kind=PageKind.FALLBACK), False),
    "acknowledged": (lambda: acknowledged(waiting()), failed(), False),
    "exhausted": (exhausted, failed(), False),
    "due already": (
        lambda: replace(waiting(), progress=replace(waiting().progress, next_at=NOW)),
        failed(),
        False,
    ),
    "nothing planned": (
        lambda: replace(waiting(), progress=replace(waiting().progress, next_at=None)),
        failed(),
        False,
    ),
}


@pytest.mark.parametrize("start,page,hurries", FAILED.values(), ids=FAILED.keys())
def test_a_dead_step_does_not_keep_the_next_waiting(
    start: Callable[[], Incident], page: PageFailed, *, hurries: bool
) -> None:
    decision = seen(page, start())
    assert [event.kind for event in decision.events] == [Kind.PAGE_FAILED]
    assert decision.effects == ((SetTimer(kind=TimerKind.STEP, due_at=NOW),) if hurries else ())
    due = NOW if hurries else start().progress.next_at
    assert decision.incident.progress == replace(start().progress, next_at=due)


def test_a_lost_message_stands_on_the_timeline() -> None:
    decision = seen(
        MessageFailed(channel="#incidents", moment="opened", reason="channel_not_found"), opened()
    )
    assert [event.kind for event in decision.events] == [Kind.MESSAGE_FAILED]
    assert decision.said == "A message to #incidents failed: channel_not_found."


def test_a_page_that_is_told_by_the_next_channel_stands_on_the_timeline_and_changes_nothing() -> None:
    told = PageDiverted(
        person="alice", via="slack", kind=PageKind.STEP, epoch=1, loop=0, step=0, reason="503", instead="sms"
    )
    decision = seen(told, opened())
    (event,) = decision.events
    assert (event.kind, event.data["instead"], event.data["reason"]) == (Kind.PAGE_DIVERTED, "sms", "503")
    assert decision.said == "alice is told by sms: slack is down."
    assert not decision.effects


def test_a_timer_that_is_set_aside_stands_on_the_timeline_and_changes_nothing() -> None:
    decision = seen(TimerParked(timer=TimerKind.STEP, reason="KeyError: 1"), opened())
    (event,) = decision.events
    assert (event.kind, event.data) == (Kind.TIMER_PARKED, {"timer": "step", "reason": "KeyError: 1"})
    assert not decision.effects
