"""How the bot is: the checks of the health page, and the numbers that only the database knows."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

from incident_bot.core.circuit import Circuit
from incident_bot.core.model import Paging, TargetKind, paging_service
from incident_bot.core.postmortem import clock, duration
from incident_bot.flow import heartbeats, mirror
from incident_bot.flow.context import Context
from incident_bot.flow.graphs.wellbeing import Heard
from incident_bot.flow.heartbeats import Watch
from incident_bot.flow.slack import check as slack_check
from incident_bot.flow.views import CheckView, HealthView
from incident_bot.notifiers.push import PushNotifier
from incident_bot.store import alerts, circuits, graphs, incidents, outbox, timers
from incident_bot.store.alerts import DeliveryState
from incident_bot.store.transaction import Unavailable
from incident_bot.timezones import CLOCKS

OVERDUE: Final = timedelta(seconds=60)
"""S8: what is due for longer than this is an alarm."""
AGREES: Final = timedelta(seconds=2)
"""Clocks that differ by less are said to agree."""
GRAPHS_READ: Final = 50
"""Of so many of the newest graphs it is known when a source last had one."""
ASTRAY: Final = timedelta(seconds=60)
"""A machine's clock that is further off has to be looked at: logs, certificates and other programs go by it."""


def ready(context: Context, *, now: datetime) -> bool:
    """Say whether deliveries can be stored now."""
    if context.trouble.recent(now=now) is not None:
        return False
    try:
        context.store.ping()
    except Unavailable:
        return False
    return True


def health(context: Context, *, now: datetime) -> HealthView:
    """Run every check; `failing` when deliveries cannot be stored, `degraded` when somebody should look."""
    refused = context.trouble.recent(now=now)
    try:
        context.store.ping()
        detail = context.store.dialect if refused is None else f"nothing can be stored: {refused}"
        checks = [CheckView(name="database", ok=refused is None, detail=detail), *_stored(context, now)]
        failing = refused is not None
    except Unavailable as problem:
        checks = [CheckView(name="database", ok=False, detail=str(problem))]
        failing = True
    problems = context.live.problems
    detail = f"revision {context.live.current.revision.id}"
    if problems:
        detail += f" stays; the set on disk is refused: {problems[0]}"
    checks.insert(1, CheckView(name="configuration", ok=not problems, detail=detail))
    zones = f"{CLOCKS.version}, from the {CLOCKS.source}"
    checks.insert(2, CheckView(name="time zones", ok=True, detail=zones))
    checks.insert(3, _clock(context))
    checks.extend(_templates(context))
    status = "failing" if failing else "ok" if all(check.ok for check in checks) else "degraded"
    return HealthView(
        status=status,
        version=version("incident-bot"),
        revision=context.live.current.revision.id,
        checks=tuple(checks),
    )


def _clock(context: Context) -> CheckView:
    """Say how far the machine's clock is from the time that pages go by (S8)."""
    offset = context.clock_offset()
    if abs(offset) <= AGREES:
        return CheckView(name="clock", ok=True, detail="the machine's clock agrees with the time here")
    way = "ahead of" if offset > timedelta(0) else "behind"
    detail = f"the machine's clock is {_figures(abs(offset))} {way} the time here"
    if context.store.dialect == "sqlite":
        detail += ": it was set back; time runs at half speed until it has caught up"
    else:
        detail += ", which is the database server's"
    return CheckView(name="clock", ok=abs(offset) <= ASTRAY, detail=detail)


def _stored(context: Context, now: datetime) -> list[CheckView]:
    with context.store.read() as tx:
        timer = timers.oldest_due(tx, now=now)
        row = outbox.oldest_due(tx, now=now)
        parked = len(timers.parked(tx))
        failed = len(outbox.failed_rows(tx))
        successes = outbox.last_success(tx)
        watches = heartbeats.watches(tx)
        mirrored = mirror.checks(context, tx, now=now)
        known = circuits.circuits(tx)
        slack = slack_check.check(context, tx, now=now)
        deferred = alerts.count_deliveries(tx).get(DeliveryState.DEFERRED, 0)
        drawn = graphs.last_of_sources(tx, limit=GRAPHS_READ)
    checks = [
        _overdue("timers", "oldest due timer", timer, now),
        _overdue("outbox", "oldest due message", row, now),
        CheckView(
            name="parked", ok=not parked and not failed, detail=f"{parked} timers, {failed} messages given up"
        ),
        CheckView(name="deferred", ok=not deferred, detail=f"{deferred} deliveries wait to be decided"),
    ]
    checks.extend([slack] if slack else [])
    checks.extend(_services(context))
    checks.extend(mirrored)
    checks.extend(_heartbeat(watch, now) for watch in watches)
    checks.extend(
        _prometheus(one.name, context.wellbeing.of(one.name), drawn.get(one.name), now)
        for one in context.live.current.revision.sources
        if one.prometheus_url
    )
    for name in sorted(context.notifiers.keys() | known.keys()):
        last = successes.get(name)
        missing = _missing(context, name)
        if missing:
            said = f"some are not reached: {', '.join(missing)} is not set"
            checks.append(CheckView(name=f"channel {name}", ok=False, detail=said))
            continue
        checks.append(_channel(name, known.get(name, Circuit()), last))
    return checks


def _channel(name: str, circuit: Circuit, last: datetime | None) -> CheckView:
    said = f"last success {clock(last)}" if last else "nothing sent yet"
    if circuit.opened_at and circuit.retry_at:
        again = f"{circuit.retry_at:%H:%M:%S} UTC"
        said = f"down since {clock(circuit.opened_at)} ({circuit.reason}), tried again at {again}; {said}"
    return CheckView(name=f"channel {name}", ok=not circuit.is_open, detail=said)


def _templates(context: Context) -> list[CheckView]:
    """Say which of the user's templates broke since they were loaded; the built-in words stand in for them."""
    broken = context.live.current.templates.broken
    if not broken:
        return []
    first = next(iter(broken.values()), "")
    return [
        CheckView(name="templates", ok=False, detail=f"{len(broken)} fell back to built-in words: {first}")
    ]


def _services(context: Context) -> list[CheckView]:
    """Say whether every paging service that the escalation names can be paged: its key stands in the environment."""
    matrix = context.live.current.revision.matrix
    rows = [*matrix.rows.values(), *(row for team in matrix.team_rows.values() for row in team.values())]
    named = [target for row in rows for step in row for target in step.targets]
    schedules = context.live.current.revision.pagerduty_schedules
    every = (*named, *matrix.fallback, *matrix.last_resort)
    targets = {str(one) for one in every if one.name not in schedules}
    services = {name: service for name in sorted(targets) if (service := paging_service(name))}
    way = context.notifiers.get(TargetKind.PAGERDUTY)
    missing = [name for name, service in services.items() if way is None or not way.reaches(service)]
    detail = f"no routing key is set for {', '.join(missing)}" if missing else f"{len(services)} can be paged"
    return [CheckView(name="paging services", ok=not missing, detail=detail)] if services else []


def _missing(context: Context, name: str) -> list[str]:
    """Give the variables that a channel of the configuration, or somebody told by it, names in vain."""
    way = context.notifiers.get(name)
    people = context.live.current.revision.people.values()
    return way.missing(people) if isinstance(way, PushNotifier) else []


def _heartbeat(watch: Watch, now: datetime) -> CheckView:
    said = "none yet" if watch.last is None else f"last {_figures(now - watch.last)} ago"
    missing = ", missing: alerts may be lost" if watch.missing else ""
    return CheckView(name=f"heartbeat {watch.source}", ok=not watch.missing, detail=said + missing)


def _prometheus(source: str, heard: Heard, graph_at: datetime | None, now: datetime) -> CheckView:
    """Say how a source's Prometheus answered the last look; nothing is asked of it for this."""
    fails = heard.fails(graph_at=graph_at, now=now)
    said = [f"last answer {clock(heard.answered_at)}"] if heard.answered_at else []
    if heard.failed_at is not None:
        said.insert(0 if fails else len(said), f"last error {clock(heard.failed_at)}: {heard.error}")
    said = said or ["not asked since this process began"]
    said.append(f"last graph {clock(graph_at)}" if graph_at else "no graph yet")
    return CheckView(name=f"prometheus {source}", ok=not fails, detail="; ".join(said))


def _figures(length: timedelta) -> str:
    """Write `00:01:12`; more hours than a day has go on counting."""
    minutes, seconds = divmod(max(0, int(length.total_seconds())), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _overdue(name: str, what: str, due: datetime | None, now: datetime) -> CheckView:
    if due is None:
        return CheckView(name=name, ok=True, detail="nothing is overdue")
    late = max(now - due, timedelta(0))
    return CheckView(name=name, ok=late <= OVERDUE, detail=f"{what} is {duration(late)} late")


def refresh_metrics(context: Context, *, now: datetime) -> None:
    """Bring the gauges up to date that are read from the database; for each scrape."""
    metrics = context.metrics
    metrics.clock_offset_seconds.set(context.clock_offset().total_seconds())
    metrics.templates_broken.set(len(context.live.current.templates.broken))
    try:
        with context.store.read() as tx:
            timer = timers.oldest_due(tx, now=now)
            row = outbox.oldest_due(tx, now=now)
            counts = incidents.count_by_paging(tx)
            parked = len(timers.parked(tx))
            failed = len(outbox.failed_rows(tx))
            watches = heartbeats.watches(tx)
            known = circuits.circuits(tx)
            flapping = incidents.count_flapping(tx)
    except Unavailable:
        return
    metrics.heartbeat_age_seconds.clear()
    metrics.channel_down.clear()
    for name in context.notifiers.keys() | known.keys():
        metrics.channel_down.labels(channel=name).set(known.get(name, Circuit()).is_open)
    for watch in watches:
        age = now - (watch.last or watch.since)
        metrics.heartbeat_age_seconds.labels(source=watch.source).set(max(0.0, age.total_seconds()))
    metrics.timers_oldest_due_seconds.set(max(0.0, (now - timer).total_seconds()) if timer else 0)
    metrics.outbox_oldest_due_seconds.set(max(0.0, (now - row).total_seconds()) if row else 0)
    metrics.incidents_flapping.set(flapping)
    for state in Paging:
        if state.is_open:
            metrics.incidents_open.labels(escalation=state.value).set(counts.get(state, 0))
    metrics.parked.labels(kind="timer").set(parked)
    metrics.parked.labels(kind="message").set(failed)
