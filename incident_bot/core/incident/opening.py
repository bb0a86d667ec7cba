"""Decides how an incident begins (row "first firing episode for an incident key", or `new`). Pages nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from incident_bot.core.effects import Announce, Effect, Moment, SetTimer, TimerKind
from incident_bot.core.incident.facts import progress_to_json, written
from incident_bot.core.incident.flapping import flapping_facts
from incident_bot.core.incident.lifecycle import begin, evolve
from incident_bot.core.incident.observations import AttachedAlert, Opening
from incident_bot.core.incident.rules import DRILL_LASTS, Decision
from incident_bot.core.model import Event, Json, JsonObject, Kind, Progress, Running


def open_incident(opening: Opening, *, now: datetime) -> Decision:
    """Begin at epoch 1 with step 0 due now, or paused under maintenance; phase triage until acknowledged."""
    progress = Progress(next_at=now, started_at=now)
    events = [_opened(opening, progress, now)]
    if opening.runbook is not None:
        events.append(_bot(opening, Kind.RUNBOOK_FOUND, {"runbook": opening.runbook}, now))
    flaps = next((alert for alert in opening.alerts if alert.flapping is not None), None)
    if flaps is not None and flaps.flapping is not None:
        events.append(_bot(opening, Kind.FLAPPING, flapping_facts(flaps.title, flaps.flapping), now))
    due: datetime | None = now
    if opening.paused_reason is not None:
        due = opening.paused_until
        data: JsonObject = {
            "reason": opening.paused_reason,
            "until": written(due),
            "progress": progress_to_json(replace(progress, state=Running.PAUSED, next_at=due)),
        }
        events.append(_bot(opening, Kind.PAUSED, data, now))
    incident = begin(events[0])
    for event in events[1:]:
        incident = evolve(incident, event)
    effects: tuple[Effect, ...] = () if due is None else (SetTimer(kind=TimerKind.STEP, due_at=due),)
    if incident.flapping is not None:
        quiet = SetTimer(kind=TimerKind.FLAPPING, due_at=now + incident.flapping.rule.quiet)
        effects = (*effects, quiet)
    if opening.drill:
        effects = (*effects, SetTimer(kind=TimerKind.HOLD, due_at=now + DRILL_LASTS))
    return Decision(
        incident=incident,
        events=tuple(events),
        effects=(*_announced(opening), *effects),
        said=_said(opening),
    )


def alerts_told(alerts: tuple[AttachedAlert, ...]) -> list[Json]:
    """Write alerts as events carry them."""
    return [
        {
            "episode_id": alert.episode_id,
            "title": alert.title,
            "severity": alert.severity,
            "fingerprint": alert.fingerprint,
        }
        for alert in alerts
    ]


def _opened(opening: Opening, progress: Progress, now: datetime) -> Event:
    data: JsonObject = {
        "key": opening.key,
        "title": opening.title,
        "severity": opening.severity,
        "team": opening.team,
        "service": opening.service,
        "impact": opening.impact,
        "policy": opening.policy,
        "revision": opening.revision,
        "previous": opening.previous,
        "drill": opening.drill,
        "private": opening.private,
        "alerts": alerts_told(opening.alerts),
        "progress": progress_to_json(progress),
    }
    if opening.storm is not None:
        data = {**data, "storm": opening.storm}
    if opening.reason is not None:
        data = {**data, "reason": opening.reason}
    kind = Kind.DECLARED if opening.declared else Kind.OPENED
    return Event(kind=kind, actor=opening.opened_by, source=opening.source, happened_at=now, data=data)


def _bot(opening: Opening, kind: Kind, data: JsonObject, now: datetime) -> Event:
    # What comes with the opening is found by the bot, whoever opened it.
    return Event(kind=kind, actor="escalation", source=opening.source, happened_at=now, data=data)


def _announced(opening: Opening) -> tuple[Announce, ...]:
    if opening.private:
        return ()
    data: JsonObject = {
        "by": opening.opened_by,
        "severity": opening.severity,
        "drill": opening.drill,
        "title": opening.title,
        "team": opening.team,
        "service": opening.service,
    }
    return (Announce(moment=Moment.OPENED, data=data),)


def _said(opening: Opening) -> str:
    # The number comes from the store, later: whoever answers puts the name in front.
    word = "Declared" if opening.declared else "Opened"
    what = f"{word}: {opening.title} ({opening.severity}, team {opening.team})."
    if opening.paused_reason is None:
        return f"{what} Paging starts now; type `ack` to take it."
    return f"{what} Nobody is paged yet: {opening.paused_reason}."
