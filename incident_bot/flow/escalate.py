"""What time brings: fires the timers that are due, each in one transaction with everything it causes.

A timer is deleted and its effects are written in the same transaction: the row lock is its lease, and a killed
process leaves it due. A timer that fails is tried again later and parked after its last try; it never stops others.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

import structlog

from incident_bot.core.dedupe import reopen
from incident_bot.core.effects import Page, PageKind, TimerKind
from incident_bot.core.incident import (
    ACK_GRACE,
    AckDue,
    Decision,
    FlappingOver,
    HoldOver,
    OfferDue,
    SnoozeOver,
    TimerParked,
    WatchOver,
    observe,
)
from incident_bot.core.model import (
    Disposition,
    Episode,
    Flag,
    Incident,
    Paging,
    Running,
    Status,
    Urgency,
    incident_name,
)
from incident_bot.flow import heartbeats, noise, notices, reminders
from incident_bot.flow.context import Context
from incident_bot.flow.ingest import apply_in
from incident_bot.flow.intake import read_body
from incident_bot.flow.interventions import reconsider_all
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.oncall import handoffs
from incident_bot.flow.reconcile import has_list, listed_keys, reconcile_source
from incident_bot.flow.triage import Triage
from incident_bot.store import alerts, incidents, timers
from incident_bot.store.alerts import DeliveryState
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import LostRace, Tx, Unavailable

BATCH: Final = 50
FAILED_AGAIN: Final = timedelta(seconds=10)
OUTSIDE_LEASE: Final = timedelta(seconds=60)
_OF_NO_EPOCH: Final = frozenset({TimerKind.HOLD, TimerKind.FLAPPING, TimerKind.OFFER, TimerKind.WATCH})
ASK_OUTSIDE: Final = frozenset({TimerKind.RECONCILE, TimerKind.REFIRE, TimerKind.HANDOFF})
"""Timers whose work begins with a network call, which never happens inside a transaction, or needs a longer one."""

log = structlog.get_logger(__name__)


def tick(context: Context, *, now: datetime) -> int:
    """Fire what is due, in batches; gives how many timers were handled. Raises Unavailable of the store."""
    handled = 0
    limit = BATCH
    while True:
        try:
            due = _fire_due(context, limit, now=now)
        except LostRace:
            log.info("lost a race for a timer's rows; trying again")
            continue
        except _Failed as failed:
            if limit > 1:
                # Find the bad one alone: its neighbours must not wait for it.
                limit = 1
                continue
            _postpone(context, failed.timer, str(failed), now=now)
            limit = BATCH
            continue
        handled += len(due)
        for timer in due:
            try:
                _ask_outside(context, timer, now=now)
            except _Failed as failed:
                _postpone(context, failed.timer, str(failed), now=now)
        if due:
            context.signals.changed()
        if len(due) < limit:
            return handled


def _fire_due(context: Context, limit: int, *, now: datetime) -> list[Timer]:
    with context.store.write() as tx:
        # Held episodes are placed here: the order of the locks is the intake's, then the rows'.
        tx.lock_intake()
        due: list[Timer] = []
        for timer in timers.claim_due(tx, limit=limit, now=now):
            if timer.kind is TimerKind.RECONCILE and not has_list(context, str(timer.data.get("source", ""))):
                timers.done(tx, timer)
            elif timer.kind in ASK_OUTSIDE:
                # The network is asked after this transaction; until then a later due time is the lease.
                due.append(timers.lease(tx, timer, until=now + OUTSIDE_LEASE, now=now))
            else:
                timers.done(tx, timer)
                _fire(context, tx, timer, now=now)
                due.append(timer)
        return due


class _Failed(Exception):
    """One timer's handling failed; the transaction is rolled back."""

    def __init__(self, timer: Timer, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.timer = timer


def _postpone(context: Context, timer: Timer, error: str, *, now: datetime) -> None:
    with context.store.write() as tx:
        parked = timers.postpone(tx, timer, due_at=now + FAILED_AGAIN * (timer.attempts + 1), error=error)
    log.error("a timer failed", timer=timer.key, incident=timer.incident_id, error=error, parked=parked)
    if parked:
        _report(context, timer, error, now=now)


def _report(context: Context, timer: Timer, error: str, *, now: datetime) -> None:
    """Say where people look that a timer is set aside: what it was for does not happen by itself any more."""
    about = f" of {incident_name(timer.incident_id)}" if timer.incident_id else ""
    text = (
        f"The timer {timer.key}{about} failed {timers.ATTEMPTS_MOST} times and is set aside: {error}. Somebody has to "
        "look; the log has the whole story."
    )
    rules = context.live.current.revision.rules
    # It is parked and in the log by now: what fails here fails at the worker's fence, and the next round goes on.
    with context.store.write() as tx:
        incident = incidents.get(tx, timer.incident_id or 0, lock=True)
        if incident is not None:
            # Not by the ledger: it would run the step that is due, and may be what failed.
            parked = TimerParked(timer=timer.kind, reason=error)
            told = observe(parked, incident, rules=rules, now=now)
            incidents.save(tx, [(told.incident, told.events)], now=now)
        notices.tell(context, tx, text, key=f"parked:{timer.key}:{timer.version}", now=now)


def _fire(context: Context, tx: Tx, timer: Timer, *, now: datetime) -> None:
    try:
        match timer.kind:
            case (
                TimerKind.STEP
                | TimerKind.SNOOZE
                | TimerKind.ACK
                | TimerKind.HOLD
                | TimerKind.FLAPPING
                | TimerKind.OFFER
                | TimerKind.WATCH
            ):
                _fire_incident(context, tx, timer, now=now)
            case TimerKind.MAINTENANCE:
                reconsider_all(context, tx, now=now)
            case TimerKind.EPISODE:
                _look_again(context, tx, timer, now=now)
            case TimerKind.RETRY_DELIVERY:
                _retry_delivery(context, tx, timer, now=now)
            case TimerKind.HEARTBEAT:
                heartbeats.missed(context, tx, timer, now=now)
            case TimerKind.PROMISE:
                reminders.fire(context, tx, timer, now=now)
            case TimerKind.REFIRE | TimerKind.RECONCILE | TimerKind.HANDOFF:
                pass  # `_ask_outside`
            case _:
                assert_never(timer.kind)
    except LostRace:
        raise
    except Exception as error:  # the worker's fence: one bad row must not stop the others
        raise _Failed(timer, error) from error


def _ask_outside(context: Context, timer: Timer, *, now: datetime) -> None:
    if timer.kind is TimerKind.RECONCILE:
        reconcile_source(context, str(timer.data.get("source", "")), now=now)
    elif timer.kind is TimerKind.REFIRE:
        _settle_refire(context, timer, now=now)
    elif timer.kind is TimerKind.HANDOFF:
        _look_at_schedule(context, timer, now=now)


def _look_at_schedule(context: Context, timer: Timer, *, now: datetime) -> None:
    try:
        schedule, count = str(timer.data.get("schedule", "")), timer.data.get("count") is True
        handoffs.look(context, schedule, count=count, now=now)
    except Unavailable:
        raise
    except Exception as error:  # the worker's fence: one schedule must not stop the others
        raise _Failed(timer, error) from error


def _fire_incident(context: Context, tx: Tx, timer: Timer, *, now: datetime) -> None:
    incident = incidents.get(tx, timer.incident_id or 0, lock=True)
    if incident is None:
        return
    if timer.kind not in _OF_NO_EPOCH and timer.epoch != incident.epoch:
        # P6: a timer of another epoch is inert. A hold is about alerts, not about paging: whoever un-acknowledges
        # meanwhile must not keep an incident open whose alerts are all over (P15); and an offer is about the lead.
        return
    ledger = Ledger(context, tx, now=now)
    if timer.kind is TimerKind.STEP and incident.progress.state is Running.PAUSED:
        # What held it back had an end; something else may hold it on.
        Triage(ledger).reconsider([incident.id])
        ledger.flush()
        return
    decision = _decision(context, ledger, timer, incident, now=now)
    if decision is None:
        return
    ledger.take(decision)
    if timer.kind in (TimerKind.SNOOZE, TimerKind.ACK):
        # Paging that begins again by itself waits where a maintenance or a silence began meanwhile.
        Triage(ledger).reconsider([incident.id])
    ledger.flush()


def _question(ledger: Ledger, incident: Incident, *, now: datetime) -> tuple[Page, ...]:
    """Ask whoever has it by every way of theirs: it is the last word before others are woken."""
    person = incident.acknowledged_by or ""
    return tuple(
        Page(
            person=person,
            via=rule.by,
            kind=PageKind.ASK,
            epoch=incident.epoch,
            loop=0,
            step=0,
            due_at=now + rule.after,
            urgency=Urgency.HIGH,
            reason=f"{person} has {incident.name}",
        )
        for rule in ledger.directories.of(incident.team).rules(person, Urgency.HIGH)
        if rule.after < ACK_GRACE
    )


def _decision(
    context: Context, ledger: Ledger, timer: Timer, incident: Incident, *, now: datetime
) -> Decision | None:
    tx = ledger.tx
    rules = context.live.current.revision.rules
    if timer.kind is TimerKind.ACK:
        due = AckDue(asking=_question(ledger, incident, now=now))
        return observe(due, incident, rules=rules, now=now)
    if timer.kind is TimerKind.OFFER:
        return observe(OfferDue(), incident, rules=rules, now=now)
    still_firing = alerts.count_firing(tx, {incident.id}).get(incident.id, 0)
    if timer.kind is TimerKind.WATCH:
        return observe(WatchOver(still_firing=still_firing), incident, rules=rules, now=now)
    had_alerts = still_firing > 0 or bool(alerts.list_episodes(tx, incident_id=incident.id, limit=1))
    if timer.kind is TimerKind.STEP:
        if incident.paging is not Paging.TRIGGERED:
            return None
        # The ledger runs the step that is due; there is nothing to decide before.
        return Decision(incident=incident, events=(), effects=(), said="A step is due.")
    if timer.kind is TimerKind.SNOOZE:
        over = SnoozeOver(still_firing=still_firing, had_alerts=had_alerts)
        return observe(over, incident, rules=rules, now=now)
    if timer.kind is TimerKind.FLAPPING:
        alerts.unmark(tx, incident.id, Flag.FLAPPING)
        return observe(FlappingOver(still_firing=still_firing), incident, rules=rules, now=now)
    return observe(HoldOver(still_firing=still_firing), incident, rules=rules, now=now)


def _look_again(context: Context, tx: Tx, timer: Timer, *, now: datetime) -> None:
    episode = alerts.episode(tx, timer.subject or 0)
    if episode is None or episode.disposition is not Disposition.HELD or episode.status is not Status.FIRING:
        return
    place_again(context, tx, episode, now=now)


def place_again(context: Context, tx: Tx, episode: Episode, *, now: datetime) -> None:
    """Route a stored firing episode anew and put it where it belongs; the caller has taken it out of the waiting."""
    ledger = Ledger(context, tx, now=now)
    triage = Triage(ledger)
    placed = triage.place(episode)
    triage.attach([placed])
    saved = ledger.flush()
    number = next((incident.id for incident in saved if incident.key == placed.key), None)
    placed.episode = replace(placed.episode, incident_id=number or placed.episode.incident_id, updated_at=now)
    alerts.update_episodes(tx, [placed.episode])
    triage.hold([placed])
    triage.notify([placed])
    ledger.flush()


def _settle_refire(context: Context, timer: Timer, *, now: datetime) -> None:
    """Reopen a held re-fire, unless its source says that the alert is over (I6): never dropped on silence."""
    with context.store.read() as tx:
        episode = alerts.episode(tx, timer.subject or 0)
    firing = listed_keys(context, episode.source) if episode else None
    with context.store.write() as tx:
        tx.lock_intake()
        timers.done(tx, timer)
        episode = alerts.episode(tx, timer.subject or 0)
        if episode is None or Flag.HELD_REFIRE not in episode.flags:
            return
        newest = alerts.newest_episodes(tx, [episode.key]).get(episode.key)
        if newest is None or newest.id != episode.id or (firing is not None and episode.key not in firing):
            alerts.update_episodes(tx, [replace(episode, flags=episode.flags - {Flag.HELD_REFIRE})])
            return
        ways = context.live.current.ways
        again = noise.reopened(ways, reopen(episode, now=now), episode, now=now)
        place_again(context, tx, again, now=now)


def _retry_delivery(context: Context, tx: Tx, timer: Timer, *, now: datetime) -> None:
    stored = alerts.delivery(tx, timer.subject or 0)
    if stored is None or stored.state is not DeliveryState.DEFERRED:
        return
    reading = read_body(context, stored.source, stored.body, now=now)
    apply_in(context, tx, [reading], now=now)
    alerts.settle_delivery(tx, stored.id, state=DeliveryState.APPLIED, now=now)
