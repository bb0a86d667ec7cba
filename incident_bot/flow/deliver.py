"""Stage 6: takes what waits in the outbox, sends it, and records what came of it (S1 to S5).

Claim and record are transactions; the provider is called between them, never inside. A page is claimed only while
its incident still wants it (P3, P6); a killed sender's rows come back when their lease ends (S4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Final

import structlog

from incident_bot.core.circuit import Answer, Circuit
from incident_bot.core.effects import (
    DEATHS_MOST,
    MESSAGE_BACKOFF_MOST,
    PAGE_BACKOFF_MOST,
    PageKind,
    try_again_at,
)
from incident_bot.core.incident import MessageFailed, PageDiverted, PageFailed, PageSent, PageWaits, observe
from incident_bot.core.model import Incident
from incident_bot.flow import acklinks, circuits, lanes, quiet
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.oncall import links
from incident_bot.flow.postponed import facts_of, put_off
from incident_bot.flow.retries import heard
from incident_bot.flow.slack.announcements import NotYet
from incident_bot.flow.words import Facts, words_for
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, RetryLater
from incident_bot.outgoing import SEND_MOST_SECONDS
from incident_bot.store import incidents, outbox
from incident_bot.store.outbox import Again, Claimed, Failed, OutboxRow, Outcome, RowKind, Sent
from incident_bot.store.transaction import LostRace, Tx, Unavailable

LEASE: Final = timedelta(seconds=SEND_MOST_SECONDS + 5)
"""Longer than a provider call may take (S2); a row whose sender died is taken over after it (S4)."""
BATCH: Final = 64

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt brought."""

    row: OutboxRow
    outcome: Outcome
    answer: Answer | None = None
    """What the provider's answer says of the way out, where it was asked."""
    beside: tuple[int, int] | None = None
    """Of a page that shared its message: another incident in it, and how many more there were (S7)."""


def drain(context: Context, *, now: Callable[[], datetime]) -> int:
    """Send what is due, one after the other in this thread; gives how many rows were handled. One claim a call."""
    claimed = _claim(context, BATCH, now=now())
    if claimed.rows:
        results = [
            found if isinstance(found, Result) else _attempt(context, row, found, now)
            for row, found in _written(context, claimed.rows, now)
        ]
        record(context, [one for result in results for one in spread(result)], now=now())
    return len(claimed.rows) + len(claimed.dropped) + claimed.late


class Postman:
    """Sends side by side: claims as much as there are free senders, and records what came back, in bulk.

    A slow provider holds up its own messages only, and what is worst is claimed first.
    """

    def __init__(
        self, context: Context, pool: Executor, *, senders: int, now: Callable[[], datetime]
    ) -> None:
        """Take the senders' pool and how many it has."""
        self._context = context
        self._pool = pool
        self._free = senders
        self._now = now
        self._back: SimpleQueue[Result] = SimpleQueue()
        self._unrecorded: list[Result] = []

    def step(self, *, due: bool = True) -> bool:
        """Record what came back and send what is due, if any; says whether there was anything to do."""
        busy = self._record_back()
        if not self._free or not due:
            return busy
        claimed = _claim(self._context, min(self._free, BATCH), now=self._now())
        if claimed.rows:
            self._send_all(claimed.rows)
        return busy or bool(claimed.rows or claimed.dropped or claimed.late)

    def finish(self) -> None:
        """Record what came back after the last step."""
        self._record_back()

    def _send_all(self, rows: Sequence[OutboxRow]) -> None:
        for row, found in _written(self._context, rows, self._now):
            self._free -= 1
            if isinstance(found, Result):
                self._back.put(found)
            else:
                self._pool.submit(self._send, row, found)

    def _send(self, row: OutboxRow, message: Message | None) -> None:
        self._back.put(_attempt(self._context, row, message, self._now))
        self._context.signals.changed()

    def _record_back(self) -> bool:
        with suppress(Empty):
            while True:
                self._unrecorded.extend(spread(self._back.get_nowait()))
                self._free += 1
        if not self._unrecorded:
            return False
        # Kept until it is written: where the database is away, the next step tries again.
        record(self._context, self._unrecorded, now=self._now())
        self._unrecorded = []
        return True


def spread(result: Result) -> list[Result]:
    """Give what one message brought for every page that stood in it (S7)."""
    rows = (result.row, *result.row.carries)
    if len(rows) == 1:
        return [result]
    numbers = list(dict.fromkeys(row.incident_id or 0 for row in rows))[:2]
    more = len({row.incident_id for row in rows}) - 2
    found: list[Result] = []
    for row in rows:
        other = next((number for number in numbers if number != row.incident_id), None)
        # One call was made: the way out is judged by it once.
        answer = result.answer if row is result.row else None
        beside = None if other is None else (other, more)
        found.append(Result(row, result.outcome, answer=answer, beside=beside))
    return found


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
                    _count(context, one, "undelivered")
                    incident = known.get(one.incident_id or 0)
                    if incident is not None:
                        result = Result(one, Failed(reason))
                        _tell_timeline(context, ledger, ledger.incident(incident), result, now=now)
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
        _count(context, row, "cancelled")
    return claimed


def _written(
    context: Context, rows: Sequence[OutboxRow], now: Callable[[], datetime]
) -> list[tuple[OutboxRow, Message | Result | None]]:
    # Read by one connection: sixteen senders that each read for themselves stand in each other's way.
    try:
        with context.store.read() as tx:
            facts = Facts(tx)
            held = circuits.held(context, tx, rows, now=now())
            return [
                (row, Result(row, held[row.id]) if row.id in held else _words(context, facts, row, now()))
                for row in rows
            ]
    except Unavailable as problem:
        return [(row, Result(row, _again(context, row, now(), str(problem)))) for row in rows]


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
    heard = [(one.row, one.answer, _reason(one.outcome)) for one in results]
    down = circuits.note(context, tx, heard, now=now)
    for result in sorted(results, key=lambda one: (one.row.incident_id or 0, one.row.id)):
        if result.row.id not in ours:
            continue
        _count(context, result.row, _word(result.outcome))
        incident = known.get(result.row.incident_id or 0)
        if incident is not None:
            _tell_timeline(context, ledger, ledger.incident(incident), result, down=down, now=now)
    ledger.flush()


def _tell_timeline(
    context: Context,
    ledger: Ledger,
    incident: Incident,
    result: Result,
    *,
    down: Mapping[str, Circuit] = MappingProxyType({}),
    now: datetime,
) -> None:
    row, outcome = result.row, result.outcome
    rules = context.live.current.revision.rules
    decided: PageSent | PageFailed | PageDiverted | PageWaits | MessageFailed | None
    if row.kind is RowKind.MESSAGE:
        if not isinstance(outcome, Failed):
            return
        moment = row.moment.value if row.moment else "message"
        decided = MessageFailed(channel=row.recipient or row.via, moment=moment, reason=outcome.error)
    elif isinstance(outcome, Sent):
        decided = PageSent(**facts_of(row), provider_id=outcome.provider_id, beside=result.beside)
    elif isinstance(outcome, Failed):
        outbox.hasten(ledger.tx, row, now=quiet.earliest(ledger, incident, row, now=now))
        decided = PageFailed(**facts_of(row), reason=outcome.error, step_dead=_step_dead(ledger.tx, row))
    else:
        circuit = down.get(circuits.name_of(row))
        decided = put_off(ledger, incident, row, outcome, circuit=circuit, now=now)
        if decided is None:
            return
    ledger.take(observe(decided, incident, rules=rules, now=now, source="worker"))


def _step_dead(tx: Tx, row: OutboxRow) -> bool:
    if row.page_kind is not PageKind.STEP:
        return False
    same = [
        page
        for page, _ in outbox.pages_of(tx, row.incident_id or 0)
        if (page.page_kind, page.epoch, page.loop, page.step)
        == (row.page_kind, row.epoch, row.loop, row.step)
    ]
    return all(page.lost for page in same)


def _count(context: Context, row: OutboxRow, result: str) -> None:
    counter = context.metrics.pages if row.kind is RowKind.PAGE else context.metrics.messages
    counter.labels(channel=row.via, result=result).inc()


def _word(outcome: Outcome) -> str:
    match outcome:
        case Sent():
            return "sent"
        case Again():
            return "retry"
        case Failed():
            return "failed"


def _reason(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Sent) else outcome.error
