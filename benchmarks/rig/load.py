"""The load: raw sockets and epoll in a process of their own, so that the sender is never what is measured.

Reads one job as JSON from standard input, writes the result as JSON to standard output. Without a rate each connection
sends its next request when it has the answer; with one, requests are due at fixed times, and a late start counts.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.rig.bodies import POOL, pool, requests, size

GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to send."""

    port: int
    shape: str
    connections: int
    seconds: float
    warmup: float = 0.3
    """These first seconds do not count."""
    rate: float | None = None
    """Requests a second."""
    first: int = 0
    """The number of the first new alert."""
    count: int | None = None
    """So many requests and no more; otherwise as many as the time allows."""
    trace: bool = False
    """Whether to tell the times of every request."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of it."""

    requests: int = 0
    alerts_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    answered_alerts: int = 0
    """All that were answered 200, the warm-up included."""
    refused: int = 0
    """Answers other than 200."""
    unanswered: int = 0
    next: int = 0
    """The first number that no alert has had."""
    trace: list[tuple[int, float, float]] = field(default_factory=list)
    """Number of the request, when its last byte was sent, when its answer came; by the machine's monotonic clock."""


class _Connection:
    __slots__ = ("due_at", "left", "number", "received", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.received = b""
        self.left = b""
        self.due_at = 0.0
        self.sent_at = 0.0
        self.number = -1


class Sender:
    """Runs one job."""

    def __init__(self, job: Job) -> None:
        """Open the connections."""
        self._job = job
        self._bodies: Iterator[bytes] = requests(job.shape, port=job.port, first=job.first)
        self._poll = select.epoll()
        self._by_fd: dict[int, _Connection] = {}
        for _ in range(job.connections):
            connection = _Connection(job.port)
            self._by_fd[connection.socket.fileno()] = connection
            self._poll.register(connection.socket.fileno(), select.EPOLLIN)
        self._idle = deque(self._by_fd.values())
        self._sent = 0
        self._latencies: list[float] = []
        self._counted = 0
        self._result = Result()

    def run(self) -> Result:
        """Send for the time given and wait for the last answers."""
        began = time.monotonic()
        counted_from, until = began + self._job.warmup, began + self._job.warmup + self._job.seconds
        while (now := time.monotonic()) < until and not self._over():
            self._send_due(now, began)
            self._wait(self._pause(now, began, until), counted_from, until)
        while len(self._idle) < len(self._by_fd) and time.monotonic() < until + GRACE_SECONDS:
            self._wait(0.05, counted_from, until)
        return self._finish()

    def prime(self) -> None:
        """Have a repeating sender's groups known before anything is measured."""
        with socket.create_connection(("127.0.0.1", self._job.port)) as connection:
            for request in pool(self._job.shape, port=self._job.port, first=self._job.first):
                connection.sendall(request)
                answer = b""
                while not _complete(answer):
                    answer += connection.recv(65536)
                if answer[9:12] != b"200":
                    raise SystemExit(f"refused: {answer[:300]!r}")

    def _over(self) -> bool:
        return self._sent == self._job.count and len(self._idle) == len(self._by_fd)

    def _send_due(self, now: float, began: float) -> None:
        rate = self._job.rate
        while self._idle and self._sent != self._job.count:
            due = began + self._sent / rate if rate else now
            if due > now:
                return
            self._send(self._idle.popleft(), due)

    def _pause(self, now: float, began: float, until: float) -> float:
        rate = self._job.rate
        if rate is None or not self._idle:
            return min(0.05, until - now)
        return max(0.0, min(began + self._sent / rate, until) - now)

    def _send(self, connection: _Connection, due_at: float) -> None:
        connection.number = self._sent
        self._sent += 1
        connection.due_at = due_at
        connection.left = next(self._bodies)
        self._push(connection)

    def _push(self, connection: _Connection) -> None:
        try:
            done = connection.socket.send(connection.left)
        except BlockingIOError:
            done = 0
        waited = len(connection.left) > done
        connection.left = connection.left[done:]
        connection.sent_at = time.monotonic()
        self._poll.modify(connection.socket.fileno(), select.EPOLLIN | (select.EPOLLOUT if waited else 0))

    def _wait(self, timeout: float, counted_from: float, until: float) -> None:
        for fd, events in self._poll.poll(timeout):
            connection = self._by_fd[fd]
            if events & select.EPOLLOUT:
                self._push(connection)
            if events & ~select.EPOLLOUT:
                self._receive(connection, counted_from, until)

    def _receive(self, connection: _Connection, counted_from: float, until: float) -> None:
        data = connection.socket.recv(65536)
        if not data:
            raise SystemExit("the server closed a connection")
        connection.received += data
        if not _complete(connection.received):
            return
        now = time.monotonic()
        taken = connection.received[9:12] == b"200"
        connection.received = b""
        if taken:
            self._result.answered_alerts += size(self._job.shape)
        else:
            self._result.refused += 1
        if counted_from <= now < until:
            self._latencies.append(now - connection.due_at)
            self._counted += taken
        if self._job.trace:
            self._result.trace.append((self._job.first + connection.number, connection.sent_at, now))
        self._idle.append(connection)

    def _finish(self) -> Result:
        result = self._result
        ordered = sorted(self._latencies) or [0.0]
        result.requests = self._sent
        result.alerts_per_second = self._counted * size(self._job.shape) / self._job.seconds
        result.p50_ms = ordered[len(ordered) // 2] * 1000
        result.p99_ms = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000
        result.unanswered = len(self._by_fd) - len(self._idle)
        groups = POOL[size(self._job.shape)] if self._job.shape.startswith("rep") else self._sent
        result.next = self._job.first + groups * size(self._job.shape)
        for connection in self._by_fd.values():
            connection.socket.close()
        self._poll.close()
        return result


def _complete(received: bytes) -> bool:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = received[:end].lower()
    start = head.find(b"content-length:")
    line = head[start + 15 :].partition(b"\r\n")[0]
    return len(received) >= end + 4 + int(line)


def main() -> None:
    job = Job(**json.load(sys.stdin))
    sender = Sender(job)
    if job.shape.startswith("rep"):
        sender.prime()
    json.dump(asdict(sender.run()), sys.stdout)


if __name__ == "__main__":
    main()
