"""Stage 2: decides what one told alert means for what is known already (I2 to I10); it never stores or pages.

`judge` compares one alert with the newest episode of its key; `missing` and `reconcile` read absence. They
give changed values and a reason, or the very object that came in where nothing changed. They hold to this:

1. A firing is never dropped: it opens, joins or reopens an episode, or is held and then reopens it (I6).
2. Told twice, an alert changes nothing the second time (P8).
3. A resolve needs no equal `startsAt`; one that ended before the latest start is about an earlier episode.
4. Absence closes nothing, except from a complete list of the source itself (I8 to I10).
5. `updated_at` moves with what the source says of the alert. Marks (unconfirmed, partial, silenced,
   inhibited) and the delivery group leave it alone, because the reconciler's margin counts from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from incident_bot.core.model import Alert, Episode, Flag, JsonObject, Labels, Status

REFIRE_HOLD: Final = timedelta(seconds=60)
"""How long a firing that repeats a just-closed episode waits for its resolve (I6)."""
HORIZON: Final = timedelta(minutes=5)
"""How long after we learned of its end an episode counts as just closed (I6)."""
MARGIN: Final = timedelta(seconds=30)
"""How old news must be before a list that contradicts it wins: Alertmanager's default `group_wait` (I10)."""

_LATEST: Final = "latest_start"
"""Where `Episode.why` keeps the latest startsAt counted, so that a re-fire told twice counts once (P8)."""
_PASSING: Final = frozenset({Flag.UNCONFIRMED, Flag.SILENCED, Flag.INHIBITED, Flag.HELD_REFIRE})
"""Flags that speak of the present: they end with the episode."""


class Verdict(StrEnum):
    """What an alert turned out to be."""

    NEW = "new"
    REPEAT = "repeat"
    """Known already; at most its annotations, its group or a mark changed."""
    REFIRE = "refire"
    """Open already, fires with a later start: counted, no page by itself (I5)."""
    EARLIER = "earlier"
    """Open already, began earlier than we knew (I5)."""
    CLOSED = "closed"
    CLOSED_UNSEEN = "closed_unseen"
    """Ended before we heard of it: recorded, no incident (I7)."""
    LATE = "late"
    """A resolve about what is closed already or about an earlier episode; a held re-fire is let go."""
    HELD = "held"
    """Fires with the start of a just-closed episode: reopen after `REFIRE_HOLD` unless it resolves (I6)."""
    REOPENED = "reopened"
    """Fires on after its re-fire was held: open again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an alert turned out to be, its episode as it now is (`id` 0: a new one), and why."""

    verdict: Verdict
    episode: Episode
    reason: str


class ListedState(StrEnum):
    """What a source's list says of an alert that fires."""

    ACTIVE = "active"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One alert of the source's own list, silenced and inhibited ones included (I10)."""

    key: str
    """Identity: `alert_key` of the labels, as in `Alert`."""
    fingerprint: str
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime | None
    updated_at: datetime
    state: ListedState
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    generator_url: str = ""

    def as_alert(self, source: str) -> Alert:
        """Give the firing alert that the lost webhook would have told, to be judged as any other."""
        return Alert(
            source=source,
            key=self.key,
            fingerprint=self.fingerprint,
            labels=self.labels,
            annotations=self.annotations,
            status=Status.FIRING,
            starts_at=self.starts_at,
            ends_at=None,
            generator_url=self.generator_url,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Where we and the source differ: episodes already changed, and listed alerts unknown here."""

    close: tuple[Episode, ...] = ()
    open: tuple[Listed, ...] = ()
    mark: tuple[Episode, ...] = ()


def alert_key(source: str, labels: Labels, ignore: frozenset[str] = frozenset()) -> str:
    """Give an alert's identity: equal for equal labels, whatever the ignored and empty ones say (I2, I3)."""
    parts = [source]
    for name in sorted(labels):
        value = labels[name]
        if value and name not in ignore:
            parts += (name, value)
    # The byte 0xFF occurs in no encoded text, so it separates without doubt; JSON may send lone surrogates.
    if "".join(parts).isascii():
        told = "\xff".join(parts).encode("latin-1")
    else:
        told = b"\xff".join([part.encode("utf-8", "surrogatepass") for part in parts])
    return blake2b(told, digest_size=16).hexdigest()


def delivery_digest(receiver: str, group_key: str, alerts: Iterable[Alert], truncated: int) -> str:
    """Give the canonical hash of a delivery: equal when it says the same of the same alerts (I4).

    The order of the alerts, annotations, and the `endsAt` of a firing alert do not count.
    """
    lines = [
        f"{len(alert.fingerprint)}:{alert.fingerprint} {alert.status.value} {alert.starts_at.timestamp()} "
        f"{alert.ends_at.timestamp() if alert.ends_at and alert.status is Status.RESOLVED else 0}"
        for alert in alerts
    ]
    lines.sort()
    head = f"{len(receiver)}:{receiver} {len(group_key)}:{group_key} {truncated}\n"
    return blake2b((head + "\n".join(lines)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def judge(
    alert: Alert,
    last: Episode | None,
    *,
    group_hash: str,
    truncated: bool,
    horizon: timedelta = HORIZON,
    now: datetime,
) -> Judgement:
    """Say what an alert means for the last episode of its key; told twice it changes nothing (I5 to I7)."""
    told = _Told(alert=alert, group_hash=group_hash, truncated=truncated, now=now)
    if alert.status is Status.FIRING:
        if last is None:
            return told.new("fires, and no episode of it is known")
        if last.status is Status.FIRING:
            return _still_firing(told, last)
        return _fires_after_close(told, last, horizon)
    if last is None:
        return told.unseen()
    if last.status is Status.FIRING:
        return _resolves(told, last)
    return _resolved_already(told, last)


def reopen(episode: Episode, *, now: datetime) -> Episode:
    """Give a closed episode as firing again, its re-fire counted (I6); an open one comes back as it is."""
    if episode.status is Status.FIRING:
        return episode
    return replace(
        episode,
        status=Status.FIRING,
        ends_at=None,
        closed_at=None,
        refires=episode.refires + 1,
        flags=episode.flags - _PASSING,
        updated_at=now,
    )


def missing(keys: Collection[str], episodes: Iterable[Episode], *, truncated: bool) -> tuple[Episode, ...]:
    """Give the group's open episodes that its newest body leaves out, newly marked unconfirmed (I8).

    None when the body was truncated, as absence then says nothing (I9).
    """
    if truncated:
        return ()
    return tuple(
        replace(episode, flags=episode.flags | {Flag.UNCONFIRMED})
        for episode in episodes
        if episode.key not in keys
        and episode.status is Status.FIRING
        and Flag.UNCONFIRMED not in episode.flags
    )


def reconcile(
    open_episodes: Iterable[Episode],
    listed: Iterable[Listed],
    *,
    margin: timedelta = MARGIN,
    now: datetime,
) -> Drift:
    """Compare one source's open episodes with its complete list, and give what must change to agree (I10).

    News younger than the margin is left alone: a list can be older than a webhook, and a new alert may still
    wait in its group. Suppressed alerts that are unknown here stay so until they are active.
    """
    there: dict[str, list[Listed]] = {}
    for one in listed:
        there.setdefault(one.key, []).append(one)
    close: list[Episode] = []
    mark: list[Episode] = []
    for episode in open_episodes:
        copies = there.pop(episode.key, None)
        if copies is None and now - episode.updated_at > margin:
            close.append(_closed(episode, ends_at=now, now=now))
            continue
        flags = _marks(episode.flags, copies)
        if flags != episode.flags:
            mark.append(replace(episode, flags=flags))
    unknown = [_first_active(copies) for copies in there.values()]
    opened = tuple(one for one in unknown if one is not None and now - one.starts_at > margin)
    return Drift(close=tuple(close), open=opened, mark=tuple(mark))


def _marks(flags: frozenset[Flag], copies: list[Listed] | None) -> frozenset[Flag]:
    if copies is None:
        return flags | {Flag.UNCONFIRMED}
    found = flags - {Flag.UNCONFIRMED, Flag.SILENCED, Flag.INHIBITED}
    # Copies differ in ignored labels alone; the alert makes noise as long as one of them does.
    if all(one.silenced_by for one in copies):
        found |= {Flag.SILENCED}
    if all(one.inhibited_by for one in copies):
        found |= {Flag.INHIBITED}
    return found


def _first_active(copies: list[Listed]) -> Listed | None:
    active = [one for one in copies if one.state is ListedState.ACTIVE]
    return min(active, key=lambda one: (one.starts_at, one.fingerprint), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One alert, and the delivery that told of it."""

    alert: Alert
    group_hash: str
    truncated: bool
    now: datetime

    def seen(self, flags: frozenset[Flag]) -> frozenset[Flag]:
        if not flags and not self.truncated:
            return flags
        seen = flags - {Flag.UNCONFIRMED, Flag.PARTIAL}
        return seen | {Flag.PARTIAL} if self.truncated else seen

    def onto(self, episode: Episode) -> Episode:
        """Give the episode as told now: newest annotations, earliest start, and the latest one remembered."""
        starts_at, latest = self.alert.starts_at, _latest_start(episode)
        why = episode.why
        if starts_at not in {episode.starts_at, latest}:
            why = _with_latest(why, max(starts_at, latest))
        return replace(
            episode,
            starts_at=min(starts_at, episode.starts_at),
            why=why,
            annotations=self.alert.annotations,
            group_hash=self.group_hash,
            flags=self.seen(episode.flags),
            updated_at=self.now,
        )

    def repeated(self, episode: Episode, reason: str) -> Judgement:
        """Give the same object when nothing changed: ten thousand repeats a second must cost no write."""
        flags = self.seen(episode.flags)
        same = episode
        if episode.annotations != self.alert.annotations:
            # A hold runs from `updated_at`; a new text must not prolong it.
            updated_at = self.now if episode.status is Status.FIRING else episode.updated_at
            same = replace(episode, annotations=self.alert.annotations, updated_at=updated_at)
        if episode.group_hash != self.group_hash or episode.flags != flags:
            same = replace(same, group_hash=self.group_hash, flags=flags)
        return Judgement(verdict=Verdict.REPEAT, episode=same, reason=reason)

    def new(self, reason: str) -> Judgement:
        return Judgement(verdict=Verdict.NEW, episode=self.episode(), reason=reason)

    def unseen(self) -> Judgement:
        reason = "ended before it was seen firing"
        ended = _closed(self.episode(), ends_at=self.alert.ends_at or self.now, now=self.now)
        return Judgement(verdict=Verdict.CLOSED_UNSEEN, episode=replace(ended, reason=reason), reason=reason)

    def episode(self) -> Episode:
        return Episode(
            source=self.alert.source,
            key=self.alert.key,
            fingerprint=self.alert.fingerprint,
            labels=self.alert.labels,
            annotations=self.alert.annotations,
            generator_url=self.alert.generator_url,
            status=Status.FIRING,
            starts_at=self.alert.starts_at,
            opened_at=self.now,
            updated_at=self.now,
            flags=self.seen(frozenset()),
            group_hash=self.group_hash,
        )


def _still_firing(told: _Told, last: Episode) -> Judgement:
    starts_at = told.alert.starts_at
    if starts_at == last.starts_at or last.starts_at < starts_at <= _latest_start(last):
        return told.repeated(last, "fires on; nothing new")
    known = told.onto(last)
    if starts_at < last.starts_at:
        reason = f"fires since {_clock(starts_at)}, earlier than known; the earliest start is kept"
        return Judgement(verdict=Verdict.EARLIER, episode=known, reason=reason)
    known = replace(known, refires=last.refires + 1)
    reason = f"fires anew since {_clock(starts_at)} without an end in between: re-fire {known.refires}"
    return Judgement(verdict=Verdict.REFIRE, episode=known, reason=reason)


def _fires_after_close(told: _Told, last: Episode, horizon: timedelta) -> Judgement:
    repeats = told.alert.starts_at <= _latest_start(last)
    if Flag.HELD_REFIRE in last.flags:
        if repeats and told.now - last.updated_at < REFIRE_HOLD:
            return told.repeated(last, "its re-fire is held already")
        # A new episode beside a held one would make two open ones when the hold ends: they become one.
        again = reopen(told.onto(last), now=told.now)
        reason = "fires on after its re-fire was held"
        return Judgement(verdict=Verdict.REOPENED, episode=again, reason=reason)
    if not repeats:
        return told.new("fires anew after its last episode ended")
    if told.now - (last.closed_at or last.updated_at) > horizon:
        return told.new("fires with a start that ended long ago: no late copy, so a new episode")
    known = told.onto(last)
    held = replace(known, flags=known.flags | {Flag.HELD_REFIRE})
    until = _clock(told.now + REFIRE_HOLD)
    reason = f"fires with the start of what just ended: reopens at {until} unless a resolve comes"
    return Judgement(verdict=Verdict.HELD, episode=held, reason=reason)


def _resolves(told: _Told, last: Episode) -> Judgement:
    ends_at = told.alert.ends_at or told.now
    latest = _latest_start(last)
    # A start that lay in the future when we heard of it must not make every real end look too early.
    if told.alert.starts_at < latest and ends_at <= min(latest, last.updated_at):
        reason = f"ended at {_clock(ends_at)}, before it fired anew: about an earlier episode"
        return Judgement(verdict=Verdict.LATE, episode=last, reason=reason)
    closed = _closed(told.onto(last), ends_at=ends_at, now=told.now)
    return Judgement(verdict=Verdict.CLOSED, episode=closed, reason=f"ended at {_clock(ends_at)}")


def _resolved_already(told: _Told, last: Episode) -> Judgement:
    starts_at = told.alert.starts_at
    if starts_at > _latest_start(last) and last.ends_at is not None and starts_at >= last.ends_at:
        # Recorded, so that a stale firing of this start, which may still come, is held and pages nobody.
        return told.unseen()
    if Flag.HELD_REFIRE in last.flags:
        let_go = replace(last, flags=last.flags - {Flag.HELD_REFIRE}, updated_at=told.now)
        reason = "its resolve came while a re-fire was held: the firing was a late copy"
        return Judgement(verdict=Verdict.LATE, episode=let_go, reason=reason)
    return Judgement(verdict=Verdict.LATE, episode=last, reason="ended already")


def _closed(episode: Episode, *, ends_at: datetime, now: datetime) -> Episode:
    return replace(
        episode,
        status=Status.RESOLVED,
        # A source whose clock jumps can end an alert before it began; durations must not be negative.
        ends_at=max(ends_at, episode.starts_at),
        closed_at=now,
        flags=episode.flags - _PASSING,
        updated_at=now,
    )


def _latest_start(episode: Episode) -> datetime:
    known = episode.why.get(_LATEST) if episode.why else None
    return (
        max(episode.starts_at, datetime.fromisoformat(known)) if isinstance(known, str) else episode.starts_at
    )


def _with_latest(why: JsonObject | None, latest: datetime) -> JsonObject:
    return {**(why or {}), _LATEST: latest.isoformat()}


def _clock(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%H:%M:%S} UTC"
