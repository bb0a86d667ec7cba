"""Compares a source with its own API and heals what webhooks lost (I8, I9, I10).

Does nothing but count when the API is silent: absence of an answer is not absence of an alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.config.revision import SourceConfig
from incident_bot.core.dedupe import Drift, Listed, judge, reconcile, reopen
from incident_bot.core.model import Episode
from incident_bot.flow import heartbeats, mirror, noise
from incident_bot.flow.context import Context
from incident_bot.flow.ingest import RECONCILE_SOON, ended_notices, let_go, reconcile_timer
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.triage import Triage
from incident_bot.flow.ways import Ways
from incident_bot.outgoing import CallFailed
from incident_bot.sources import SOURCES
from incident_bot.store import alerts, timers
from incident_bot.store.transaction import Tx

EVERY: Final = timedelta(seconds=60)
JITTER: Final = 0.2
MARGIN: Final = timedelta(seconds=30)
"""An episode that changed this recently is left alone: its webhook may be newer than the list."""

log = structlog.get_logger(__name__)


def schedule(context: Context, *, now: datetime) -> None:
    """Make sure that every source with an API is looked at; any replica does it, one at a time by the timer's row.

    Soon, as this runs at the start: what was told while nobody listened is to be found, even if the process never
    lives for a whole period.
    """
    with context.store.write() as tx:
        due = [
            reconcile_timer(source.name, now + RECONCILE_SOON)
            for source in context.live.current.revision.sources
            if source.api_url
        ]
        due += [reconcile_timer(name, now + RECONCILE_SOON) for name in mirror.names(context)]
        timers.set_timers(tx, due, now=now)


def reconcile_source(context: Context, name: str, *, now: datetime) -> Drift | None:
    """Ask one source's API and heal the difference; None where there is no API or it did not answer."""
    if name.startswith(mirror.PREFIX):
        mirror.refresh(context, name, now=now)
        _again(context, name, mirror.EVERY, now=now)
        return None
    source = next((one for one in context.live.current.revision.sources if one.name == name), None)
    if source is None or not source.api_url:
        return None
    drift: Drift | None = None
    try:
        listed = _ask(context, source)
    except CallFailed as problem:
        context.metrics.reconcile.labels(source=name, result="unreachable").inc()
        log.warning("the source's API did not answer; nothing was changed", source=name, error=str(problem))
    else:
        drift = _heal(context, source, listed, now=now)
        context.metrics.reconcile.labels(source=name, result="ok").inc()
    _again(context, name, EVERY, now=now)
    return drift


def _again(context: Context, name: str, every: timedelta, *, now: datetime) -> None:
    # Jittered, so that replicas and sources do not ask in step.
    next_at = now + every * (1 + JITTER * (context.chance() - 0.5))
    with context.store.write() as tx:
        timers.set_timers(tx, [reconcile_timer(name, next_at)], now=now)


def _ask(context: Context, source: SourceConfig) -> tuple[Listed, ...]:
    kind = SOURCES[source.kind]
    if kind.list_active is None or not source.api_url:
        message = f"sources of kind {source.kind} have no list"
        raise CallFailed(message)
    return kind.list_active(
        context.client, source.api_url, source=source.name, ignore_labels=source.ignore_labels
    )


def has_list(context: Context, name: str) -> bool:
    """Say whether this source has an API to compare it with; in a sealed application none has."""
    if name.startswith(mirror.PREFIX):
        return name in mirror.names(context)
    return not context.sealed and any(
        one.name == name and one.api_url for one in context.live.current.revision.sources
    )


def listed_keys(context: Context, name: str) -> frozenset[str] | None:
    """Ask one source which alerts it holds, by alert key; None where it has no API or did not answer."""
    source = next((one for one in context.live.current.revision.sources if one.name == name), None)
    if source is None or not source.api_url or context.sealed:
        return None
    try:
        return frozenset(one.key for one in _ask(context, source))
    except CallFailed:
        return None


def _heal(context: Context, source: SourceConfig, listed: tuple[Listed, ...], *, now: datetime) -> Drift:
    with context.store.write() as tx:
        tx.lock_intake()
        known = alerts.open_of_source(tx, source.name)
        drift = reconcile(known, listed, margin=MARGIN, now=now)
        _apply(context, tx, source, drift, now=now)
        heartbeats.listed(context, tx, source, listed, now=now)
    for kind, number in (("close", len(drift.close)), ("open", len(drift.open)), ("mark", len(drift.mark))):
        context.metrics.reconcile_drift.labels(source=source.name, kind=kind).set(number)
        if number:
            log.info(
                "the source's API and the webhooks differed", source=source.name, kind=kind, number=number
            )
    return drift


def _apply(context: Context, tx: Tx, source: SourceConfig, drift: Drift, *, now: datetime) -> None:
    ledger = Ledger(context, tx, now=now)
    triage = Triage(ledger)
    if drift.close or drift.open:
        # An identical repeat of the last webhook must now be judged anew.
        alerts.forget_digests(tx, source.name)
    ways = ledger.current.ways
    ended = [noise.ended(ways, let_go(episode)) for episode in drift.close]
    alerts.update_episodes(tx, [*ended, *drift.mark])
    triage.resolved(ended)
    found = _found(tx, ways, source, drift.open, now=now)
    placed = [triage.place(episode, found) for episode in found]
    triage.attach(placed)
    saved = {incident.key: incident.id for incident in ledger.flush()}
    for item in placed:
        number = saved.get(item.key or "") or item.episode.incident_id
        item.episode = replace(item.episode, incident_id=number)
    alerts.update_episodes(tx, [item.episode for item in placed if item.episode.id])
    new = [item for item in placed if not item.episode.id]
    for item, episode in zip(new, alerts.insert_episodes(tx, [item.episode for item in new]), strict=True):
        item.episode = episode
    triage.hold(placed)
    triage.notify([*placed, *ended_notices(triage, ended)])
    triage.reconsider(episode.incident_id for episode in drift.mark if episode.incident_id)
    ledger.flush()


def _found(
    tx: Tx, ways: Ways, source: SourceConfig, listed: Sequence[Listed], *, now: datetime
) -> list[Episode]:
    """Give the episodes of alerts whose webhook never came: new ones, or the closed one that they go on."""
    newest = alerts.newest_episodes(tx, [one.key for one in listed])
    found: list[Episode] = []
    for one in listed:
        last = newest.get(one.key)
        if last is not None and one.starts_at <= last.starts_at:
            # The source itself says that it fires, so nothing is held back (I6).
            found.append(noise.reopened(ways, reopen(last, now=now), last, now=now))
            continue
        told = one.as_alert(source.name)
        judged = judge(told, None, group_hash="", truncated=False, now=now)
        found.append(noise.noted(ways, judged, told, last, now=now))
    return found
