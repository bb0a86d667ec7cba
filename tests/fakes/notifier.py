"""A way out that only remembers, and fails when a test tells it to."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import Person
from incident_bot.notifiers.base import Message, Receipt


class Killed(BaseException):
    """The process died here: no fence of the product catches it."""


@dataclass(frozen=True)
class Heard:
    """One provider call."""

    at: datetime
    via: str
    message: Message
    taken: bool


class RecordingNotifier:
    """One channel of a story. `fails` empties from the left, one entry a call; None lets the call through."""

    def __init__(self, name: str, now: Callable[[], datetime], calls: list[Heard]) -> None:
        """Take the channel's name, what reads the clock, and where every channel writes its calls."""
        self.name = name
        self.fails: deque[BaseException | None] = deque()
        self.always: BaseException | None = None
        self.refuses: dict[str, BaseException] = {}
        """What happens to messages for these people."""
        self.during: Callable[[Message], None] | None = None
        """Called while the provider call is under way, once."""
        self.gate: threading.Event | None = None
        """Every call waits for it."""
        self.unreachable: set[str] = set()
        self.broken_directory: Exception | None = None
        """Raised where the bot asks whether it reaches somebody: a mistake in deciding."""
        self._now = now
        self._calls = calls
        self._lock = threading.Lock()

    def send(self, message: Message) -> Receipt:
        with self._lock:
            during, self.during = self.during, None
            failure = self.fails.popleft() if self.fails else self.always
            failure = failure or self.refuses.get(message.recipient)
            self._calls.append(Heard(at=self._now(), via=self.name, message=message, taken=failure is None))
            number = len(self._calls)
        if self.gate is not None:
            assert self.gate.wait(timeout=30)
        if during is not None:
            during(message)
        if failure is not None:
            raise failure
        return Receipt(provider_id=f"{self.name}-{number}")

    def reaches(self, person: Person) -> bool:
        if self.broken_directory is not None:
            raise self.broken_directory
        return person.id not in self.unreachable
