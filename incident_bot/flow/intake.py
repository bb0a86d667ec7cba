"""The group commit: bodies wait in a bounded queue, one writer takes all that wait, commits once, then answers.

Guarantees I1: 200 only after the commit; what cannot be stored is answered 503; what is stored but cannot be
decided is kept raw and tried again. Never loses an accepted body: `stop` finishes the queue first.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.effects import Moment, TimerKind
from incident_bot.core.errors import Unreadable
from incident_bot.flow.context import Context
from incident_bot.flow.ingest import Applied, Reading, apply
from incident_bot.sources import SOURCES
from incident_bot.store import alerts, outbox, timers
from incident_bot.store.alerts import DeliveryState, NewDelivery, group_hash
from incident_bot.store.outbox import NewMessage
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import LostRace, Unavailable

QUEUE_BODIES: Final = 4096
QUEUE_BYTES: Final = 128 * 1024 * 1024
BATCH_BODIES: Final = 256
BATCH_BYTES: Final = 8 * 1024 * 1024
RACES_MOST: Final = 5
LINGER_SECONDS: Final = 0.002
RETRY_DELIVERY: Final = timedelta(seconds=30)

log = structlog.get_logger(__name__)


class Busy(Exception):
    """The queue is full, or the process is shutting down: come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the door tells the sender."""

    status: int
    """200, 400 or 503."""
    delivery: int = 0
    alerts: int = 0
    duplicate: bool = False
    rejected: int = 0
    path: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    source: str
    body: bytes
    arrived: datetime
    future: Future[Answer]


class Intake:
    """The queue and its one writer thread."""

    def __init__(self, context: Context, now: Callable[[], datetime]) -> None:
        """Take the wired parts and what reads the clock."""
        self._context = context
        self._now = now
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._crowded = False
        """Whether the last batch had more than one body."""
        self._pause = threading.Event()
        self._thread: threading.Thread | None = None
        context.metrics.intake_queue.set_function(lambda: len(self._queue))

    def known(self, source: str) -> bool:
        """Say whether the configuration in force names this source."""
        return any(one.name == source for one in self._context.live.current.revision.sources)

    def submit(self, source: str, body: bytes) -> Future[Answer]:
        """Queue a body; the future ends when its fate is committed. Raises Busy beyond the queue's bound."""
        waiting = _Waiting(source, body, self._now(), Future())
        with self._wake:
            if self._stopping or len(self._queue) >= QUEUE_BODIES or self._bytes + len(body) > QUEUE_BYTES:
                raise Busy
            self._queue.append(waiting)
            self._bytes += len(body)
            self._wake.notify()
        return waiting.future

    def deliver(self, bodies: Sequence[tuple[str, bytes]]) -> list[Answer]:
        """Do at once, in this thread, what the writer does with bodies that wait together, each with its source.

        For whoever moves the clock itself: the writer must not have been started.
        """
        now = self._now()
        batch = [_Waiting(source, body, now, Future()) for source, body in bodies]
        self._process(batch)
        return [waiting.future.result(timeout=0) for waiting in batch]

    def start(self) -> None:
        """Start the writer."""
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse new bodies, finish and answer every accepted one, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._process(batch)
            except Exception:
                # The fence of the writer: no body may go unanswered, whatever failed.
                log.exception("the intake failed on a batch", bodies=len(batch))
                for waiting in batch:
                    if not waiting.future.done():
                        waiting.future.set_result(
                            Answer(status=503, detail="the delivery could not be stored")
                        )

    def _take(self) -> list[_Waiting]:
        with self._wake:
            while not self._queue and not self._stopping:
                self._wake.wait()
        if self._crowded and not self._stopping:
            # In a storm the senders just answered are about to send again: they share this commit, not the next.
            self._pause.wait(LINGER_SECONDS)
        with self._wake:
            batch: list[_Waiting] = []
            size = 0
            while self._queue and len(batch) < BATCH_BODIES and size < BATCH_BYTES:
                waiting = self._queue.popleft()
                self._bytes -= len(waiting.body)
                size += len(waiting.body)
                batch.append(waiting)
            self._crowded = len(batch) > 1
            return batch

    def _process(self, batch: list[_Waiting]) -> None:
        now = self._now()
        readable: list[tuple[_Waiting, Reading]] = []
        for waiting in batch:
            try:
                readable.append((waiting, read_body(self._context, waiting.source, waiting.body, now=now)))
            except Unreadable as problem:
                self._count(waiting, "unreadable", now)
                answer = Answer(status=400, path=problem.path, detail=problem.reason)
                waiting.future.set_result(answer)
            except Exception:
                # The same fence: a reader's mistake may cost its own body an answer, never its neighbours'.
                log.exception("a body could not be read", source=waiting.source, size=len(waiting.body))
                waiting.future.set_result(Answer(status=503, detail="the delivery could not be read"))
        if readable:
            self._commit(readable, now)
            self._context.store.notify()

    def _commit(self, readable: list[tuple[_Waiting, Reading]], now: datetime) -> None:
        try:
            applied = self._apply([reading for _, reading in readable], now)
        except Unavailable as problem:
            self._context.trouble.note(str(problem), now=now)
            log.error("deliveries cannot be stored", error=str(problem), bodies=len(readable))  # noqa: TRY400 -- known
            for waiting, _ in readable:
                self._count(waiting, "unavailable", now)
                waiting.future.set_result(Answer(status=503, detail="the database is not available"))
        except Exception:
            # The fence of rule I1: a body whose effects cannot be computed is found alone, and kept raw.
            log.exception("a batch could not be decided", bodies=len(readable))
            if len(readable) == 1:
                self._defer(*readable[0], now)
                return
            for one in readable:
                self._commit([one], now)
        else:
            self._context.trouble.over()
            # Before the answers: whoever is to be paged waits longer than any sender.
            self._context.signals.changed()
            for (waiting, reading), result in zip(readable, applied, strict=True):
                self._answer(waiting, reading, result, now)

    def _apply(self, readings: Sequence[Reading], now: datetime) -> list[Applied]:
        for race in range(RACES_MOST):
            try:
                return apply(self._context, readings, now=now)
            except LostRace:
                log.info("lost a race for a row; trying again", race=race + 1)
        message = "another replica holds the same rows"
        raise Unavailable(message)

    def _answer(self, waiting: _Waiting, reading: Reading, result: Applied, now: datetime) -> None:
        metrics = self._context.metrics
        self._count(waiting, "duplicate" if result.duplicate else "applied", now)
        for verdict, number in result.verdicts.items():
            metrics.count_alerts(waiting.source, verdict.value, number)
        if result.rejected:
            metrics.count_rejected(waiting.source, result.rejected)
            log.warning(
                "some alerts of a delivery could not be read",
                delivery=result.delivery_id,
                rejected=result.rejected,
                first=f"{reading.delivery.rejected[0].path}: {reading.delivery.rejected[0].reason}",
            )
        waiting.future.set_result(
            Answer(
                status=200,
                delivery=result.delivery_id,
                alerts=result.alerts,
                duplicate=result.duplicate,
                rejected=result.rejected,
            )
        )

    def _defer(self, waiting: _Waiting, reading: Reading, now: datetime) -> None:
        delivery = reading.delivery
        try:
            with self._context.store.write() as tx:
                stored = NewDelivery(
                    source=delivery.source,
                    receiver=delivery.receiver,
                    group_hash=group_hash(delivery.source, delivery.group_key),
                    digest=delivery.digest,
                    body=reading.body,
                    alerts=len(delivery.alerts),
                    rejected=delivery.rejected[:50],
                    state=DeliveryState.DEFERRED,
                    error="its effects could not be computed; see the log",
                )
                (number,) = alerts.insert_deliveries(tx, [stored], now=now)
                timers.set_timers(tx, [retry_timer(number, now + RETRY_DELIVERY)], now=now)
                outbox.add_messages(tx, [self._meta_alert(waiting.source, number, now)], now=now)
        except Unavailable:
            self._count(waiting, "unavailable", now)
            waiting.future.set_result(Answer(status=503, detail="the database is not available"))
            return
        self._context.signals.changed()
        self._count(waiting, "deferred", now)
        waiting.future.set_result(Answer(status=200, delivery=number, alerts=len(delivery.alerts)))

    def _meta_alert(self, source: str, delivery: int, now: datetime) -> NewMessage:
        """Say that a delivery could not be decided (I1); a newer one supersedes those that still wait."""
        announce = self._context.live.current.revision.announce
        text = (
            f"Delivery {delivery} from {source} is stored but could not be decided, so nobody is paged for it yet. "
            "It is tried again every few seconds; the log has the reason."
        )
        return NewMessage(
            key=f"meta:delivery:{delivery}",
            coalesce=f"meta:deferred:{source}",
            via=self._context.default_channel,
            recipient=announce[0].channel if announce else "incident-bot",
            moment=Moment.META,
            data={"text": text},
            due_at=now,
            rank=0,
        )

    def _count(self, waiting: _Waiting, result: str, now: datetime) -> None:
        self._context.metrics.count_delivery(waiting.source, result, (now - waiting.arrived).total_seconds())


def retry_timer(delivery: int, due_at: datetime) -> Timer:
    """Make the timer that tries a deferred delivery again."""
    return Timer(
        id=0, kind=TimerKind.RETRY_DELIVERY, key=f"delivery:{delivery}", incident_id=None, subject=delivery,
        epoch=None, due_at=due_at, data={}, attempts=0,
    )  # fmt: skip


def read_body(context: Context, source: str, body: bytes, *, now: datetime) -> Reading:
    """Decode and read one body; raises Unreadable, naming the first wrong field."""
    config = next((one for one in context.live.current.revision.sources if one.name == source), None)
    if config is None:
        raise Unreadable("$", f"the source {source} is no longer configured")
    try:
        decoded = json.loads(body, parse_constant=_no_constant)
    except RecursionError as error:
        raise Unreadable("$", "nested too deeply") from error
    except ValueError as error:
        # The text of a UnicodeDecodeError would carry the whole body.
        reason = (
            f"not JSON ({error.msg} at {error.pos})"
            if isinstance(error, json.JSONDecodeError)
            else "not JSON"
        )
        raise Unreadable("$", reason) from error
    delivery = SOURCES[config.kind].read(decoded, source=source, ignore_labels=config.ignore_labels, now=now)
    return Reading(delivery=delivery, body=body)


def _no_constant(name: str) -> object:
    message = f"{name} is not JSON"
    raise ValueError(message)
