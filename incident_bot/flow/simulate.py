"""`simulate`: the whole decision on an alert that has not come, with the code that will decide when it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Page, PageKind
from incident_bot.core.enrich import find_runbook
from incident_bot.core.errors import Unreadable
from incident_bot.core.escalation import Planned, freeze, preview
from incident_bot.core.matchers import parse_matcher
from incident_bot.core.model import Kind, Person, Status
from incident_bot.core.muting import (
    Inhibitors,
    Maintenance,
    Muted,
    in_maintenance,
    maintenance_reason,
    muted_by,
)
from incident_bot.core.routing import Action, Routed, incident_key, route, title
from incident_bot.flow.context import Context
from incident_bot.flow.directory import TeamDirectory
from incident_bot.flow.history import Roster
from incident_bot.flow.noise import storm_notes
from incident_bot.flow.steps import turns_so_far
from incident_bot.flow.views import PlannedView, SimulatedView
from incident_bot.sources import SOURCES
from incident_bot.store import interventions

HORIZON: Final = timedelta(hours=12)
"""How far ahead the escalation is followed first: most are exhausted by then."""
LONGEST: Final = timedelta(days=14)
"""How far ahead it is followed until it is exhausted, where it is not before."""
ASSUMED: Final = (
    "Nobody answers, and it fires on.",
    "No incident of its key is open: one that is would take the alert and page anew only if it is worse.",
    "Every provider takes what it is given.",
)
SOURCE: Final = "alertmanager"
WAITS_MOST: Final = 10
"""A delay, then the hours: more in a row cannot be written today."""


def simulate(
    context: Context,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    at: datetime,
    source: str = SOURCE,
    minutes: int | None = None,
    alerts: Sequence[Mapping[str, str]] = (),
) -> SimulatedView:
    """Say what would happen to an alert with these labels, and who would be paged minute by minute (P11, R1).

    `alerts` are the label sets that fire beside it, for inhibition; `minutes` is how far to look ahead.
    """
    revision = context.live.current.revision
    routed = route(labels, revision.routing, revision.ladder, revision.teams)
    found = find_runbook(labels, annotations, revision.runbooks)
    inhibitors = Inhibitors.of(revision.routing.inhibit, alerts)
    muted = () if routed.action is Action.RECORD else _muted(context, labels, routed, inhibitors, at)
    until = muted[-1].until if muted else None
    opens, paused = until or at, None
    planned: tuple[Planned, ...] = ()
    if routed.action is Action.INCIDENT and (not muted or until is not None):
        opens, paused = _after_maintenance(context, labels, opens)
        planned = _escalation(context, routed, opens, None if minutes is None else timedelta(minutes=minutes))
    views, exhausted = _views(planned, revision.people, start=at)
    notes = []
    if until is not None:
        notes.append(f"Nothing happens before {until.isoformat()}, and only if it still fires then.")
    if paused is not None:
        notes.append(f"The incident opens, and nobody is paged before {opens.isoformat()}: {paused}")
    notes.extend(storm_notes(context, routed, at=at))
    if exhausted:
        notes.append("Nobody answered: the escalation is exhausted and keeps paging the last resort.")
    elif planned:
        ahead = f"{minutes} minutes" if minutes is not None else f"{LONGEST.days} days"
        notes.append(f"Followed for {ahead}; the escalation is not exhausted then.")
    return SimulatedView(
        labels=labels,
        action=routed.action.value,
        incident_key=incident_key(source, routed, labels) if routed.action is not Action.RECORD else None,
        title=title(labels, annotations),
        severity=routed.severity.name,
        team=routed.team,
        service=routed.service,
        route=routed.place,
        tried=tuple(
            {"place": tried.place, "matcher": tried.matcher, "matched": tried.matched, "value": tried.value}
            for tried in routed.tried
        ),
        runbook=found.runbook.path if found.runbook else None,
        runbook_url=found.url,
        runbook_reason=found.reason,
        muted="; then ".join(one.reason for one in muted) or None,
        muted_until=until,
        pages=views,
        exhausted=exhausted,
        notes=tuple(notes),
        assumed=(*ASSUMED, _made_at_run_time(context)),
    )


def simulate_body(
    context: Context, body: object, *, at: datetime, source: str = SOURCE
) -> list[SimulatedView]:
    """Do the same for each firing alert of a webhook body; raises Unreadable."""
    revision = context.live.current.revision
    config = next((one for one in revision.sources if one.name == source), None)
    if config is None:
        raise Unreadable("$", f"the source {source[:80]} is not configured")
    delivery = SOURCES[config.kind].read(body, source=source, ignore_labels=config.ignore_labels, now=at)
    firing = [alert for alert in delivery.alerts if alert.status is Status.FIRING]
    return [
        simulate(
            context,
            labels=alert.labels,
            annotations=alert.annotations,
            at=at,
            source=source,
            alerts=[other.labels for other in firing if other is not alert],
        )
        for alert in firing
    ]


def _muted(
    context: Context, labels: Mapping[str, str], routed: Routed, inhibitors: Inhibitors, at: datetime
) -> tuple[Muted, ...]:
    """Follow what makes it wait until nothing does: a delay may end where its hours are closed."""
    hours = context.live.current.revision.hours
    found: list[Muted] = []
    now = at
    while len(found) < WAITS_MOST:
        muted = muted_by(labels, routed, hours=hours, inhibitors=inhibitors, firing_since=at, now=now)
        if muted is None:
            break
        found.append(muted)
        if muted.until is None:
            break
        now = muted.until
    return tuple(found)


def _after_maintenance(
    context: Context, labels: Mapping[str, str], start: datetime
) -> tuple[datetime, str | None]:
    """Give when paging begins, behind every maintenance window that covers it, and why it waits."""
    if not context.records.kept:
        return start, None
    with context.store.read() as tx:
        windows = [
            Maintenance(
                id=str(one.id), matchers=tuple(parse_matcher(text) for text in one.matchers), start=one.start,
                end=one.end, reason=one.reason, by=one.created_by,
            )
            for one in interventions.maintenance(tx, now=start)
        ]  # fmt: skip
    now, why = start, None
    while (window := in_maintenance(labels, windows, now)) is not None:
        why = why or maintenance_reason(window, now=start)
        now = window.end
    return now, why


def _made_at_run_time(context: Context) -> str:
    if context.records.kept:
        return "Overrides and maintenance windows made at run time count as they are now."
    return "There is no database to look at: overrides and maintenance windows made at run time do not count."


def _escalation(
    context: Context, routed: Routed, start: datetime, ahead: timedelta | None
) -> tuple[Planned, ...]:
    """Follow it until it is exhausted, or as far as asked."""
    for span in (HORIZON, LONGEST) if ahead is None else (ahead,):
        planned = _followed(context, routed, start, span)
        if any(kind is Kind.EXHAUSTED for look in planned for kind, _ in look.events):
            break
    return planned


def _followed(context: Context, routed: Routed, start: datetime, ahead: timedelta) -> tuple[Planned, ...]:
    current = context.live.current
    revision = current.revision
    policy = freeze(revision.matrix, routed.severity, routed.team)
    planned: list[Planned] = []
    with context.store.read() as tx:
        directory = TeamDirectory(
            revision,
            routed.team,
            roster=Roster(context.records, current, tx),
            notifiers=context.notifiers,
            default_channel=context.default_channel,
        )
        turns = turns_so_far(tx, routed.team, policy)
        for look in preview(policy, directory, start, turns=turns, until=start + ahead):
            planned.append(look)
            if any(kind is Kind.EXHAUSTED for kind, _ in look.events):
                # What follows only repeats the last resort.
                break
    return tuple(planned)


def _views(
    planned: Sequence[Planned], people: Mapping[str, Person], *, start: datetime
) -> tuple[tuple[PlannedView, ...], bool]:
    views: list[PlannedView] = []
    exhausted = False
    for look in planned:
        views.extend(_page_view(page, people, start) for page in look.pages)
        for kind, data in look.events:
            exhausted = exhausted or kind is Kind.EXHAUSTED
            if kind in (Kind.NOBODY, Kind.EXHAUSTED):
                reason = str(data.get("reason") or data.get("target") or "nobody answered")
                views.append(
                    PlannedView(
                        at=look.at,
                        minute=_minute(look.at, start),
                        kind=kind.value,
                        person=None,
                        name=None,
                        channel=None,
                        reason=reason,
                        step=None,
                        loop=0,
                    )
                )
    return tuple(sorted(views, key=lambda view: view.at)), exhausted


def _page_view(page: Page, people: Mapping[str, Person], start: datetime) -> PlannedView:
    person = people.get(page.person)
    return PlannedView(
        at=page.due_at,
        minute=_minute(page.due_at, start),
        kind="page",
        person=page.person,
        name=person.name if person else page.person,
        channel=page.via,
        reason=page.reason,
        step=page.step + 1 if page.kind is PageKind.STEP else page.kind.value,
        loop=page.loop,
    )


def _minute(at: datetime, start: datetime) -> float:
    return round((at - start).total_seconds() / 60, 2)
