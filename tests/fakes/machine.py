"""A machine whose clock can be set, with a stopwatch that nobody sets; and a clock for stories that runs on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from incident_bot.clock import Clock, ManualClock, ServerClock, SystemClock

TICK = timedelta(microseconds=2)


class Machine:
    """A wall clock and a stopwatch that run together until somebody sets the clock."""

    def __init__(self, start: datetime) -> None:
        self._wall = start
        self._elapsed = timedelta(hours=7)

    def wall(self) -> datetime:
        return self._wall

    def elapsed(self) -> timedelta:
        return self._elapsed

    def runs(self, by: timedelta) -> None:
        """Time passes."""
        self._wall += by
        self._elapsed += by

    def is_set(self, by: timedelta) -> None:
        """Somebody sets the clock forward, or back."""
        self._wall += by


class Server:
    """A database server's clock, some way off the machine's; asking takes time on the way there and back."""

    def __init__(self, machine: Machine, *, ahead: timedelta = timedelta(0)) -> None:
        self._machine = machine
        self._epoch = machine.wall() - machine.elapsed() + ahead
        self.trips: list[tuple[timedelta, timedelta]] = []
        """How long the next questions take there and back; no time where none is left."""

    def now(self) -> datetime:
        return self._epoch + self._machine.elapsed()

    def is_set(self, by: timedelta) -> None:
        self._epoch += by

    def ask(self) -> datetime:
        there, back = self.trips.pop(0) if self.trips else (timedelta(0), timedelta(0))
        self._machine.runs(there)
        told = self.now()
        self._machine.runs(back)
        return told

    def takes(self, *trips: tuple[timedelta, timedelta]) -> None:
        self.trips = list(trips)


class SettableClock(ManualClock):
    """The real clock of a replica, for stories: it moves when time passes on its machine, and survives being set."""

    def __init__(self, start: datetime, make: Callable[[Machine, Server], Clock]) -> None:
        super().__init__(start)
        self.machine = Machine(start)
        self.server = Server(self.machine)
        self._real = make(self.machine, self.server)

    def now(self) -> datetime:
        return self._real.now()

    def advance(self, by: timedelta) -> datetime:
        self.machine.runs(by)
        return self.now()

    def set(self, instant: datetime) -> datetime:
        """Let so much time pass that the clock shows this instant, however slowly it runs."""
        while (left := instant - self.now()) > timedelta(0):
            self.machine.runs(max(left, TICK))
        return self.now()

    def follow(self) -> None:
        """Ask the server anew, as a worker does each minute."""
        if isinstance(self._real, ServerClock):
            self._real.follow(self.server.ask)


def alone(machine: Machine, _server: Server) -> Clock:
    """Make the clock of a process that has its database for itself."""
    return SystemClock(wall=machine.wall, elapsed=machine.elapsed)


def among_replicas(machine: Machine, server: Server) -> Clock:
    """Make the clock of a replica."""
    return ServerClock(server.ask, wall=machine.wall, elapsed=machine.elapsed)
