"""Watches that every source with a heartbeat still tells of it: silence is an alert, too.

One timer a source is all that is kept: it falls due when the patience is over, and it carries the last beat. What is
missing is an episode of the bot's own, so that silences, maintenance, the hold and reopening are those of any alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from incident_bot.config.revision import Heartbeat, SourceConfig
from incident_bot.config.sources import OWN_NAME
from incident_bot.core.dedupe import Listed
from incident_bot.core.effects import TimerKind
from incident_bot.core.model import Delivery, Disposition, Episode, JsonObject, Labels, Status
from incident_bot.core.postmortem import duration
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.placed import Placed
from incident_bot.flow.triage import Triage
from incident_bot.store import alerts, timers
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import Tx

ALERT: Final = "HeartbeatMissing"
"""The `alertname` of what the bot raises: for runbooks, maintenance windows and inhibition."""
LATE: Final = timedelta(seconds=60)
"""A timer looked at this late says that nobody listened meanwhile: the source is not to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is known of one source's heartbeat."""

    source: str
    heartbeat: Heartbeat
    """As it was when the timer was set."""
    last: datetime | None
    """The last beat that was written down; None before the first."""
    since: datetime
    """Since when we listen without a break that we know of."""
    missing: bool = False
    """Whether it stayed away, and that was told."""

    @property
    def heard(self) -> datetime:
        """The instant from which its silence counts."""
        return max(self.last or self.since, self.since)


def schedule(context: Context, *, started: bool, now: datetime) -> None:
    """Watch what the configuration in force asks for, and no longer what it does not.

    After a start, and where a heartbeat is new or another one, a whole patience passes before anybody is paged.
    """
    wanted = {
        source.name: source.heartbeat
        for source in context.live.current.revision.sources
        if source.heartbeat is not None
    }
    with context.store.write() as tx:
        tx.lock_intake()
        kept = {watch.source: watch for watch in watches(tx)}
        for name in sorted(kept.keys() - wanted.keys()):
            timers.forget(tx, [_key(name)])
            _end(context, tx, name, now=now)
        for name, heartbeat in sorted(wanted.items()):
            watch = kept.get(name)
            if watch is None:
                watch = Watch(source=name, heartbeat=heartbeat, last=None, since=now)
            elif not started and watch.heartbeat == heartbeat:
                continue
            _set(tx, replace(watch, heartbeat=heartbeat, since=now), now + heartbeat.patience, now=now)


def told(context: Context, tx: Tx, deliveries: Iterable[Delivery], *, now: datetime) -> None:
    """Take the beats of a batch of deliveries, identical repeats as well; the caller holds the intake's lock."""
    wanted = {
        source.name: source
        for source in context.live.current.revision.sources
        if source.heartbeat is not None
    }
    if not wanted:
        return
    beating = {
        delivery.source
        for delivery in deliveries
        if (source := wanted.get(delivery.source)) is not None
        and _beats(source, (alert.labels for alert in delivery.alerts if alert.status is Status.FIRING))
    }
    for name in sorted(beating):
        _beat(context, tx, wanted[name], now=now)


def listed(context: Context, tx: Tx, source: SourceConfig, found: Sequence[Listed], *, now: datetime) -> None:
    """Take the beat that stands in a source's own list; the caller holds the intake's lock."""
    if _beats(source, (one.labels for one in found)):
        _beat(context, tx, source, now=now)


def missed(context: Context, tx: Tx, timer: Timer, *, now: datetime) -> None:
    """Raise the alarm when the patience is over, unless the bot itself was away; the caller took the timer out."""
    watch = _read(timer)
    known = any(
        source.name == watch.source and source.heartbeat is not None
        for source in context.live.current.revision.sources
    )
    # Another replica may know a newer configuration: whoever has it in force ends the watch, not whoever is first.
    if known and not watch.missing:
        if now - timer.due_at > LATE:
            watch = replace(watch, since=now)
        else:
            _raise(context, tx, watch, now=now)
            watch = replace(watch, missing=True)
    _set(tx, watch, now + watch.heartbeat.patience, now=now)


def watches(tx: Tx) -> list[Watch]:
    """Give what is known of every heartbeat that is watched, by the source's name."""
    return sorted(
        (_read(timer) for timer in timers.of_kind(tx, TimerKind.HEARTBEAT)), key=lambda watch: watch.source
    )


def _beats(source: SourceConfig, labels: Iterable[Labels]) -> bool:
    wanted = source.heartbeat.alert if source.heartbeat else None
    return wanted is not None and any(one.get("alertname") == wanted for one in labels)


def _beat(context: Context, tx: Tx, source: SourceConfig, *, now: datetime) -> None:
    if source.heartbeat is None:
        return
    timer = timers.by_key(tx, _key(source.name))
    watch = _read(timer) if timer else None
    if watch and not watch.missing and watch.last and now - watch.last < source.heartbeat.spared:
        # Written down already, nearly: a write for each of a storm's deliveries would tell no more.
        return
    if watch and watch.missing:
        _end(context, tx, source.name, now=now)
    since = watch.since if watch else now
    after = Watch(source=source.name, heartbeat=source.heartbeat, last=now, since=since)
    _set(tx, after, now + source.heartbeat.patience, now=now)


def _raise(context: Context, tx: Tx, watch: Watch, *, now: datetime) -> None:
    key = _key(watch.source)
    newest = alerts.newest_episodes(tx, [key]).get(key)
    if newest is not None and newest.status is Status.FIRING:
        return
    ledger = Ledger(context, tx, now=now)
    triage = Triage(ledger)
    revision = context.live.current.revision
    episode = Episode(
        source=OWN_NAME,
        key=key,
        fingerprint=key,
        labels={"alertname": ALERT, "source": watch.source, "heartbeat": watch.heartbeat.alert},
        annotations={
            "summary": (
                f"No heartbeat from {watch.source} for {duration(now - watch.heard)}: alerts may be lost"
            ),
            "description": (
                f"The alert {watch.heartbeat.alert} should come every {duration(watch.heartbeat.every)}. Look whether "
                f"{watch.source} runs, what evaluates its rules, and whether it reaches this bot."
            ),
        },
        status=Status.FIRING,
        starts_at=watch.heard,
        opened_at=now,
        updated_at=now,
        disposition=Disposition.INCIDENT,
        severity=revision.ladder.rungs[0].name,
        team=revision.routing.default.team,
    )
    placed = Placed(replace(episode, runbook=ledger.current.ways.of(episode).runbook), key=key)
    triage.attach([placed])
    (incident,) = ledger.flush()
    alerts.insert_episodes(tx, [placed.episode], incident_ids=[incident.id])


def _end(context: Context, tx: Tx, name: str, *, now: datetime) -> None:
    """Say that the silence is over: the incident resolves after the usual hold."""
    episode = alerts.newest_episodes(tx, [_key(name)]).get(_key(name))
    if episode is None or episode.status is not Status.FIRING:
        return
    ended = replace(episode, status=Status.RESOLVED, ends_at=now, updated_at=now, closed_at=now)
    alerts.update_episodes(tx, [ended])
    ledger = Ledger(context, tx, now=now)
    Triage(ledger).resolved([ended])
    ledger.flush()


def _key(source: str) -> str:
    """Give the one key of a source's timer, alert and incident."""
    return f"heartbeat:{source}"


def _set(tx: Tx, watch: Watch, due_at: datetime, *, now: datetime) -> None:
    data: JsonObject = {
        "source": watch.source,
        "alert": watch.heartbeat.alert,
        "every": watch.heartbeat.every.total_seconds(),
        "last": watch.last.isoformat() if watch.last else None,
        "since": watch.since.isoformat(),
        "missing": watch.missing,
    }
    timer = Timer(kind=TimerKind.HEARTBEAT, key=_key(watch.source), due_at=due_at, data=data)
    timers.set_timers(tx, [timer], now=now)


def _read(timer: Timer) -> Watch:
    data = timer.data
    last = data.get("last")
    every = timedelta(seconds=float(str(data["every"])))
    return Watch(
        source=str(data["source"]),
        heartbeat=Heartbeat(alert=str(data["alert"]), every=every),
        last=datetime.fromisoformat(last).astimezone(UTC) if isinstance(last, str) else None,
        since=datetime.fromisoformat(str(data["since"])).astimezone(UTC),
        missing=data.get("missing") is True,
    )
