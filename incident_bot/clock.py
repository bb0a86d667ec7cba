"""The one reader of the clock: everything else is handed `now`.

Every clock answers in aware UTC and never runs backwards (S8), so that no step is executed twice (P16). The machine's
clock serves one process alone; replicas follow their database server's, so that they agree. Decides nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

CREEP: Final = 0.5
"""The speed of time while a clock that was set back catches up: slow, but nobody waits for hours."""
MEMORY: Final = timedelta(days=1)
"""A record that is further ahead of the clock at start does not hold the clock back."""
SAMPLES: Final = 3
QUICK: Final = timedelta(milliseconds=100)
"""A question that took longer tells the time only to within half of what it took."""


class Clock(Protocol):
    """Anything that knows what time it is."""

    def now(self) -> datetime:
        """Give the current instant in aware UTC, never earlier than the one given before."""
        ...


def wall() -> datetime:
    """Read the machine's clock, which may be set forward or back at any moment."""
    return datetime.now(UTC)


def elapsed() -> timedelta:
    """Read the machine's stopwatch, which nobody sets; only differences mean anything."""
    return timedelta(microseconds=time.monotonic_ns() / 1000)


def believed(latest: datetime | None, reading: datetime) -> datetime | None:
    """Give the instant from which time goes on after a restart; None where the record says nothing of use."""
    return latest if latest is not None and latest - reading <= MEMORY else None


class _Guard:
    """Turns readings into a time that never runs backwards and never stands still for long."""

    def __init__(self, latest: datetime | None = None) -> None:
        self._latest = latest or datetime.min.replace(tzinfo=UTC)
        self._at: timedelta | None = None

    def keep(self, reading: datetime, at: timedelta) -> datetime:
        """Give the reading, or where that lies behind, the latest time moved on by half of what has passed."""
        passed = timedelta(0) if self._at is None else max(at - self._at, timedelta(0))
        self._at = at
        self._latest = max(reading, self._latest + passed * CREEP)
        return self._latest


class SystemClock:
    """The machine's clock, kept from running backwards.

    Set forward, it follows at once. Set back, it runs at half speed until the machine has caught up.
    """

    def __init__(
        self,
        *,
        latest: datetime | None = None,
        wall: Callable[[], datetime] = wall,
        elapsed: Callable[[], timedelta] = elapsed,
    ) -> None:
        """Start at `latest`, an aware instant that an earlier process is known to have reached, or with no memory.

        One that lies more than `MEMORY` ahead of the machine is not believed: that clock was wrong and was put right.
        """
        self._wall = wall
        self._elapsed = elapsed
        self._guard = _Guard(believed(latest, wall()))
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Give the machine's time, or where the machine was set back, a time that goes on slowly from the last one."""
        with self._lock:
            return self._guard.keep(self._wall(), self._elapsed())

    def offset(self) -> timedelta:
        """Say how far the machine's clock is behind this one (negative) since it was set back; else zero."""
        given = self.now()
        return min(self._wall() - given, timedelta(0))


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of a server to the question what time it is."""

    server: datetime
    asked: timedelta
    """By the stopwatch."""
    answered: timedelta

    @property
    def trip(self) -> timedelta:
        """How long the question took."""
        return self.answered - self.asked

    @property
    def base(self) -> datetime:
        """The server's time when the stopwatch stood at zero, if it answered in the middle of the trip."""
        return self.server - (self.asked + self.trip / 2)


class ServerClock:
    """A server's clock, carried on between questions by the machine's stopwatch: all who follow it agree.

    What is done to the machine's clock never matters. Where the server's clock is set forward, this one follows with
    the next question; where it is set back, time runs at half speed until the server has caught up.
    """

    def __init__(
        self,
        ask: Callable[[], datetime],
        *,
        latest: datetime | None = None,
        wall: Callable[[], datetime] = wall,
        elapsed: Callable[[], timedelta] = elapsed,
    ) -> None:
        """Ask at once: it never gives a time that is not the server's. Raises what `ask` raises.

        `latest` is an aware instant that an earlier process is known to have reached; see `SystemClock`.
        """
        self._wall = wall
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._base = self._quickest(ask).base
        self._guard = _Guard(believed(latest, self._base + elapsed()))

    def follow(self, ask: Callable[[], datetime]) -> timedelta:
        """Ask anew and give by how much this clock was off. Raises what `ask` raises, and then goes on as before.

        The quickest of a few answers counts. Where even that was slow, the clock moves only as far as the answer
        proves it wrong: a question that took two seconds cannot tell one second.
        """
        sample = self._quickest(ask)
        with self._lock:
            wrong = sample.base - self._base
            doubt = timedelta(0) if sample.trip <= QUICK else sample.trip / 2
            sure = max(abs(wrong) - doubt, timedelta(0))
            change = sure if wrong > timedelta(0) else -sure
            self._base += change
            return change

    def now(self) -> datetime:
        """Give the server's time; where that was set back, a time that goes on slowly from the last one."""
        with self._lock:
            at = self._elapsed()
            return self._guard.keep(self._base + at, at)

    def offset(self) -> timedelta:
        """Say how far the machine's clock is ahead of this one; negative where it is behind."""
        given = self.now()
        return self._wall() - given

    def _quickest(self, ask: Callable[[], datetime]) -> Sample:
        return min((self._sample(ask) for _ in range(SAMPLES)), key=lambda sample: sample.trip)

    def _sample(self, ask: Callable[[], datetime]) -> Sample:
        asked = self._elapsed()
        server = ask()
        return Sample(server, asked, self._elapsed())


class ShiftedClock:
    """Another clock plus an offset: skips ahead in a demonstration."""

    def __init__(self, offset: timedelta = timedelta(0), *, base: Clock | None = None) -> None:
        """Run `offset` ahead of `base`, which is the machine's clock when none is given."""
        self._base: Clock = base or SystemClock()
        self._offset = offset
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    @property
    def offset(self) -> timedelta:
        """How far ahead of its base it runs."""
        return self._offset

    def now(self) -> datetime:
        """Give the base's time plus the offset, never earlier than the time given before."""
        with self._lock:
            self._latest = max(self._latest, self._base.now() + self._offset)
            return self._latest

    def shift(self, offset: timedelta) -> None:
        """Run `offset` ahead of the base from now on."""
        with self._lock:
            self._offset = offset

    def advance(self, by: timedelta) -> None:
        """Skip ahead by this much."""
        self.shift(self._offset + by)


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime) -> None:
        """Stand still at `start`, which must be aware."""
        self._now = _aware(start)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Give the instant at which it was left."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move ahead by this much and give the new time; refuses to go back."""
        with self._lock:
            return self._move(self._now + by)

    def set(self, instant: datetime) -> datetime:
        """Move to this instant and give it; refuses to go back."""
        with self._lock:
            return self._move(_aware(instant))

    def _move(self, instant: datetime) -> datetime:
        if instant < self._now:
            message = (
                f"a clock never runs backwards: it is {self._now.isoformat()}, not {instant.isoformat()}"
            )
            raise ValueError(message)
        self._now = instant
        return instant


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        message = (
            f"{instant.isoformat()} has no time zone; give an aware instant, for example with tzinfo=UTC"
        )
        raise ValueError(message)
    return instant.astimezone(UTC)
