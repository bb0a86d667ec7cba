"""Stage 4, the other side: what alerts, time and transports bring + state → events. Asks nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeAlias, assert_never

from incident_bot.core.effects import CancelPages, Effect, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident.delivering import delivered
from incident_bot.core.incident.ending import held, reopening, takes_alerts
from incident_bot.core.incident.facts import progress_to_json, written
from incident_bot.core.incident.flapping import (
    flapping_over,
    hold_of,
    later,
    noticed,
    only_flapping,
    waits_quietly,
)
from incident_bot.core.incident.handover import offer_due
from incident_bot.core.incident.holding import ack_due, step_over
from incident_bot.core.incident.observations import (
    AckDue,
    AlertsAttached,
    AlertsRefired,
    AlertsRepeated,
    AlertsResolved,
    FlappingOver,
    HoldOver,
    MessageFailed,
    Observation,
    OfferDue,
    PageDiverted,
    PageFailed,
    PageSent,
    PageWaits,
    Paused,
    Resumed,
    SnoozeOver,
    StepOver,
    TimerParked,
    WatchOver,
)
from incident_bot.core.incident.opening import alerts_told
from incident_bot.core.incident.paging import may_repage, repaged, restarted, shown, step_now, woken
from incident_bot.core.incident.rules import Case, Decision, Rules
from incident_bot.core.incident.silences import SilenceTold
from incident_bot.core.incident.silencing import silence_told
from incident_bot.core.incident.watching import repeated, watch_over
from incident_bot.core.incident.work import severity_changed
from incident_bot.core.model import (
    Event,
    Incident,
    Json,
    JsonObject,
    Kind,
    Paging,
    Progress,
    Running,
    incident_name,
)

_Firing: TypeAlias = AlertsAttached | AlertsRefired | AlertsRepeated
_FIRING_AGAIN = StopTimers(kinds=(TimerKind.HOLD,))


def observe(
    observation: Observation,
    incident: Incident,
    *,
    rules: Rules,
    now: datetime,
    source: str = "alertmanager",
) -> Decision:
    """Decide what an observation does; one that changes nothing gives no events and says why.

    Only a firing that belongs to no open incident raises Refused: ask `takes_alerts` first.
    """
    match observation:
        case AlertsAttached() | AlertsRefired() | AlertsRepeated():
            return _firing(observation, _case(incident, source, source, rules, now))
        case AlertsResolved():
            return _resolved(observation, _case(incident, source, source, rules, now))
        case PageSent() | PageWaits() | PageFailed() | PageDiverted() | MessageFailed():
            return delivered(observation, _case(incident, "delivery", source, rules, now))
        case _:
            return _timed(observation, _case(incident, "escalation", source, rules, now))


def _case(incident: Incident, actor: str, source: str, rules: Rules, now: datetime) -> Case:
    return Case(incident=incident, actor=actor, source=source, rules=rules, now=now)


def _timed(
    observation: HoldOver
    | SnoozeOver
    | AckDue
    | OfferDue
    | WatchOver
    | StepOver
    | FlappingOver
    | Paused
    | Resumed
    | TimerParked
    | SilenceTold,
    case: Case,
) -> Decision:
    match observation:
        case HoldOver():
            return _hold_over(observation, case)
        case SnoozeOver():
            return _snooze_over(observation, case)
        case AckDue():
            return ack_due(observation, case)
        case OfferDue():
            return offer_due(case)
        case WatchOver():
            return watch_over(observation, case)
        case StepOver():
            return step_over(case)
        case FlappingOver():
            return flapping_over(observation, case)
        case Paused():
            return _paused(observation, case)
        case Resumed():
            return _resumed(observation, case)
        case SilenceTold():
            return silence_told(observation, case)
        case TimerParked():
            data = {"timer": observation.timer.value, "reason": observation.reason}
            said = f"A timer of {case.incident.name} is set aside: {observation.reason}."
            return case.decided(said, case.event(Kind.TIMER_PARKED, data))
        case _:
            assert_never(observation)


def _firing(observation: _Firing, case: Case) -> Decision:
    """Attach, count or pass over; then reopen, page again, wake, or leave it to whoever has it."""
    incident = case.incident
    if not takes_alerts(incident, rules=case.rules, now=case.now):
        raise Refused(_not_here(incident))
    worst = case.rules.ladder.worst(tuple(alert.severity for alert in observation.alerts))
    rises = worst is not None and case.rules.is_above(worst.name, incident.peak)
    changed: tuple[Event, ...] = ()
    reason = "it fires again"
    if worst is not None and rises:
        reason = f"an alert is {worst.name}, worse than {incident.peak}"
        changed = (severity_changed(case, worst.name, reason=reason, policy=observation.policy),)
    if (
        incident.paging is Paging.RESOLVED
        and isinstance(observation, AlertsRepeated)
        and incident.forced
        and not rises
    ):
        return repeated(case, len(observation.alerts))
    said = _firing_said(observation, incident)
    flapping, noting = noticed(case, observation.alerts)
    calm = None if rises else only_flapping(observation.alerts)
    if calm is not None and waits_quietly(incident):
        facts, waiting = later(incident, case.now + calm.quiet)
        told = _told(observation, case, facts)
        said = f"{said} It flaps: nobody is paged for that."
        return case.decided(said, *told, *flapping, effects=(_FIRING_AGAIN, *noting, *waiting))
    told = _told(observation, case)
    if calm is not None and incident.paging is Paging.RESOLVED:
        due = shown(case.now + calm.quiet, case.now)
        reason = f"it flaps: nobody is paged unless it fires on until {due}"
        event, effects = reopening(case, reason, quiet=calm.quiet)
        said = f"{said} It is open again, and {reason}."
        return case.decided(said, *told, *flapping, event, effects=(_FIRING_AGAIN, *noting, *effects))
    again = _again(observation, case, rises=rises, calm=calm is not None, reason=reason)
    if again is None:
        said = f"{said} Nobody is paged for that."
        return case.decided(said, *told, *flapping, *changed, effects=(_FIRING_AGAIN, *noting))
    event, effects = again
    said = f"{said} Paging starts again: {reason}."
    return case.decided(said, *told, *flapping, *changed, event, effects=(_FIRING_AGAIN, *noting, *effects))


def _again(
    observation: _Firing,
    case: Case,
    *,
    rises: bool,
    calm: bool,
    reason: str,
) -> tuple[Event, tuple[Effect, ...]] | None:
    """Give the event and effects with which paging begins again, or None where it does not."""
    incident, rules = case.incident, case.rules
    if incident.paging is Paging.RESOLVED:
        return reopening(case, reason)
    if rises and may_repage(case):
        return repaged(case, reason)
    if waits_quietly(incident):
        return repaged(case, reason if rises else "an alert that does not flap joined")
    if (
        incident.paging is Paging.ACKNOWLEDGED
        and not calm
        and rules.repage == "always"
        and isinstance(observation, AlertsAttached)
    ):
        return repaged(case, "new alerts joined, and the rule is to page for each")
    # The end of a snooze may have found nothing firing and left it to the hold, which this firing stops.
    over = incident.snoozed_until is not None and incident.snoozed_until <= case.now
    if incident.paging is Paging.SNOOZED and over:
        return woken(case)
    return None


def _told(observation: _Firing, case: Case, more: JsonObject | None = None) -> tuple[Event, ...]:
    alerts: dict[str, Json] = {"alerts": alerts_told(observation.alerts), **(more or {})}
    match observation:
        case AlertsAttached():
            if observation.adopted:
                alerts["adopted"] = observation.adopted
            return (case.event(Kind.ALERT_ATTACHED, alerts),)
        case AlertsRefired():
            return (case.event(Kind.ALERT_REFIRED, alerts),)
        case AlertsRepeated():
            return ()
        case _:
            assert_never(observation)


def _firing_said(observation: _Firing, incident: Incident) -> str:
    count = len(observation.alerts)
    alerts = "1 alert" if count == 1 else f"{count} alerts"
    match observation:
        case AlertsAttached():
            return f"{alerts} joined {incident.name}."
        case AlertsRefired():
            return f"{alerts} of {incident.name} fired anew."
        case AlertsRepeated():
            return f"{alerts} of {incident.name} repeated."
        case _:
            assert_never(observation)


def _not_here(incident: Incident) -> str:
    if incident.paging is Paging.MERGED and incident.merged_into is not None:
        return (
            f"{incident.name} was merged into {incident_name(incident.merged_into)}: attach the alerts there."
        )
    return f"{incident.name} takes no more alerts: open a new incident and name this one as the previous."


def _resolved(observation: AlertsResolved, case: Case) -> Decision:
    """Record the end of alerts; the last one of an open incident starts the hold."""
    incident, still = case.incident, observation.still_firing
    data: JsonObject = {"alerts": alerts_told(observation.alerts), "still_firing": still}
    flapping, noting = noticed(case, observation.alerts)
    if still or not incident.paging.is_open:
        event = case.event(Kind.ALERT_RESOLVED, data)
        said = f"Alerts of {incident.name} are over; {still} still fire."
        return case.decided(said, event, *flapping, effects=noting)
    hold = hold_of(case.decided("", *flapping).incident, case.rules)
    due = case.now + hold
    effects: tuple[Effect, ...] = (SetTimer(kind=TimerKind.HOLD, due_at=due), *noting)
    if waits_quietly(incident):
        facts, waiting = later(incident, due + hold)
        data, effects = {**data, **facts}, (*effects, *waiting)
    event = case.event(Kind.ALERT_RESOLVED, data)
    said = (
        f"Every alert of {incident.name} is over; decided at {shown(due, case.now)} unless one fires again."
    )
    return case.decided(said, event, *flapping, effects=effects)


def _hold_over(observation: HoldOver, case: Case) -> Decision:
    incident = case.incident
    if not incident.paging.is_open:
        return case.decided(f"{incident.name} is {incident.paging.value} already; the hold changed nothing.")
    if observation.still_firing:
        return case.decided(f"{incident.name} fires again; the hold changed nothing.")
    return held(case)


def _snooze_over(observation: SnoozeOver, case: Case) -> Decision:
    """Wake it, unless its alerts are over: then the hold decides (row "snooze until T")."""
    incident, until = case.incident, case.incident.snoozed_until
    if incident.paging is not Paging.SNOOZED or until is None:
        return case.decided(f"{incident.name} is {incident.paging.value}, not snoozed; nothing changed.")
    if case.now < until:
        effects = (SetTimer(kind=TimerKind.SNOOZE, due_at=until),)
        return case.decided(
            f"{incident.name} is quiet until {shown(until, case.now)}; too early.", effects=effects
        )
    if observation.had_alerts and not observation.still_firing:
        effects = (SetTimer(kind=TimerKind.HOLD, due_at=case.now + hold_of(incident, case.rules)),)
        return case.decided(f"The snooze of {incident.name} is over and so are its alerts.", effects=effects)
    event, effects_now = woken(case)
    said = f"The snooze of {incident.name} is over; paging starts again at the first step."
    return case.decided(said, event, effects=effects_now)


def _paused(observation: Paused, case: Case) -> Decision:
    """Hold back the escalation of a triggered incident; what somebody has or snoozed is quiet anyway."""
    incident, progress = case.incident, case.incident.progress
    if incident.paging is not Paging.TRIGGERED:
        return case.decided(f"{incident.name} is {incident.paging.value}: no paging to pause.")
    after = replace(progress, state=Running.PAUSED, next_at=observation.until, forced=False)
    if after == progress:
        return case.decided(f"Paging for {incident.name} is paused already; nothing changed.")
    data = {
        "reason": observation.reason,
        "until": written(observation.until),
        "progress": progress_to_json(after),
    }
    effects: tuple[Effect, ...] = (
        CancelPages(reason=f"paused: {observation.reason}"),
        StopTimers(kinds=(TimerKind.STEP,)),
    )
    until = ""
    if observation.until is not None:
        effects = (*effects, SetTimer(kind=TimerKind.STEP, due_at=observation.until))
        until = f" until {shown(observation.until, case.now)}"
    said = f"Paging for {incident.name} is paused{until}: {observation.reason}."
    return case.decided(said, case.event(Kind.PAUSED, data), effects=effects)


def _resumed(observation: Resumed, case: Case) -> Decision:
    """Start what still fires; what does not is left to the hold, with a step due after it in case."""
    incident, progress = case.incident, case.incident.progress
    if incident.paging is not Paging.TRIGGERED or progress.state is not Running.PAUSED:
        return case.decided(f"Paging for {incident.name} is not paused; nothing changed.")
    fires = observation.still_firing > 0 or not observation.had_alerts
    after = restarted(progress, now=case.now)
    if fires:
        effects = step_now(observation.reason, case.now)
        said = f"{observation.reason}: paging for {incident.name} starts at the first step."
    else:
        after = replace(after, next_at=case.now + 2 * hold_of(incident, case.rules))
        effects = _after_hold(after, case)
        said = f"{observation.reason}: nothing of {incident.name} fires any more, so nobody is paged yet."
    data: dict[str, Json] = {"reason": observation.reason, "progress": progress_to_json(after)}
    return case.decided(said, case.event(Kind.RESUMED, data), effects=effects)


def _after_hold(progress: Progress, case: Case) -> tuple[Effect, ...]:
    hold = hold_of(case.incident, case.rules)
    due = case.now + 2 * hold if progress.next_at is None else progress.next_at
    return (
        SetTimer(kind=TimerKind.HOLD, due_at=case.now + hold),
        SetTimer(kind=TimerKind.STEP, due_at=due),
    )
