"""Looks whether the status page and the alerts disagree for too long, and says so. Never publishes anything itself.

Two kinds. *Silent*: alerts fire for a component that the page calls operational, and nobody has published. *Stale*: the
page says that a component is not well, and nothing fires behind it any more. Private incidents and drills are nobody's
business here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import ComponentState, Incident, Kind, Phase
from incident_bot.core.postmortem import duration
from incident_bot.core.status import Board, StatusPage
from incident_bot.flow import notices
from incident_bot.flow.context import Context
from incident_bot.flow.status.reading import read_board
from incident_bot.store import alerts, incidents
from incident_bot.store.transaction import Tx

EVERY: Final = timedelta(minutes=1)
LOOKED_AT: Final = 1000
SILENT: Final = "silent"
STALE: Final = "stale"
_MOVES: Final = (Kind.PUBLISHED, Kind.PHASE_CHANGED, Kind.RESOLVE_OFFERED)
"""What says that somebody, or something, has just looked at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One component about which the page and the alerts disagree."""

    component: str
    kind: str
    incident: Incident
    """The oldest of those that tell otherwise."""


def watch(context: Context, *, now: datetime) -> list[Drift]:
    """Count what has drifted, and have one notice sent for each incident about which it has."""
    current = context.live.current
    page = current.revision.status
    if page is None:
        context.metrics.status_drift.clear()
        return []
    shown = read_board(context, current, page, now=now)
    with context.store.read() as tx:
        opened = incidents.list_incidents(tx, state="open", limit=LOOKED_AT)
        firing = alerts.count_firing(tx, [one.id for one in opened])
        told = [one for one in opened if not one.private and not one.drill]
        found = [*_silent(page, shown, told, firing, now=now), *_stale(tx, page, told, firing, now=now)]
    _count(context, page, found)
    if found:
        with context.store.write() as tx:
            for one in found:
                notices.tell(
                    context,
                    tx,
                    _words(page, one),
                    key=f"status:{one.kind}:{one.component}:{one.incident.id}:{one.incident.epoch}",
                    now=now,
                )
    return found


def _silent(
    page: StatusPage, shown: Board, opened: Iterable[Incident], firing: Mapping[int, int], *, now: datetime
) -> list[Drift]:
    good = {one.component.key for one in shown.components if one.state is ComponentState.OPERATIONAL}
    found: dict[str, Drift] = {}
    for one in sorted(opened, key=lambda incident: incident.opened_at):
        old = now - one.opened_at >= page.drift_after
        if old and firing.get(one.id) and one.public is None and one.severity in page.severities:
            for key in page.standing_for(one.service, one.team):
                if key in good:
                    found.setdefault(key, Drift(component=key, kind=SILENT, incident=one))
    return list(found.values())


def _stale(
    tx: Tx, page: StatusPage, opened: Iterable[Incident], firing: Mapping[int, int], *, now: datetime
) -> list[Drift]:
    found: dict[str, Drift] = {}
    for one in opened:
        if one.public is None or firing.get(one.id) or one.phase is not Phase.MONITORING:
            continue
        moved = incidents.of_kinds(tx, one.id, _MOVES)
        if now - max(event.happened_at for event in moved) >= page.drift_after:
            for key in one.public.components:
                found.setdefault(key, Drift(component=key, kind=STALE, incident=one))
    return list(found.values())


def _count(context: Context, page: StatusPage, found: Iterable[Drift]) -> None:
    drifted = {(one.component, one.kind) for one in found}
    for component in page.components:
        for kind in (SILENT, STALE):
            gauge = context.metrics.status_drift.labels(component=component.key, kind=kind)
            gauge.set((component.key, kind) in drifted)


def _words(page: StatusPage, drift: Drift) -> str:
    component = page.named(drift.component)
    name, about = component.name if component else drift.component, drift.incident.name
    if drift.kind == SILENT:
        return (
            f"The status page says that {name} is operational, and {about} has fired for over "
            f"{duration(page.drift_after)}. `publish` in {about} tells the public."
        )
    return (
        f"The status page says that {name} is not well, and nothing of {about} has fired for over "
        f"{duration(page.drift_after)}. `resolve` ends both, `publish <text>` says why not."
    )
