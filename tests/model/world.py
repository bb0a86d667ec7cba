"""The world of the model: machines on one database, their source and providers, time, and what was seen of it all."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa

from incident_bot import bootstrap
from incident_bot.config import loader
from incident_bot.config.revision import Revision
from incident_bot.config.settings import Settings
from incident_bot.core.effects import PageKind
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import Paging
from incident_bot.flow import commands, configure, deliver, escalate, reconcile
from incident_bot.flow.context import Context
from incident_bot.flow.intake import Answer
from incident_bot.flow.worker import pump
from incident_bot.notifiers.base import Message
from incident_bot.outgoing import Client
from incident_bot.store import incidents, outbox, timers
from incident_bot.store.tables import incident as incident_table
from incident_bot.store.tables import outbox as outbox_table
from incident_bot.store.transaction import Tx
from tests.fakes.alertmanager import Alertmanager, AlertmanagerApi, Firing
from tests.fakes.notifier import Heard, Killed, RecordingNotifier
from tests.model.configurations import CONFIGURATIONS
from tests.model.facts import Call, Claim, Facts, Plan, Told, rows
from tests.model.invariants import Violated
from tests.model.machines import Boundary, Doom, Machine, WatchedStore, Wire

START = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
"""A Tuesday; 04:00 in Berlin."""
CHANNELS = ("slack", "sms")
ROUNDS_MOST = 2000
PICKS_MOST = 100
"""What is due is done by one of so many looks, whoever of the replicas is drawn to look."""
PATIENCE_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a world begins."""

    seed: int
    replicas: int = 1
    listed: bool = False
    """Whether the source has an API, so that the bot can compare."""
    threads: bool = False
    """Whether replicas work at the same moment, each in a thread of its own; else in turns that the seed draws."""

    def __str__(self) -> str:
        replicas = "1 replica" if self.replicas == 1 else f"{self.replicas} replicas"
        listed = "the source has an API" if self.listed else "the source has no API"
        threads = ", all at the same moment" if self.threads else ""
        return f"seed {self.seed}, {replicas}{threads}, {listed}"


@dataclass
class Sent:
    """One body that the source has tried to send."""

    body: bytes
    told: tuple[Told, ...]
    group: str


_REVISIONS: dict[tuple[str, ...], Revision] = {}
_SEEN = (
    sa.select(
        *(
            outbox_table.c[name]
            for name in ("id", "key", "attempts", "page_kind", "person", "step", "state", "epoch")
        ),
        *(incident_table.c[name] for name in ("paging", "team", "policy", "acknowledged_by", "responders")),
        incident_table.c.epoch.label("incident_epoch"),
    )
    .join(incident_table, incident_table.c.id == outbox_table.c.incident_id)
    .where(
        outbox_table.c.kind == "page",
        sa.or_(
            outbox_table.c.state == "sending", outbox_table.c.id > sa.bindparam("known", type_=sa.BigInteger)
        ),
    )
)


@cache
def _client() -> Client:
    """The one way to the outside, for all machines: to build one costs more than a whole script."""
    return Client()


def _claim(row: Any) -> Claim:
    return Claim(
        page=row.id, key=row.key, attempt=row.attempts, kind=PageKind(row.page_kind), epoch=row.epoch,
        paging=Paging(row.paging), incident_epoch=row.incident_epoch,
    )  # fmt: skip


def _plan(row: Any, in_force: frozenset[int]) -> Plan:
    return Plan(
        page=row.id, key=row.key, kind=PageKind(row.page_kind), person=row.person, step=row.step, team=row.team,
        policy=row.policy, configurations=in_force, lead=row.acknowledged_by,
        responders=frozenset(row.responders),
    )  # fmt: skip


class World:
    """Machines, the source and the providers; every action of a script is a few calls of this."""

    def __init__(self, directory: Path, url: str, setup: Setup, api: AlertmanagerApi) -> None:
        self.setup = setup
        self.random = random.Random(setup.seed)  # noqa: S311 -- turns, not secrets
        # Back-off and jitter draw from the shared one.
        random.seed(setup.seed)
        self.true = START
        self.offset = timedelta(0)
        self.alertmanager = api.alertmanager = Alertmanager()
        self.api = api
        api.broken = False
        self.heard: list[Heard] = []
        self.channels = {name: RecordingNotifier(name, lambda: self.true, self.heard) for name in CHANNELS}
        self.answers_to_lose: Counter[str] = Counter()
        self.meanwhile: list[Callable[[], None]] = []
        """What people do while a provider is being called."""
        self.configuration = 0
        self._directory = directory
        self._url = url
        self._machines: list[Machine] = []
        self._numbers = 0
        self._lines = 0
        self._watching = threading.Lock()
        self._mine = threading.local()
        self.sent: list[Sent] = []
        self.late: list[Sent] = []
        """Bodies on their way."""
        self.applied: dict[str, Sent] = {}
        """The newest body of each group that was answered, in the order of the answers."""
        self._claims: dict[tuple[int, int], Claim] = {}
        self._plans: dict[int, Plan] = {}
        self._acted: Counter[str] = Counter()
        self._excused: Counter[str] = Counter()
        self._calls: list[Call] = []
        self._told: list[Told] = []
        self._in_force = frozenset({0})
        self.counts: Counter[str] = Counter()
        self.last: Facts | None = None
        self._write(0)
        for _ in range(setup.replicas):
            self.starts()

    # The machines.

    @property
    def alive(self) -> list[Machine]:
        return [machine for machine in self._machines if machine.alive]

    def instant(self) -> datetime:
        return self.true + self.offset

    def now(self) -> datetime:
        """The furthest of the replicas' clocks."""
        return max((machine.now() for machine in self.alive), default=self.instant())

    def starts(self) -> Machine:
        """Another process begins."""
        self._numbers += 1
        machine = Machine(self._numbers, self)
        ways = {name: Wire(machine, channel) for name, channel in self.channels.items()}
        environ = {
            "INCIDENT_BOT_DATABASE_URL": self._url,
            "INCIDENT_BOT_CONFIG_DIR": str(self._directory),
            "INCIDENT_BOT_DEFAULT_CHANNEL": "slack",
        }
        with (
            mock.patch.object(bootstrap, "Store", WatchedStore),
            mock.patch.object(bootstrap, "Client", _client),
        ):
            machine.application = bootstrap.build(Settings.load(environ), clock=machine, notifiers=ways)
        store = machine.application.context.store
        assert isinstance(store, WatchedStore)
        store.machine = machine
        machine.application.context.live.record(now=machine.now())
        machine.application.intake.start()
        reconcile.schedule(machine.application.context, now=machine.now())
        self._machines.append(machine)
        return machine

    def some(self) -> Machine:
        """Any machine that lives; where none does, another one begins."""
        return self.random.choice(self.alive) if self.alive else self.starts()

    def context(self) -> Context:
        return self.some().application.context

    def doom(self, at: Boundary, left: int) -> None:
        """Let one of the processes die at a boundary to come."""
        self.some().doom = Doom(at, left)

    def stops(self) -> None:
        """One process ends in order; where it is the last one, another begins."""
        machine = self.some()
        self._machines.remove(machine)
        machine.application.intake.stop()
        machine.application.worker.stop()
        machine.application.context.store.close()

    def close(self) -> None:
        for machine in self._machines:
            machine.application.intake.stop()
            machine.application.context.store.close()

    @contextmanager
    def mortal(self) -> Iterator[None]:
        """What is done here may be the last that a process does."""
        with suppress(Killed):
            yield

    # What the machines are watched by.

    def before_commit(self, tx: Tx) -> list[Any]:
        with self._watching:
            seen: list[Any] = []
            for row in tx.connection.execute(_SEEN, {"known": max(self._plans, default=0) - 200}):
                if row.id not in self._plans:
                    seen.append(_plan(row, self._in_force))
                    self._plans[row.id] = seen[-1]
                if row.state == "sending" and (row.id, row.attempts) not in self._claims:
                    seen.append(_claim(row))
                    self._claims[row.id, row.attempts] = seen[-1]
            return seen

    def rolled_back(self, seen: list[Any]) -> None:
        with self._watching:
            for one in seen:
                if isinstance(one, Claim):
                    self._claims.pop((one.page, one.attempt), None)
                else:
                    self._plans.pop(one.page, None)

    def calling(self, machine: Machine, message: Message) -> None:
        if message.key.startswith("page:"):
            with self._watching:
                person, via = message.key.split(":")[-2:]
                self._calls.append(Call(key=message.key, person=person, via=via))
        if self.meanwhile:
            # Not again within what it does.
            self.meanwhile.pop()()
        machine.live()

    def acted(self, machine: Machine, message: Message, *, told: bool) -> None:
        if message.key.startswith("page:"):
            with self._watching:
                self._acted[message.key] += 1
                if told:
                    machine.in_hand.append(message.key)
                else:
                    self._excused[message.key] += 1

    def died(self, machine: Machine) -> None:
        self._excused.update(machine.in_hand)

    def loses_answer(self, via: str) -> bool:
        with self._watching:
            self.answers_to_lose[via] -= 1
            return self.answers_to_lose[via] >= 0

    # The source.

    def posts(self, sent: Sent) -> Answer | None:
        """Send a body until a living process answers, as the source does."""
        while True:
            machine = self.some()
            answer = self._ask(machine, sent.body)
            if answer is None:
                continue
            self.counts["deliveries"] += 1
            if answer.status == 200:
                self._told.extend(sent.told)
                self.applied.pop(sent.group, None)
                self.applied[sent.group] = sent
            return answer

    def _ask(self, machine: Machine, body: bytes) -> Answer | None:
        future = machine.application.intake.submit("alertmanager", body)
        both: list[Future[Any]] = [future, machine.death]
        done, _ = wait(both, timeout=PATIENCE_SECONDS, return_when=FIRST_COMPLETED)
        if not done:
            raise Violated("P1", f"no answer within {PATIENCE_SECONDS} s of the real time")
        # Where it died after it had answered, the answer is on its way already.
        return future.result() if future.done() else None

    def body(self, body: bytes, group: str, alerts: list[Firing]) -> Sent:
        """Note a body that the source is about to send."""
        told = tuple(
            Told(fingerprint=one.fingerprint, starts_at=one.starts_at)
            for one in alerts
            if one.ends_at is None
        )
        self.sent.append(Sent(body, told, group))
        return self.sent[-1]

    # People.

    def says(self, text: str, *, by: str, incident: int | None) -> None:
        """Somebody types a line; a refusal is an answer, too."""
        self._lines += 1
        key = f"line-{self._lines}"

        def ask(context: Context, now: datetime) -> None:
            commands.handle(context, text, incident=incident, actor=by, source="test", key=key, now=now)

        self.asks(ask)

    def asks(self, ask: Callable[[Context, datetime], object]) -> None:
        """Somebody asks for something, and again where the process died before it answered."""
        while True:
            machine = self.some()
            try:
                ask(machine.application.context, machine.now())
            except Killed:
                continue
            except (Refused, NotFound):
                return
            return

    def configure(self, number: int) -> None:
        """New files, taken over by one replica after the other."""
        self._in_force = frozenset({self.configuration, number})
        self._write(number)
        for machine in self.alive:
            with self.mortal():
                machine.application.context.live.reload(now=machine.now())
                reconcile.schedule(machine.application.context, now=machine.now())
        self.configuration = number
        self._in_force = frozenset({number})

    def _write(self, number: int) -> None:
        api_url = self.api.url if self.setup.listed else None
        for name, text in CONFIGURATIONS[number].files(api_url).items():
            path = self._directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    # Time.

    def passes(self, wanted: timedelta) -> None:
        """Let time pass; what falls due in between is done at its own instant."""
        target = self.true + wanted
        self.settle()
        for _ in range(ROUNDS_MOST):
            due = self.next_due()
            if due is None or due - self.offset > target:
                break
            self.true = due - self.offset
            self.settle()
        else:
            raise Violated("P2", f"more than {ROUNDS_MOST} things fell due within {wanted}")
        self.true = target
        self.settle()

    def next_due(self) -> datetime | None:
        with self.context().store.read() as tx:
            found = [due for due in (timers.next_due(tx), outbox.next_due(tx)) if due is not None]
        return min(found, default=None)

    def settle(self) -> None:
        """Do what is due, in turns that the seed draws, until no living replica finds anything to do."""
        if self.setup.threads:
            self._together()
        idle = 0
        while idle < PICKS_MOST:
            due = self.next_due()
            if due is None or due > self.now():
                return
            worked = self._works(self.some(), self.random.choice((_tick, _drain)))
            idle = 0 if worked else idle + 1
        raise Violated("P2", f"what is due since {due:%H:%M:%S} is not being done at {self.now():%H:%M:%S}")

    def _works(self, machine: Machine, work: Callable[[Context, Callable[[], datetime]], int]) -> bool:
        machine.in_hand.clear()
        try:
            return work(machine.application.context, machine.now) > 0
        except Killed:
            return True

    def _together(self) -> None:
        machines = self.alive
        for machine in machines:
            machine.in_hand.clear()
        gate = threading.Barrier(max(len(machines), 1))

        def work(machine: Machine) -> None:
            gate.wait(timeout=PATIENCE_SECONDS)
            with self.mortal():
                pump(machine.application.context, now=machine.now)

        with ThreadPoolExecutor(max(len(machines), 1)) as pool:
            for done in [pool.submit(work, machine) for machine in machines]:
                done.result(timeout=2 * PATIENCE_SECONDS)

    # What was seen.

    def newest_incidents(self, most: int) -> list[int]:
        """Give the numbers of the newest incidents, the newest first."""
        with self.context().store.read() as tx:
            return [one.id for one in incidents.list_incidents(tx, limit=most)]

    @property
    def deaths(self) -> int:
        return len(self._machines) - len(self.alive)

    @property
    def pages_sent(self) -> int:
        return sum(self._acted.values())

    def facts(self, *, compared: bool = False) -> Facts:
        """Look at everything; `compared` says that the source's list and ours must agree by now."""
        with self.context().store.read() as tx:
            found = rows(tx)
        there = frozenset(alert.fingerprint for alert in self.alertmanager.active())
        before, self.last = self.last, None
        self.last = Facts(
            now=self.now(), claims=tuple(self._claims.values()), plans=tuple(self._plans.values()),
            acted=dict(self._acted), excused=dict(self._excused), calls=tuple(self._calls),
            told=tuple(self._told), firing_there=there if compared else None,
            before=None if before is None else _alone(before), **found,
        )  # fmt: skip
        return self.last


def _tick(context: Context, now: Callable[[], datetime]) -> int:
    return escalate.tick(context, now=now())


def _drain(context: Context, now: Callable[[], datetime]) -> int:
    return deliver.drain(context, now=now)


def _alone(facts: Facts) -> Facts:
    return (
        facts
        if facts.before is None
        else Facts(now=facts.now, incidents=facts.incidents, events=facts.events)
    )


@contextmanager
def texts_read_once() -> Iterator[None]:
    """Reading the same files again gives the same revision: each of the few sets is read once."""
    read = loader.load

    def load(directory: Path, **about: Any) -> Revision:
        texts = tuple(path.read_text(encoding="utf-8") for path in sorted(directory.rglob("*.yaml")))
        if texts not in _REVISIONS:
            _REVISIONS[texts] = read(directory, **about)
        return _REVISIONS[texts]

    with mock.patch.object(configure, "load", load):
        yield


@contextmanager
def quiet_deaths() -> Iterator[None]:
    """A thread that dies with its process is no surprise."""
    before = threading.excepthook

    def hook(told: threading.ExceptHookArgs) -> None:
        if not isinstance(told.exc_value, Killed):
            before(told)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
