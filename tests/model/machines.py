"""One machine of the model: a replica, the clock it reads, the points at which it can die, and who watches it.

The product knows nothing of this. Its store and its ways out are wrapped here: each transaction, each statement and
each provider call is a boundary, and a doomed process dies at one of them. A dead process does nothing any more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from incident_bot.bootstrap import Application
from incident_bot.core.model import Person
from incident_bot.notifiers.base import Message, Receipt, RetryLater
from incident_bot.store import Store
from incident_bot.store.transaction import Tx
from tests.fakes.notifier import Killed, RecordingNotifier

Boundary = Literal["a statement", "a commit", "after a commit", "a send", "after a send"]
BOUNDARIES: tuple[Boundary, ...] = ("a statement", "a commit", "after a commit", "a send", "after a send")


@dataclass
class Doom:
    """Where a process will die: at the so-manieth boundary of a kind from now on."""

    at: Boundary
    left: int


class Watcher(Protocol):
    """Who is told what a machine does, as it happens."""

    def instant(self) -> datetime:
        """Give what the machines' hardware clock shows, wherever it was set to."""

    def before_commit(self, tx: Tx) -> list[Any]:
        """Look at what a transaction is about to commit; what it gives comes back in `rolled_back`."""

    def rolled_back(self, seen: list[Any]) -> None:
        """Forget what was seen: the transaction did not take place."""

    def calling(self, machine: Machine, message: Message) -> None:
        """A provider is being called."""

    def acted(self, machine: Machine, message: Message, *, told: bool) -> None:
        """A provider took a message; its answer may never arrive (`told`)."""

    def died(self, machine: Machine) -> None:
        """A process is dead."""

    def loses_answer(self, via: str) -> bool:
        """Say whether this channel's next answer is lost on its way."""


class Machine:
    """One process: alive until its doom."""

    def __init__(self, number: int, watcher: Watcher) -> None:
        self.number = number
        self.watcher = watcher
        self.application: Application
        self.doom: Doom | None = None
        self.death: Future[None] = Future()
        self.in_hand: list[str] = []
        """The keys of what providers took from it in this round: where it dies, nobody knows that they did."""
        self._latest = watcher.instant()
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return f"replica {self.number}"

    @property
    def alive(self) -> bool:
        return not self.death.done()

    def now(self) -> datetime:
        """The clock of the product: the machine's, kept from running backwards while the process lives (S8)."""
        with self._lock:
            self._latest = max(self._latest, self.watcher.instant())
            return self._latest

    def boundary(self, kind: Boundary) -> None:
        """Die here, if it is so written."""
        with self._lock:
            if self.doom is not None and self.doom.at == kind and self.alive:
                self.doom.left -= 1
                if self.doom.left <= 0:
                    self.death.set_result(None)
                    self.watcher.died(self)
        self.live()

    def live(self) -> None:
        """Raise where the process is dead: the dead do nothing."""
        if not self.alive:
            raise Killed


class WatchedStore(Store):
    """The store of one machine."""

    machine: Machine | None = None

    @contextmanager
    def write(self) -> Iterator[Tx]:
        machine = self.machine
        if machine is None:
            with super().write() as tx:
                yield tx
            return
        machine.live()
        seen: list[Any] = []
        committed = False
        try:
            with super().write() as tx:
                if machine.doom is not None and machine.doom.at == "a statement":
                    sa.event.listen(tx.connection, "before_cursor_execute", _dies_at_a_statement(machine))
                yield tx
                seen = machine.watcher.before_commit(tx)
                machine.boundary("a commit")
            committed = True
        finally:
            if not committed:
                machine.watcher.rolled_back(seen)
        machine.boundary("after a commit")

    @contextmanager
    def read(self) -> Iterator[Tx]:
        if self.machine is not None:
            self.machine.live()
        with super().read() as tx:
            yield tx


def _dies_at_a_statement(machine: Machine) -> Any:
    def before(*_of_the_statement: object) -> None:
        machine.boundary("a statement")

    return before


class Wire:
    """The way from one machine to one provider."""

    def __init__(self, machine: Machine, provider: RecordingNotifier) -> None:
        self._machine = machine
        self._provider = provider

    def send(self, message: Message) -> Receipt:
        machine = self._machine
        machine.boundary("a send")
        machine.watcher.calling(machine, message)
        receipt = self._provider.send(message)
        lost = machine.watcher.loses_answer(self._provider.name)
        machine.watcher.acted(machine, message, told=not lost)
        machine.boundary("after a send")
        if lost:
            raise RetryLater("no answer came in time")
        return receipt

    def reaches(self, person: Person) -> bool:
        return self._provider.reaches(person)
