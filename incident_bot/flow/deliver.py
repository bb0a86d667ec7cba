"""Stage 6: takes what waits in the outbox, sends it, and records what came of it (S1 to S5).

Claim and record are transactions; the provider is called between them, never inside. A page is claimed only while
its incident still wants it (P3, P6); a killed sender's rows come back when their lease ends (S4).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Final

import structlog

from incident_bot.core.circuit import Answer
from incident_bot.core.effects import (
    DEATHS_MOST,
    MESSAGE_BACKOFF_MOST,
    PAGE_BACKOFF_MOST,
    try_again_at,
)
from incident_bot.flow import acklinks, circuits, lanes
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.oncall import links
from incident_bot.flow.outcomes import Result, count, reason, spread, tell_timeline, word
from incident_bot.flow.retries import heard
from incident_bot.flow.slack.announcements import NotYet
from incident_bot.flow.words import Facts, words_for
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, RetryLater
from incident_bot.outgoing import SEND_MOST_SECONDS
from incident_bot.store import incidents, outbox
from incident_bot.store.outbox import Again, Claimed, Failed, OutboxRow, RowKind, Sent
from incident_bot.store.transaction import LostRace, Tx, Unavailable

LEASE: Final = timedelta(seconds=SEND_MOST_SECONDS + 5)
"""Longer than a provider call may take (S2); a row whose sender died is taken over after it (S4)."""
BATCH: Final = 64
TOGETHER_SECONDS: Final = 0.02
"""What comes back within so long is recorded by one transaction, while much is sent."""
MUCH: Final = timedelta(seconds=0.1)
"""Records that follow each other faster mean that much is sent."""

log = structlog.get_logger(__name__)


def drain(context: Context, *, now: Callable[[], datetime]) -> int:
    """Send what is due, one after the other in this thread; gives how many rows were handled. One claim a call."""
    claimed = _claim(context, BATCH, now=now())
    if claimed.rows:
        results = [
            found if isinstance(found, Result) else _attempt(context, row, found, now)
            for row, found in list(_written(context, claimed.rows, now))
        ]
        record(context, [one for result in results for one in spread(result)], now=now())
    return len(claimed.rows) + len(claimed.dropped) + claimed.late


class Postman:
    """Sends side by side: one thread claims as much as there are free senders, another records what came back, in bulk.

    A slow provider holds up its own messages only, and what is worst is claimed first.
    """

    def __init__(
        self,
        context: Context,
        pool: Executor,
        *,
        senders: int,
        now: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        """Take the senders' pool, how many it has, and what has `step` called soon: a sender is free again."""
        self._context = context
        self._wake = wake
        self._pool = pool
        self._free = senders
        self._lock = threading.Lock()
        """Guards how many are free."""
        self._short = False
        """Whether more was due than there were senders."""
        self._now = now
        self._back: SimpleQueue[Result | None] = SimpleQueue()
        self._unrecorded: list[Result] = []
        self._recorded_at: datetime | None = None
        self._pause = threading.Event()

    def step(self, *, due: bool = True) -> bool:
        """Send what is due, if anything; says whether there was anything to do."""
        limit = min(self._free, BATCH)
        self._short = due
        if not limit or not due:
            return False
        claimed = _claim(self._context, limit, now=self._now())
        self._short = len(claimed.rows) == limit
        if claimed.rows:
            self._send_all(claimed.rows)
        return bool(claimed.rows or claimed.dropped or claimed.late)

    def record(self, *, within: float) -> None:
        """Wait for what comes back, so many seconds at most, and write it down; while much is sent, several at once.

        A page never waits for the records of those before it. A death before the record is as one before the answer
        came (S4).
        """
        if not self._unrecorded:
            with suppress(Empty):
                self._keep(self._back.get(timeout=within))
            if not self._unrecorded:
                return
            if self._recorded_at is not None and self._now() - self._recorded_at < MUCH:
                # Each commit holds up those that bring new pages.
                self._pause.wait(TOGETHER_SECONDS)
        self._record_back()
        self._recorded_at = self._now()

    def end(self) -> None:
        """Have `record`, if it waits, return."""
        self._pause.set()
        self._back.put(None)

    def finish(self) -> None:
        """Record what came back after the last step; nobody else records then."""
        self._record_back()

    def _send_all(self, rows: Sequence[OutboxRow]) -> None:
        # Each goes as soon as it is written, the most important first.
        for row, found in _written(self._context, rows, self._now):
            if isinstance(found, Result):
                self._back.put(found)
            else:
                with self._lock:
                    self._free -= 1
                self._pool.submit(self._send, row, found)

    def _send(self, row: OutboxRow, message: Message | None) -> None:
        self._back.put(_attempt(self._context, row, message, self._now))
        with self._lock:
            self._free += 1
        if self._short:
            self._wake()

    def _keep(self, result: Result | None) -> None:
        if result is not None:
            self._unrecorded.extend(spread(result))

    def _record_back(self) -> None:
        with suppress(Empty):
            while True:
                self._keep(self._back.get_nowait())
        if self._unrecorded:
            # Kept until it is written: where the database is away, the next call tries again.
            record(self._context, self._unrecorded, now=self._now())
            self._unrecorded = []


def record(context: Context, results: Sequence[Result], *, now: datetime) -> None:
    """Write what attempts brought, and the events that tell of it; one bad row does not hold up the others."""
    try:
        _record_together(context, results, now=now)
    except Unavailable:
        raise
    except Exception:
        # The fence of the outbox: an outcome that is not written would be sent again for ever.
        log.exception("results could not be recorded together", rows=len(results))
        for result in results:
            _record_alone(context, result, now=now)
    context.signals.changed()


def undelivered(context: Context, row: OutboxRow, reason: str, *, now: datetime) -> None:
    """Record that what a provider took did not arrive: the same person's next channel is tried at once (S5).

    So it is for every page that stood in the same message.
    """
    while True:
        try:
            with context.store.write() as tx:
                rows = outbox.together(tx, row)
                known = incidents.get_many(tx, {one.incident_id for one in rows if one.incident_id})
                ledger = Ledger(context, tx, now=now)
                for one in rows:
                    if not outbox.lose(tx, one.id, reason):
                        continue
                    count(context, one, "undelivered")
                    incident = known.get(one.incident_id or 0)
                    if incident is not None:
                        result = Result(one, Failed(reason))
                        tell_timeline(context, ledger, ledger.incident(incident), result, now=now)
                ledger.flush()
        except LostRace:
            continue
        break
    context.signals.changed()


def _record_together(context: Context, results: Sequence[Result], *, now: datetime) -> None:
    while True:
        try:
            with context.store.write() as tx:
                _record(context, tx, results, now=now)
        except LostRace:
            continue
        return


def _record_alone(context: Context, result: Result, *, now: datetime) -> None:
    try:
        _record_together(context, [result], now=now)
    except Unavailable:
        raise
    except Exception:
        # The same fence, for one row: what was sent is settled even where its entry cannot be written.
        log.exception(
            "an outcome is recorded without its entry", incident=result.row.incident_id, row=result.row.id
        )
        with context.store.write() as tx:
            outbox.settle(tx, result.row, result.outcome, now=now)


def _claim(context: Context, limit: int, *, now: datetime) -> Claimed:
    with context.store.write() as tx:
        claimed = outbox.claim(
            tx, owner=context.owner, lease=LEASE, limit=limit, lanes=context.lanes, now=now
        )
    if claimed.late:
        lanes.hurry(context, now=now)
    for row in claimed.dropped:
        count(context, row, "cancelled")
    return claimed


def _written(
    context: Context, rows: Sequence[OutboxRow], now: Callable[[], datetime]
) -> Iterator[tuple[OutboxRow, Message | Result | None]]:
    """Give each row with its words, or with what became of it instead, as soon as they are there."""
    left = deque(rows)
    # Read by one connection: sixteen senders that each read for themselves stand in each other's way.
    try:
        with context.store.read() as tx:
            facts = Facts(tx)
            held = circuits.held(context, tx, rows, now=now())
            while left:
                row = left[0]
                found = Result(row, held[row.id]) if row.id in held else _words(context, facts, row, now())
                left.popleft()
                yield row, found
    except Unavailable as problem:
        for row in left:
            yield row, Result(row, _again(context, row, now(), str(problem)))


def _words(context: Context, facts: Facts, row: OutboxRow, now: datetime) -> Message | Result | None:
    if row.attempts > DEATHS_MOST and now > row.give_up_at + LEASE:
        # No try begins so late but one whose sender died, again and again: perhaps of this very row.
        return Result(row, Failed(f"given up after {row.attempts} attempts, the last ones without an end"))
    try:
        return words_for(context, facts, row, now=now)
    except NotYet as wait:
        return Result(row, Again(now + wait.after, str(wait)))
    except Unavailable:
        raise
    except Exception as problem:  # the fence of the transports: one row's words must not stop the others
        log.exception("a message could not be written", channel=row.via, incident=row.incident_id)
        return Result(row, _again(context, row, now, f"{type(problem).__name__} while writing"))


def _attempt(
    context: Context, row: OutboxRow, message: Message | None, now: Callable[[], datetime]
) -> Result:
    try:
        return _send(context, row, message, now)
    except Exception as problem:  # the fence of the transports: one notifier's bug must not stop the others
        log.exception("a message could not be sent", channel=row.via, incident=row.incident_id)
        return Result(row, _again(context, row, now(), f"{type(problem).__name__} while sending"))


def _send(context: Context, row: OutboxRow, message: Message | None, now: Callable[[], datetime]) -> Result:
    notifier = context.notifiers.get(row.via)
    if message is None:
        return Result(row, Failed("its incident or person no longer exists"))
    if notifier is None:
        return Result(row, Failed(f"the channel {row.via} is not set up here"))
    links.keep(context, row, message.url, now=now())
    acklinks.keep(context, row, message.ack_url, now=now())
    try:
        receipt = notifier.send(message)
    except RetryLater as problem:
        lanes.throttled(context, row, problem.after, now=now())
        # Whoever says how long to wait is well: its lane waits, its circuit stays closed.
        answer = Answer.FAILED if problem.after is None else None
        return Result(row, _again(context, row, now(), str(problem), asked=problem.after), answer=answer)
    except GiveUp as problem:
        denied = problem.reason is GiveUpReason.AUTH
        return Result(row, Failed(str(problem)), answer=Answer.DENIED if denied else None)
    return Result(row, Sent(receipt.provider_id), answer=Answer.WORKED)


def _again(
    context: Context, row: OutboxRow, now: datetime, error: str, *, asked: timedelta | None = None
) -> Again | Failed:
    again = try_again_at(
        heard(context, row, now=now),
        give_up_at=row.give_up_at,
        most=PAGE_BACKOFF_MOST if row.kind is RowKind.PAGE else MESSAGE_BACKOFF_MOST,
        asked=asked,
        chance=context.chance(),
        now=now,
    )
    if again is None:
        return Failed(f"given up after {row.attempts} attempt{'s' if row.attempts > 1 else ''}: {error}")
    return Again(again, error, asked=asked is not None)


def _record(context: Context, tx: Tx, results: Sequence[Result], *, now: datetime) -> None:
    ledger = Ledger(context, tx, now=now)
    # Incidents are locked before their rows, as everywhere, so that no two writers wait for each other.
    known = incidents.get_many(tx, {one.row.incident_id for one in results if one.row.incident_id})
    ours = outbox.settle_all(tx, [(one.row, one.outcome) for one in results], now=now)
    heard = [(one.row, one.answer, reason(one.outcome)) for one in results]
    down = circuits.note(context, tx, heard, now=now)
    for result in sorted(results, key=lambda one: (one.row.incident_id or 0, one.row.id)):
        if result.row.id not in ours:
            continue
        count(context, result.row, word(result.outcome))
        incident = known.get(result.row.incident_id or 0)
        if incident is not None:
            tell_timeline(context, ledger, ledger.incident(incident), result, down=down, now=now)
    ledger.flush()
