"""The worker: threads that fire timers, send what waits, watch the configuration and follow other replicas.

Wake-ups come from signals; a poll each second is the truth. Any replica may do any work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from incident_bot.core.status import Outlet
from incident_bot.flow import (
    changes,
    deliver,
    escalate,
    heartbeats,
    lateness,
    pulse,
    reconcile,
    retention,
    takeover,
)
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.digest import Digests
from incident_bot.flow.graphs.taking import Taker
from incident_bot.flow.oncall import handoffs
from incident_bot.flow.postmortems.work import REST_SECONDS, Papers
from incident_bot.flow.silences.keeping import Silencing
from incident_bot.flow.slack.attached import Fetcher
from incident_bot.flow.slack.chat import Reader
from incident_bot.flow.slack.rooms import Keeper
from incident_bot.flow.status.heralds import Herald, Sender
from incident_bot.flow.status.keeping import EVERY_SECONDS, Caretaker
from incident_bot.store import chat, evidence, graphs, outbox, papers, rooms, silences, timers
from incident_bot.store.transaction import Unavailable

POLL_SECONDS: Final = 1.0
FOLLOW_SECONDS: Final = 60.0
"""How often the clock that the replicas agree on is asked for its time (S8)."""
NOTABLE: Final = timedelta(seconds=1)
"""A correction of the clock that is worth a line in the log."""
STOP_SECONDS: Final = 30
SENDERS: Final = 16
KEEPERS: Final = 3
"""Rooms that are worked on side by side."""
ROUNDS_MOST: Final = 10_000

log = structlog.get_logger(__name__)


def pump(context: Context, *, now: Callable[[], datetime]) -> int:
    """Do everything that is due, in this thread, until nothing is: for tests, demonstrations and the command line."""
    handled = 0
    slack = context.slack
    parts = [kind(context, slack, now) for kind in (Keeper, Reader, Fetcher)] if slack else []
    silencing, taker, paperwork = Silencing(context, now), Taker(context, now), Papers(context, now)
    herald = Herald(context)
    senders = [Sender(context, outlet, now) for outlet in Outlet]
    for _ in range(ROUNDS_MOST):
        step = escalate.tick(context, now=now()) + deliver.drain(context, now=now)
        step += silencing.step() + taker.step() + paperwork.step() + sum([part.step() for part in parts])
        step += herald.step(now=now()) + sum([sender.step() for sender in senders])
        handled += step
        if not step:
            break
    return handled


class Work(Protocol):
    """Does what falls due."""

    def __call__(self, *, due: bool) -> bool:
        """Say whether there was anything to do."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one thread does again and again."""

    name: str
    work: Work
    next_due: Callable[[], datetime | None]
    rest: float
    """How long, in seconds, signals are left alone after a round that found nothing to do."""
    wake: threading.Event = field(default_factory=threading.Event)
    """Set by signals, and by whatever else the work waits for."""


class Worker:
    """One replica's working threads."""

    def __init__(
        self,
        context: Context,
        now: Callable[[], datetime],
        *,
        follow: Callable[[], timedelta] | None = None,
        follow_seconds: float = FOLLOW_SECONDS,
    ) -> None:
        """Take the wired parts, what reads the clock, and what keeps it right and says by how much it was off."""
        self._context = context
        self._now = now
        self._follow = follow
        self._follow_seconds = follow_seconds
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        self._scheduled: Current | None = None
        """The revision whose sources are being compared with their APIs."""
        self._can_send = threading.Event()
        self._postman = deliver.Postman(
            context, self._pool, senders=SENDERS, now=now, wake=self._can_send.set
        )

    def start(self) -> None:
        """Start the threads."""
        self._context.store.listen(self._context.signals.changed)
        self._spawn("timers", lambda: self._loop(Task("timers", self._tick, self._next_timer, 0.1)))
        outbox_task = Task("outbox", self._postman.step, self._next_row, 0.002, wake=self._can_send)
        self._spawn("outbox", partial(self._loop, outbox_task))
        self._spawn("receipts", self._record)
        silencing = Silencing(self._context, self._now)
        self._spawn("silences", lambda: self._loop(Task("silences", silencing.work, self._next_silence, 0.1)))
        taker = Taker(self._context, self._now)
        self._spawn("graphs", lambda: self._loop(Task("graphs", taker.work, self._next_graph, 0.5)))
        paperwork = Papers(self._context, self._now)
        papers_task = Task("papers", paperwork.work, self._next_paper, REST_SECONDS)
        self._spawn("papers", partial(self._loop, papers_task))
        self._spawn("configuration", self._watch)
        self._spawn("lateness", self._look_for_lateness)
        self._spawn("retention", self._clear_away)
        self._spawn("status", self._keep_status)
        for outlet in Outlet:
            sender = Sender(self._context, outlet, self._now)
            letters = Task(f"news by {outlet}", sender.work, sender.next_due, 0.1)
            self._spawn(letters.name, partial(self._loop, letters))
        if self._context.settings.heartbeat_url is not None:
            self._spawn("pulse", self._pulse)
        if self._follow is not None:
            follow = self._follow
            self._spawn("clock", lambda: self._keep_time(follow))
        if self._context.slack is not None:
            keeper = Keeper(self._context, self._context.slack, self._now)
            for number in range(KEEPERS):
                rooms_task = Task("rooms", keeper.work, self._next_room, 0.05)
                self._spawn(f"rooms {number}", partial(self._loop, rooms_task))
            reader = Reader(self._context, self._context.slack, self._now)
            fetcher = Fetcher(self._context, self._context.slack, self._now)
            for task in (
                Task("chat", reader.work, self._next_heard, 0.05),
                Task("files", fetcher.work, self._next_file, 0.5),
            ):
                self._spawn(task.name, partial(self._loop, task))

    def stop(self) -> None:
        """Finish what is being done now and end; what is not begun stays in the database."""
        self._stop.set()
        self._postman.end()
        self._context.signals.changed()
        for thread in self._threads:
            thread.join(timeout=STOP_SECONDS)
        # What is being sent now is waited for, so that its outcome is written and it is not sent again.
        self._pool.shutdown()
        try:
            self._postman.finish()
        finally:
            takeover.give_back(self._context, now=self._now())

    def _spawn(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _tick(self, *, due: bool) -> bool:
        now = self._now()
        self._context.live.count_anew(now=now)
        current = self._context.live.current
        if current is not self._scheduled:
            # A source may have got an API with this revision.
            reconcile.schedule(self._context, now=now)
            handoffs.schedule_all(self._context, now=now)
            heartbeats.schedule(self._context, started=self._scheduled is None, now=now)
            changes.tell(self._context, now=now)
            current.templates.warm()
            if self._scheduled is None:
                self._context.store.warm()
            self._scheduled = current
        return due and escalate.tick(self._context, now=now) > 0

    def _record(self) -> None:
        while not self._stop.is_set():
            try:
                self._postman.record(within=POLL_SECONDS)
            except Unavailable as problem:
                log.warning("what was sent is not recorded yet; waiting", error=str(problem))
                self._stop.wait(POLL_SECONDS)
            except Exception:
                # The fence of the worker loop: whatever failed, the next round is tried.
                log.exception("recording what was sent failed")
                self._stop.wait(POLL_SECONDS)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._context.live.watch(self._stop, self._now)
            except Exception:
                # The fence of the worker loop: a change that could not be read must not be the last one.
                log.exception("watching the configuration failed; beginning anew")
                self._stop.wait(POLL_SECONDS)

    def _look_for_lateness(self) -> None:
        digests = Digests(self._context)
        # What was due while the bot was down is being done in the first moments.
        while not self._stop.wait(lateness.EVERY.total_seconds()):
            try:
                lateness.watch(self._context, now=self._now())
                digests.step(now=self._now())
            except Exception:
                # The fence: whoever looks after the others must not be what ends first.
                log.exception("looking for what is late failed; beginning anew")

    def _clear_away(self) -> None:
        wait = retention.FIRST
        while not self._stop.wait(wait.total_seconds()):
            try:
                retention.clear(self._context, now=self._now())
            except Exception:
                # The fence: rows that grow old do no harm for another hour.
                log.exception("clearing away failed; trying again in an hour")
            wait = retention.EVERY

    def _keep_status(self) -> None:
        caretaker = Caretaker(self._context)
        while not self._stop.is_set():
            try:
                caretaker.step(now=self._now())
            except Unavailable as problem:
                log.warning("the database is not available; the status page stays", error=str(problem))
            except Exception:
                # The fence: what the public reads must never be what stops the pages.
                log.exception("the status page could not be looked after; beginning anew")
            self._stop.wait(EVERY_SECONDS)

    def _pulse(self) -> None:
        while not self._stop.is_set():
            try:
                pulse.send(self._context, now=self._now())
            except Exception:
                # The fence: a service that watches us must never be what stops us.
                log.exception("the outgoing heartbeat failed; beginning anew")
            self._stop.wait(pulse.EVERY.total_seconds())

    def _keep_time(self, follow: Callable[[], timedelta]) -> None:
        while not self._stop.wait(self._follow_seconds):
            try:
                change = follow()
            except Unavailable as problem:
                log.warning("the database server's time is not known anew; going on", error=str(problem))
            except Exception:
                # The fence: the time goes on as it was, and the next question may be answered.
                log.exception("the database server's time could not be asked for")
            else:
                if abs(change) >= NOTABLE:
                    log.warning("the database server's clock was set", by_seconds=change.total_seconds())

    def _next_timer(self) -> datetime | None:
        with self._context.store.read() as tx:
            return timers.next_due(tx)

    def _next_row(self) -> datetime | None:
        with self._context.store.read() as tx:
            return outbox.next_due(tx)

    def _next_silence(self) -> datetime | None:
        with self._context.store.read() as tx:
            return silences.next_due(tx)

    def _next_graph(self) -> datetime | None:
        with self._context.store.read() as tx:
            return graphs.next_due(tx)

    def _next_paper(self) -> datetime | None:
        with self._context.store.read() as tx:
            return papers.next_proof(tx)

    def _next_room(self) -> datetime | None:
        with self._context.store.read() as tx:
            return rooms.next_due(tx)

    def _next_heard(self) -> datetime | None:
        with self._context.store.read() as tx:
            return chat.next_due(tx)

    def _next_file(self) -> datetime | None:
        with self._context.store.read() as tx:
            return evidence.next_due(tx)

    def _loop(self, task: Task) -> None:
        wake = task.wake
        remove = self._context.signals.add_listener(wake.set)
        try:
            while not self._stop.is_set():
                wake.clear()
                try:
                    due = task.next_due()
                    if task.work(due=due is not None and due <= self._now()):
                        continue
                    wait = self._wait(due)
                except Unavailable as problem:
                    self._context.trouble.note(str(problem), now=self._now())
                    log.warning(
                        "the database is not available; waiting", worker=task.name, error=str(problem)
                    )
                    wait = POLL_SECONDS
                except Exception:
                    # The fence of the worker loop: whatever failed, the next round is tried.
                    log.exception("the worker failed on a round", worker=task.name)
                    wait = POLL_SECONDS
                # In a storm every commit signals, and mostly about what is not due yet.
                self._stop.wait(min(task.rest, wait))
                wake.wait(max(wait - task.rest, 0.0))
        finally:
            remove()

    def _wait(self, due: datetime | None) -> float:
        if due is None:
            return POLL_SECONDS
        until: timedelta = due - self._now()
        return min(max(until.total_seconds(), 0.01), POLL_SECONDS)
