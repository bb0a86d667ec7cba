"""What changed shortly before an incident, read from Prometheus: builds, restarts, reloads. Told as pipelines tell it.

Four questions at most, about the process of the alert alone; what goes wrong is logged, and nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.errors import Refused
from incident_bot.core.model import Episode, Incident
from incident_bot.core.nearby import LOOKED_BACK, ChangeEvent, began
from incident_bot.core.telltale import (
    Telltale,
    builds,
    container_restarts,
    reloads,
    restarts,
    selector,
    together,
)
from incident_bot.flow import change_events
from incident_bot.flow.context import Context
from incident_bot.flow.graphs.questions import prometheus_of
from incident_bot.prometheus_api import Prometheus, PrometheusError
from incident_bot.store.transaction import Unavailable

TELLER: Final = "prometheus"
STEP: Final = timedelta(minutes=1)
_READERS: Final = (
    ('{__name__=~".+_build_info|build_info|app_info",SELECTOR}', builds),
    ("process_start_time_seconds{SELECTOR}", restarts),
    ('{__name__=~".+_config_last_reload_success_timestamp_seconds",SELECTOR}', reloads),
    ("kube_pod_container_status_restarts_total{SELECTOR}", container_restarts),
)

log = structlog.get_logger(__name__)


def note(
    context: Context,
    incident: Incident,
    episodes: Sequence[Episode],
    *,
    over: Callable[[], bool] | None = None,
    now: datetime,
) -> int:
    """Keep what changed in the two hours before the trouble began, once each; says how much it was."""
    if not episodes:
        return 0
    source = next(
        (
            one
            for one in context.live.current.revision.sources
            if one.prometheus_url and one.name == episodes[0].source
        ),
        None,
    )
    wanted = selector(one.labels for one in episodes if one.source == episodes[0].source)
    if source is None or not wanted:
        return 0
    start = began(incident, episodes) - LOOKED_BACK
    # On whole minutes: whoever looks again finds the same change at the same time.
    end = min(incident.opened_at, now).replace(second=0, microsecond=0)
    prometheus = prometheus_of(context.client, source, over=over)
    told = together(_read(prometheus, wanted, start, end, incident.id))
    for one in told:
        try:
            change_events.tell(context, _event(one, now), now=now)
        except (Refused, Unavailable) as problem:
            log.info("a change is not kept", incident=incident.id, reason=str(problem))
    return len(told)


def _read(prometheus: Prometheus, wanted: str, start: datetime, end: datetime, number: int) -> list[Telltale]:
    told: list[Telltale] = []
    for expression, read in _READERS:
        try:
            found = prometheus.query_range(
                expression.replace("SELECTOR", wanted), start=start, end=end, step=STEP
            )
        except PrometheusError as error:
            log.info("what changed could not be read", incident=number, error=str(error))
            if not error.lasting:
                break
            continue
        told += read(found)
    return told


def _event(one: Telltale, now: datetime) -> ChangeEvent:
    key = f"{one.kind}:{one.what}:{int(one.at.timestamp())}"
    return ChangeEvent(
        kind=one.kind,
        what=one.what,
        version=one.version,
        labels=one.labels,
        at=one.at,
        told_by=TELLER,
        told_at=now,
        key=key[: change_events.KEY_MOST],
    )
