"""The one reader of the clock: everything else is handed `now`.

Every clock answers in aware UTC and never runs backwards (S8): when the machine's clock is set back, time
stands still here until it has caught up, so that no step is executed twice. Decides nothing.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that knows what time it is."""

    def now(self) -> datetime:
        """Give the current instant in aware UTC, never earlier than the one given before."""
        ...


class SystemClock:
    """The machine's clock, kept from running backwards."""

    def __init__(self) -> None:
        """Start with no memory of an earlier reading."""
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Give the machine's time, or the latest time given so far where the machine was set back."""
        reading = datetime.now(UTC)
        with self._lock:
            self._latest = max(self._latest, reading)
            return self._latest


class ShiftedClock:
    """Another clock plus an offset: follows a database server's time, or skips ahead in a demonstration."""

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
