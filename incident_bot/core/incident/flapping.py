"""Decides what changes for an incident whose alerts flap (I11). Pages nobody, and never takes a page back.

While it flaps:

1. It waits longer before it resolves, so that most re-fires find it open.
2. Where it did resolve, alerts that flap open it again without a page: the first step is due when they have fired on
   for `quiet`. It is due anew with each re-fire, and never while nothing fires.
3. Whatever is new is paged for as ever: an alert that does not flap, a severity above the peak, the end of a snooze,
   of a silence or of a maintenance, and what people ask for. Steps that were due stay due: until somebody
   acknowledges, nobody has it.
4. One notice tells of it; when it is over, the timeline says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from incident_bot.core.effects import Effect, Moment, SetTimer, StopTimers, TimerKind
from incident_bot.core.incident.facts import progress_to_json
from incident_bot.core.incident.observations import AttachedAlert, FlappingOver
from incident_bot.core.incident.paging import shown
from incident_bot.core.incident.rules import Case, Decision, Rules
from incident_bot.core.model import Event, FlappingRule, Incident, JsonObject, Kind, Paging, Running


def hold_of(incident: Incident, rules: Rules) -> timedelta:
    """Give how long it waits after the end of its alerts before it resolves."""
    return rules.resolve_hold if incident.flapping is None else incident.flapping.rule.hold


def only_flapping(alerts: Sequence[AttachedAlert]) -> FlappingRule | None:
    """Give the rule by which all of these alerts flap, the one that waits longest; None where one does not."""
    rules = [alert.flapping for alert in alerts if alert.flapping is not None]
    return max(rules, key=lambda rule: rule.quiet) if rules and len(rules) == len(alerts) else None


def noticed(case: Case, alerts: Sequence[AttachedAlert]) -> tuple[tuple[Event, ...], tuple[Effect, ...]]:
    """Begin to flap with the first alert that does, and go on for as long as one of them does."""
    found = [(alert, alert.flapping) for alert in alerts if alert.flapping is not None]
    if not found:
        return (), ()
    quiet = max(rule.quiet for _, rule in found)
    timer = SetTimer(kind=TimerKind.FLAPPING, due_at=case.now + quiet)
    if case.incident.flapping is not None:
        return (), (timer,)
    alert, rule = found[0]
    facts = flapping_facts(alert.title, rule)
    told = case.announced(Moment.FLAPPING, {"reason": facts["reason"]})
    return (case.event(Kind.FLAPPING, facts),), (timer, *told)


def flapping_facts(title: str, rule: FlappingRule) -> JsonObject:
    """Give what the event of the beginning carries: why, and the rule that holds until it is over."""
    reason = (
        f"{title} began and ended {rule.transitions} times or more within {_minutes(rule.within)}: "
        f"re-fires page nobody until it has been quiet, or has fired on, for {_minutes(rule.quiet)}"
    )
    return {"reason": reason, "rule": _written(rule)}


def waits_quietly(incident: Incident) -> bool:
    """Say whether a re-fire opened it again without a page, and nobody was paged since."""
    progress = incident.progress
    return (
        incident.flapping is not None
        and incident.flapping.quiet_epoch == incident.epoch
        and incident.paging is Paging.TRIGGERED
        and progress.state is Running.RUNNING
        and (progress.loop, progress.step) == (0, 0)
    )


def later(incident: Incident, due_at: datetime) -> tuple[JsonObject, tuple[Effect, ...]]:
    """Give the facts and the timer with which the first step of an incident that waits is due later."""
    progress = progress_to_json(replace(incident.progress, next_at=due_at))
    return {"progress": progress}, (SetTimer(kind=TimerKind.STEP, due_at=due_at),)


def flapping_over(observation: FlappingOver, case: Case) -> Decision:
    """Say that it flaps no longer; what fires on is paged for by its own step."""
    incident = case.incident
    if incident.flapping is None:
        return case.decided(f"{incident.name} does not flap; nothing changed.")
    quiet = _minutes(incident.flapping.rule.quiet)
    state = "it fires on" if observation.still_firing else "nothing of it fires"
    since = shown(incident.flapping.since, case.now)
    data: JsonObject = {"reason": f"no change for {quiet}, {state}", "since": since}
    effects: tuple[Effect, ...] = (StopTimers(kinds=(TimerKind.FLAPPING,)),)
    said = f"{incident.name} flaps no longer: no change for {quiet}."
    return case.decided(said, case.event(Kind.FLAPPING_OVER, data), effects=effects)


def _minutes(length: timedelta) -> str:
    return f"{round(length.total_seconds() / 60, 1):g} min"


def _written(rule: FlappingRule) -> JsonObject:
    return {
        "transitions": rule.transitions,
        "within": rule.within.total_seconds(),
        "hold": rule.hold.total_seconds(),
        "quiet": rule.quiet.total_seconds(),
    }
