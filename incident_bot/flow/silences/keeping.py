"""Has the sources of alerts hold and lift the silences that people asked for, and looks whether they still do.

At least once and never twice: what was asked before is looked up by its key before it is asked again, so a lost answer
makes no second silence. Each call is made outside of a transaction, and what came of it is recorded with its entry on
the timeline. What people ask meanwhile counts: the row is worked on again at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.config.revision import SourceConfig
from incident_bot.core.incident import SilenceTold, observe
from incident_bot.core.model import Incident, Kind
from incident_bot.core.timeline import one_line, redact
from incident_bot.flow.context import Context
from incident_bot.flow.ingest import reconcile_timer
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.oncall.notices import name_of
from incident_bot.flow.silences.planning import silencer_of
from incident_bot.outgoing import CallFailed
from incident_bot.render.messages import incident_url
from incident_bot.sources.base import NewSilence, Silencer, SilenceRefused
from incident_bot.store import incidents, silences, timers
from incident_bot.store.silences import SilenceRow, SilenceWish
from incident_bot.store.transaction import LostRace

LEASE: Final = timedelta(seconds=90)
"""Longer than the calls of one look take together."""
LOOK_EVERY: Final = timedelta(seconds=60)
"""How often a source is asked whether it still holds a silence."""
AGAIN_FIRST: Final = timedelta(seconds=2)
AGAIN_MOST: Final = timedelta(seconds=60)
GIVE_UP: Final = timedelta(minutes=10)
"""How long a source is asked to make a silence; one to be lifted is asked for until it ends by itself."""
NEAR: Final = timedelta(seconds=5)
"""Clocks differ: what is gone so shortly before its end has ended, and so much is no other end."""
LOOK_AT_ALERTS: Final = timedelta(seconds=1)
"""How soon after a change the source is asked which alerts it silences."""
COMMENT_MOST: Final = 300
RACES_MOST: Final = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What came of one look."""

    due_at: datetime | None
    """When to look again; None where it is over."""
    news: SilenceTold | None = None
    silence_id: str | None = None
    held_until: datetime | None = None
    ends_at: datetime | None = None
    """Another end than the one that was asked for."""
    attempts: int = 0
    error: str | None = None


class Silencing:
    """Works on silences; safe to have several, in several processes."""

    def __init__(self, context: Context, now: Callable[[], datetime]) -> None:
        """Take the wired parts and what reads the clock."""
        self._context = context
        self._now = now

    def step(self) -> bool:
        """Do what is due for one silence; says whether there was one."""
        if self._context.sealed:
            return False
        with self._context.store.write() as tx:
            row = silences.claim(tx, owner=self._context.owner, lease=LEASE, now=self._now())
            incident = incidents.get(tx, row.incident_id) if row is not None else None
        if row is None or incident is None:
            return False
        self._record(row, self._look(row, incident))
        return True

    def work(self, *, due: bool) -> bool:
        """Do a step where a silence is due."""
        return due and self.step()

    def _look(self, row: SilenceRow, incident: Incident) -> _Found:
        now = self._now()
        held_on = row.held_until is not None and row.held_until > now
        if now >= row.ends_at and not held_on:
            kind = Kind.SILENCE_ENDED if row.held_until else Kind.SILENCE_FAILED
            reason = None if row.held_until else row.error or "its time was over before the source took it"
            return _Found(due_at=None, news=SilenceTold(number=row.number, kind=kind, reason=reason))
        known = silencer_of(self._context.live.current, row.source)
        lifts = row.wish is SilenceWish.LIFT or now >= row.ends_at
        if known is None:
            problem = f"no source {row.source} with an `api_url` is configured"
            return self._away(row, problem) if lifts or self._confirmed(row) else self._refused(row, problem)
        try:
            if lifts:
                return self._lift(row, incident, known)
            return self._check(row, known) if self._confirmed(row) else self._hold(row, incident, known)
        except SilenceRefused as refused:
            again = lifts or self._confirmed(row)
            return self._away(row, str(refused)) if again else self._refused(row, str(refused))
        except CallFailed as failed:
            over = now - row.asked_at >= GIVE_UP and not lifts and not self._confirmed(row)
            return self._refused(row, str(failed)) if over else self._away(row, str(failed))

    @staticmethod
    def _confirmed(row: SilenceRow) -> bool:
        """Say whether the source holds it as it was asked for last."""
        return row.silence_id is not None and row.held_until == row.ends_at

    def _hold(self, row: SilenceRow, incident: Incident, known: tuple[Silencer, SourceConfig]) -> _Found:
        silencer, source = known
        url, key = source.api_url or "", _key(incident, row)
        held = silencer.find(self._context.client, url, key)
        new = NewSilence(
            key=key,
            matchers=row.matchers,
            starts_at=row.asked_at,
            ends_at=row.ends_at,
            created_by=name_of(self._context.live.current, row.asked_by),
            comment=self._comment(incident, row),
        )
        number = silencer.hold(self._context.client, url, new, held)
        return _Found(
            due_at=min(row.ends_at, self._now() + LOOK_EVERY),
            news=SilenceTold(number=row.number, kind=Kind.SILENCED, until=row.ends_at),
            silence_id=number,
            held_until=row.ends_at,
        )

    def _check(self, row: SilenceRow, known: tuple[Silencer, SourceConfig]) -> _Found:
        silencer, source = known
        now = self._now()
        held = silencer.look(self._context.client, source.api_url or "", row.silence_id or "")
        if held is None and row.ends_at - now > NEAR:
            return _Found(due_at=None, news=SilenceTold(number=row.number, kind=Kind.SILENCE_GONE))
        ends_at, news = row.ends_at, None
        if held is not None and abs(held.ends_at - row.ends_at) > NEAR:
            # Somebody moved its end there: theirs holds.
            ends_at = held.ends_at
            news = SilenceTold(number=row.number, kind=Kind.SILENCED, until=ends_at)
        return _Found(
            due_at=min(ends_at, now + LOOK_EVERY),
            news=news,
            silence_id=row.silence_id,
            held_until=ends_at,
            ends_at=ends_at,
        )

    def _lift(self, row: SilenceRow, incident: Incident, known: tuple[Silencer, SourceConfig]) -> _Found:
        silencer, source = known
        client, url = self._context.client, source.api_url or ""
        if row.silence_id is not None:
            silencer.lift(client, url, row.silence_id)
        # The answer to what was asked last may have been lost: then it has another name there, or we know none.
        left = silencer.find(client, url, _key(incident, row))
        if left is not None:
            silencer.lift(client, url, left.id)
        news = SilenceTold(number=row.number, kind=Kind.SILENCE_LIFTED, reason=row.lift_reason)
        return _Found(due_at=None, news=news)

    def _refused(self, row: SilenceRow, reason: str) -> _Found:
        """Give it up; where the source holds it until another end, that one counts again."""
        now, held = self._now(), row.held_until
        if held is None or held <= now:
            news = SilenceTold(number=row.number, kind=Kind.SILENCE_FAILED, reason=reason)
            return _Found(due_at=None, news=news, error=reason)
        return _Found(
            due_at=min(held, now + LOOK_EVERY),
            news=SilenceTold(number=row.number, kind=Kind.SILENCE_FAILED, reason=reason, until=held),
            silence_id=row.silence_id,
            held_until=held,
            ends_at=held,
            error=reason,
        )

    def _away(self, row: SilenceRow, reason: str) -> _Found:
        """Ask again later; the first time that is said, unless it was only to be looked at."""
        now = self._now()
        wait = min(AGAIN_FIRST * 2 ** min(row.attempts, 10), AGAIN_MOST) * (0.5 + self._context.chance() / 2)
        looked = self._confirmed(row) and row.wish is SilenceWish.HOLD
        told = row.attempts > 0 or looked
        news = SilenceTold(number=row.number, kind=Kind.SILENCE_FAILED, reason=reason, again=True)
        return _Found(
            # It ends by itself, asked or not; until then it is asked.
            due_at=max(
                min(now + wait, max(row.ends_at, row.held_until or row.ends_at)), now + AGAIN_FIRST / 2
            ),
            news=None if told else news,
            silence_id=row.silence_id,
            held_until=row.held_until,
            attempts=row.attempts + 1,
            error=reason,
        )

    def _comment(self, incident: Incident, row: SilenceRow) -> str:
        if incident.private:
            # Everybody reads it there.
            return incident.name
        reason = f": {row.reason}" if row.reason else ""
        said = one_line(redact(f"{incident.name} {incident.title}{reason}"), COMMENT_MOST)
        url = incident_url(self._context.settings.public_url, incident)
        return f"{said} {url}" if url.startswith("http") else said

    def _record(self, row: SilenceRow, found: _Found) -> None:
        for _ in range(RACES_MOST):
            try:
                self._written(row, found)
            except LostRace:
                continue
            break
        self._context.signals.changed()
        self._context.store.notify()

    def _written(self, row: SilenceRow, found: _Found) -> None:
        context, now = self._context, self._now()
        with context.store.write() as tx:
            incident = incidents.get(tx, row.incident_id, lock=True)
            same = silences.settle(
                tx,
                row,
                owner=context.owner,
                due_at=found.due_at,
                silence_id=found.silence_id,
                held_until=found.held_until,
                ends_at=found.ends_at,
                attempts=found.attempts,
                error=found.error,
                now=now,
            )
            if not same or found.news is None or incident is None:
                return
            ledger = Ledger(context, tx, now=now)
            rules = ledger.current.revision.rules
            ledger.take(
                observe(found.news, ledger.incident(incident), rules=rules, source=row.source, now=now)
            )
            ledger.flush()
            if found.news.kind is not Kind.SILENCE_FAILED and silencer_of(ledger.current, row.source):
                timers.set_timers(tx, [reconcile_timer(row.source, now + LOOK_AT_ALERTS)], now=now)
        context.metrics.silences.labels(result=found.news.kind.value).inc()
        log.info(
            "a silence changed",
            incident=incident.name,
            number=row.number,
            source=row.source,
            what=found.news.kind.value,
            error=found.error,
        )


def _key(incident: Incident, row: SilenceRow) -> str:
    """Give what no other silence has in its comment, whichever installation made it."""
    return f"incident-bot/{incident.name}/{incident.opened_at:%Y%m%dT%H%M%SZ}/{row.number}"
