"""Stage 1 in one transaction: a batch of deliveries is stored, judged, placed on incidents and committed together.

Never answers anybody: `flow.intake` does, after the commit (I1).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.dedupe import Verdict, judge, missing
from incident_bot.core.effects import TimerKind
from incident_bot.core.model import Delivery, Disposition, Episode, Flag, Status
from incident_bot.flow import heartbeats
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.noise import noted
from incident_bot.flow.placed import Placed
from incident_bot.flow.triage import Triage
from incident_bot.flow.ways import Ways
from incident_bot.store import alerts, timers
from incident_bot.store.alerts import Group, NewDelivery, group_hash
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import Tx

REFIRE_HORIZON: Final = timedelta(minutes=5)
"""How long after its end a firing with the same start may be a late copy (I6)."""
REFIRE_HOLD: Final = timedelta(seconds=60)
RECONCILE_SOON: Final = timedelta(seconds=10)
REJECTED_KEPT: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One accepted body with what was read from it."""

    delivery: Delivery
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of one delivery."""

    delivery_id: int
    alerts: int
    duplicate: bool
    rejected: int
    verdicts: Counter[Verdict] = field(default_factory=Counter)


@dataclass(slots=True)
class _Slot:
    """The newest episode of one alert key, within this transaction."""

    episode: Episode
    stored: Episode | None
    placed: Placed | None = None
    incident_id: int | None = None
    """Where it was put, to be written with it."""


@dataclass(slots=True)
class _Batch:
    """What one transaction learns, before it is written."""

    slots: dict[str, _Slot]
    older: list[_Slot] = field(default_factory=list)
    """Episodes of this transaction that a newer one of the same key followed."""
    opened: list[_Slot] = field(default_factory=list)
    ended: list[_Slot] = field(default_factory=list)
    refired: list[_Slot] = field(default_factory=list)
    held: list[_Slot] = field(default_factory=list)
    confirmed: list[_Slot] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)
    """Sources to be compared with their API soon (I8, I9)."""


def apply(context: Context, readings: Sequence[Reading], *, now: datetime) -> list[Applied]:
    """Store and decide a batch in one transaction; raises LostRace and Unavailable of the store."""
    with context.store.write() as tx:
        tx.lock_intake()
        return apply_in(context, tx, readings, now=now)


def apply_in(context: Context, tx: Tx, readings: Sequence[Reading], *, now: datetime) -> list[Applied]:
    """Do the same within a transaction that is already open."""
    hashes = [group_hash(reading.delivery.source, reading.delivery.group_key) for reading in readings]
    groups = alerts.groups(tx, set(hashes))
    fresh: list[int] = []
    twin: dict[int, int] = {}
    newest: dict[str, int] = {}
    for index, (reading, hashed) in enumerate(zip(readings, hashes, strict=True)):
        previous = newest.get(hashed)
        known = groups.get(hashed)
        if previous is not None and readings[previous].delivery.digest == reading.delivery.digest:
            twin[index] = previous
        elif previous is None and known is not None and known.digest == reading.delivery.digest:
            continue
        else:
            newest[hashed] = index
            fresh.append(index)
    told = [(readings[index].delivery, hashes[index]) for index in fresh]
    batch, counts = _judge_all(tx, context.live.current.ways, told, groups, now=now)
    _settle(context, tx, batch, now=now)
    # Repeats count: an Alertmanager that says the same again lives.
    heartbeats.told(context, tx, [reading.delivery for reading in readings], now=now)
    ids = alerts.insert_deliveries(tx, [_stored(readings[index], hashes[index]) for index in fresh], now=now)
    by_index = dict(zip(fresh, ids, strict=True))
    _remember_groups(tx, readings, hashes, groups, by_index, newest, now=now)
    applied: list[Applied] = []
    verdicts = dict(zip(fresh, counts, strict=True))
    for index, (reading, hashed) in enumerate(zip(readings, hashes, strict=True)):
        duplicate = index not in by_index
        original = by_index.get(twin.get(index, index)) or (
            groups[hashed].delivery_id if hashed in groups else 0
        )
        applied.append(
            Applied(
                delivery_id=original,
                alerts=len(reading.delivery.alerts),
                duplicate=duplicate,
                rejected=len(reading.delivery.rejected),
                verdicts=verdicts.get(index, Counter()),
            )
        )
    return applied


def _judge_all(
    tx: Tx,
    ways: Ways,
    deliveries: Sequence[tuple[Delivery, str]],
    groups: dict[str, Group],
    *,
    now: datetime,
) -> tuple[_Batch, list[Counter[Verdict]]]:
    keys = {alert.key for delivery, _ in deliveries for alert in delivery.alerts}
    known = alerts.newest_episodes(tx, keys) if keys else {}
    batch = _Batch(slots={key: _Slot(episode, episode) for key, episode in known.items()})
    # Only a group that was delivered before can miss an alert (I8).
    again = {hashed for delivery, hashed in deliveries if hashed in groups and not delivery.truncated}
    open_before = alerts.open_of_groups(tx, again) if again else {}
    told: dict[str, set[str]] = defaultdict(set)
    counts: list[Counter[Verdict]] = []
    for delivery, hashed in deliveries:
        newer = [batch.slots[key].episode for key in told[hashed]]
        before = [*open_before.get(hashed, ()), *(one for one in newer if one.group_hash == hashed)]
        counts.append(_judge_one(batch, ways, delivery, hashed, now=now))
        if delivery.truncated:
            batch.doubtful.add(delivery.source)
        elif before:
            _doubt_missing(batch, delivery, before)
        told[hashed].update(alert.key for alert in delivery.alerts)
    return batch, counts


def _judge_one(
    batch: _Batch, ways: Ways, delivery: Delivery, hashed: str, *, now: datetime
) -> Counter[Verdict]:
    counted: Counter[Verdict] = Counter()
    truncated = delivery.truncated > 0
    for alert in delivery.alerts:
        slot = batch.slots.get(alert.key)
        last = slot.episode if slot else None
        judgement = judge(
            alert, last, group_hash=hashed, truncated=truncated, horizon=REFIRE_HORIZON, now=now
        )
        counted[judgement.verdict] += 1
        episode = noted(ways, judgement, alert, last, now=now)
        match judgement.verdict:
            case Verdict.NEW | Verdict.CLOSED_UNSEEN:
                if slot is not None:
                    batch.older.append(slot)
                slot = batch.slots[alert.key] = _Slot(episode, None)
                if judgement.verdict is Verdict.NEW:
                    batch.opened.append(slot)
                continue
            case Verdict.CLOSED:
                listed = batch.ended
            case Verdict.REFIRE:
                listed = batch.refired
            case Verdict.HELD:
                listed = batch.held
            case Verdict.REOPENED:
                listed = batch.opened
            case Verdict.REPEAT | Verdict.EARLIER | Verdict.LATE:
                listed = batch.confirmed
        if slot is None:
            # A resolve about nothing known is CLOSED_UNSEEN, so anything else has a slot; kept for the type checker.
            continue
        slot.episode = episode
        listed.append(slot)
    return counted


def _doubt_missing(batch: _Batch, delivery: Delivery, open_before: list[Episode]) -> None:
    present = {alert.key for alert in delivery.alerts}
    by_key = {episode.key: episode for episode in open_before}
    for doubted in missing(present, open_before, truncated=False):
        slot = batch.slots.setdefault(doubted.key, _Slot(by_key[doubted.key], by_key[doubted.key]))
        if slot.episode.status is Status.FIRING:
            slot.episode = replace(slot.episode, flags=slot.episode.flags | {Flag.UNCONFIRMED})
            batch.doubtful.add(doubted.source)


def _settle(context: Context, tx: Tx, batch: _Batch, *, now: datetime) -> None:
    ledger = Ledger(context, tx, now=now)
    triage = Triage(ledger)
    batch.doubtful.update(slot.episode.source for slot in batch.held)
    strays = triage.refired([slot.episode for slot in batch.refired])
    # What opened and ended within one batch is placed as well: it did fire.
    opened = [*batch.opened, *(slot for slot in batch.refired if slot.episode.id in strays)]
    together = [slot.episode for slot in opened if slot.episode.status is Status.FIRING]
    for slot in opened:
        slot.placed = triage.place(slot.episode, together)
    placed = [slot.placed for slot in opened if slot.placed is not None]
    triage.attach(placed)
    by_key = {incident.key: incident for incident in ledger.flush()}
    for slot in opened:
        if slot.placed is None:
            continue
        incident = by_key.get(slot.placed.key or "")
        slot.episode = slot.placed.episode
        slot.incident_id = incident.id if incident else slot.episode.incident_id
        if slot.stored is not None:
            slot.episode = replace(slot.episode, incident_id=slot.incident_id)
    for slot in batch.ended:
        slot.episode = let_go(slot.episode)
    _write_episodes(tx, batch)
    for slot in opened:
        if slot.placed is not None:
            slot.placed.episode = slot.episode
    ended = {slot.episode.id: slot.episode for slot in batch.ended}
    over = [episode for episode in ended.values() if episode.status is not Status.FIRING]
    triage.hold(placed)
    triage.notify([*placed, *ended_notices(triage, over)])
    triage.resolved(over)
    ledger.flush()
    _set_refire_timers(tx, batch, now=now)
    _reconcile_soon(context, tx, batch, now=now)


def let_go(episode: Episode) -> Episode:
    """Say of an ended episode that it waits no more; any other comes back as it is."""
    if episode.disposition is not Disposition.HELD or episode.status is Status.FIRING:
        return episode
    reason = f"ended before it was let through ({episode.reason})"
    return replace(episode, disposition=Disposition.RECORD, reason=reason)


def ended_notices(triage: Triage, episodes: Sequence[Episode]) -> list[Placed]:
    """Give what tells the channels that were told of these episodes that they are over."""
    told = [episode for episode in episodes if episode.disposition is Disposition.NOTIFY]
    return [Placed(episode, notify=triage.place(episode).notify) for episode in told]


def _write_episodes(tx: Tx, batch: _Batch) -> None:
    slots = [*batch.older, *batch.slots.values()]
    changed = [slot.episode for slot in slots if slot.stored is not None and slot.episode is not slot.stored]
    if changed:
        # Before the inserts: an episode must be closed before the next of its key opens.
        alerts.update_episodes(tx, changed)
    new = [slot for slot in slots if slot.stored is None]
    if new:
        episodes, numbers = [slot.episode for slot in new], [slot.incident_id for slot in new]
        stored = alerts.insert_episodes(tx, episodes, incident_ids=numbers)
        for slot, episode in zip(new, stored, strict=True):
            slot.episode = episode


def _set_refire_timers(tx: Tx, batch: _Batch, *, now: datetime) -> None:
    held = [slot.episode for slot in batch.held if Flag.HELD_REFIRE in slot.episode.flags]
    if held:
        timers.set_timers(
            tx, [_episode_timer(TimerKind.REFIRE, one, now + REFIRE_HOLD) for one in held], now=now
        )


def _reconcile_soon(context: Context, tx: Tx, batch: _Batch, *, now: datetime) -> None:
    if context.sealed:
        return
    asked = {source.name for source in context.live.current.revision.sources if source.api_url}
    soon = [reconcile_timer(source, now + RECONCILE_SOON) for source in sorted(batch.doubtful & asked)]
    if soon:
        timers.set_timers(tx, soon, now=now)


def reconcile_timer(source: str, due_at: datetime) -> Timer:
    """Make the one timer that has a source compared with its API."""
    return Timer(
        id=0, kind=TimerKind.RECONCILE, key=f"reconcile:{source}", incident_id=None, subject=None, epoch=None,
        due_at=due_at, data={"source": source}, attempts=0,
    )  # fmt: skip


def _episode_timer(kind: TimerKind, episode: Episode, due_at: datetime) -> Timer:
    return Timer(
        id=0, kind=kind, key=f"{kind.value}:{episode.id}", incident_id=None, subject=episode.id, epoch=None,
        due_at=due_at, data={}, attempts=0,
    )  # fmt: skip


def _stored(reading: Reading, hashed: str) -> NewDelivery:
    delivery = reading.delivery
    return NewDelivery(
        source=delivery.source,
        receiver=delivery.receiver,
        group_hash=hashed,
        digest=delivery.digest,
        body=reading.body,
        alerts=len(delivery.alerts),
        rejected=delivery.rejected[:REJECTED_KEPT],
    )


def _remember_groups(
    tx: Tx,
    readings: Sequence[Reading],
    hashes: Sequence[str],
    groups: dict[str, Group],
    by_index: dict[int, int],
    newest: dict[str, int],
    *,
    now: datetime,
) -> None:
    changed = [
        Group(
            hash=hashed,
            source=readings[index].delivery.source,
            digest=readings[index].delivery.digest,
            delivery_id=by_index[index],
            last_seen=now,
        )
        for hashed, index in newest.items()
    ]
    if changed:
        alerts.save_groups(tx, changed)
    seen = {hashed for hashed in hashes if hashed not in newest and hashed in groups}
    if seen:
        alerts.touch_groups(tx, seen, now=now)
