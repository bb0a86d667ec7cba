"""Runs recorded deliveries through the real intake, decisions and outbox, on a clock that jumps.

The clock goes from delivery to delivery, and between them from one due time to the next, so that everything happens at
its own instant and nothing is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from incident_bot.core.errors import Refused
from incident_bot.core.model import Paging
from incident_bot.flow import commands, deliver, escalate, interventions
from incident_bot.flow.context import Context
from incident_bot.flow.intake import BATCH_BODIES, Intake
from incident_bot.flow.replay.recordings import Recorded, Skipped
from incident_bot.flow.replay.silent import Heard
from incident_bot.store import incidents
from incident_bot.store import interventions as kept_interventions
from incident_bot.store.due import next_due
from incident_bot.store.engine import Store

AFTER_THE_LAST: Final = timedelta(hours=12)
"""How long the clock goes on behind the last delivery where nobody says until when."""
STORED: Final = 200
_ANSWERED: Final = {"page": Paging.TRIGGERED, "ask": Paging.ACKNOWLEDGED}
"""What somebody answers, and how the incident must stand for it."""


class MovedClock(Protocol):
    """A clock that stands still until it is moved."""

    def now(self) -> datetime:
        """Give the instant at which it stands."""

    def set(self, instant: datetime) -> datetime:
        """Move it ahead to this instant."""


def bring(context: Context, kept: Store, *, start: datetime) -> None:
    """Take over the overrides and maintenance windows that people made at run time and that count from then on."""
    schedules = context.live.current.revision.schedules
    with kept.read() as tx:
        changes = [one for name in sorted(schedules) for one in kept_interventions.overrides(tx, name, start)]
        windows = kept_interventions.maintenance(tx, now=start)
    with context.store.write() as tx:
        for one in sorted(changes, key=lambda one: one.id):
            kept_interventions.add_override(tx, one.schedule, one.change, by=one.created_by, now=start)
    for window in windows:
        # One that was planned under other rules is left out rather than let it end the replay.
        with suppress(Refused):
            interventions.add_maintenance(
                context, matchers=window.matchers, start=window.start, end=window.end, reason=window.reason,
                actor=window.created_by, now=start,
            )  # fmt: skip


def run(
    context: Context,
    intake: Intake,
    deliveries: Sequence[Recorded],
    *,
    clock: MovedClock,
    heard: Heard,
    until: datetime,
    ack_after: timedelta | None = None,
    tell: Callable[[int], None] | None = None,
) -> list[Skipped]:
    """Deliver each at its instant and let time pass until the end; gives what the intake did not take.

    With `ack_after`, whoever was paged first for an incident acknowledges so long after that page went out, and answers
    in the same way when asked whether they are still on it. `tell` is called with how many deliveries are done.
    """
    going = _Going(context, clock, heard, ack_after)
    names = {one.name for one in context.live.current.revision.sources}
    skipped: list[Skipped] = []
    done = 0
    for batch in _together(sorted(deliveries, key=lambda one: one.at)):
        going.pass_until(max(batch[0].at, clock.now()))
        skipped += _delivered(intake, batch, names)
        done += len(batch)
        if tell is not None:
            tell(done)
    going.pass_until(max(until, clock.now()))
    return skipped


def _together(deliveries: Sequence[Recorded]) -> Iterator[list[Recorded]]:
    """Give those of one instant in one piece: the intake commits together what waits together."""
    for _, same in groupby(deliveries, key=lambda one: one.at):
        found = list(same)
        yield from (found[place : place + BATCH_BODIES] for place in range(0, len(found), BATCH_BODIES))


def _delivered(intake: Intake, batch: Sequence[Recorded], names: AbstractSet[str]) -> list[Skipped]:
    """Hand them in as the door does; gives those that were not taken, and why, in their order."""
    answers = iter(intake.deliver([(one.source, one.body) for one in batch if one.source in names]))
    skipped: list[Skipped] = []
    for one in batch:
        if one.source not in names:
            known = ", ".join(sorted(names)) or "none"
            reason = f"the source {one.source!r} is not configured; configured: {known}"
            skipped.append(Skipped(place=one.place, reason=reason))
        elif (answer := next(answers)).status != STORED:
            reason = f"{answer.path}: {answer.detail}" if answer.path else str(answer.detail)
            skipped.append(Skipped(place=one.place, reason=reason))
    return skipped


class _Going:
    """Moves the clock, and does what falls due on the way."""

    def __init__(
        self, context: Context, clock: MovedClock, heard: Heard, ack_after: timedelta | None
    ) -> None:
        self._context = context
        self._clock = clock
        self._heard = heard
        self._ack_after = ack_after
        self._promised: dict[tuple[int, str, str], tuple[datetime, str]] = {}
        """By incident, its epoch and what was asked: when it is answered, and by whom."""

    def pass_until(self, instant: datetime) -> None:
        """Do everything that falls due up to the instant, each at its own, and stand there."""
        while True:
            with self._context.store.read() as tx:
                timer, row = next_due(tx)
            promised = min((due for due, _ in self._promised.values()), default=None)
            due = min((one for one in (timer, row, promised) if one is not None), default=None)
            if due is None or due > instant:
                break
            if due > self._clock.now():
                self._move(due)
            if not self._act(timer, row):
                message = f"something due at {due.isoformat()} cannot be done; the replay ends here"
                raise Refused(message)
        self._move(instant)

    def _move(self, instant: datetime) -> None:
        self._clock.set(instant)
        self._context.live.count_anew(now=instant)

    def _act(self, timer: datetime | None, row: datetime | None) -> bool:
        """Do one kind of what is due now: what fires goes before what is sent, and answers come last."""
        now = self._clock.now()
        if timer is not None and timer <= now and escalate.tick(self._context, now=now):
            return True
        if row is not None and row <= now and deliver.drain(self._context, now=self._clock.now):
            self._listen()
            return True
        return self._answer()

    def _listen(self) -> None:
        for message in self._heard.take():
            if self._ack_after is not None and message.kind in _ANSWERED:
                # The key of rule P4 names the incident and its epoch; a note or a second way is the same question.
                _, number, epoch, *_ = message.key.split(":")
                asked = int(number), epoch, message.kind
                self._promised.setdefault(asked, (self._clock.now() + self._ack_after, message.recipient))

    def _answer(self) -> bool:
        now = self._clock.now()
        ready = [asked for asked, (due, _) in self._promised.items() if due <= now]
        for asked in ready:
            _, person = self._promised.pop(asked)
            number, epoch, kind = asked
            with self._context.store.read() as tx:
                incident = incidents.get(tx, number)
            if incident is None or str(incident.epoch) != epoch:
                continue
            if incident.paging is _ANSWERED[kind]:
                with suppress(Refused):
                    commands.handle(
                        self._context, "ack", incident=number, actor=person, source="replay", now=now
                    )
        return bool(ready)
