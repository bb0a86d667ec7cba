"""A strict provider: it writes down every page before it answers, and takes its time to answer."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

SLOWEST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Came:
    """One page that reached the provider."""

    at: float
    """By the machine's clock."""
    key: str
    kind: str
    person: str
    incident: str


class CountingProvider:
    """Takes what the notifier `webhook` posts; refuses with 400 what is not whole, which the bot never tries again."""

    def __init__(self, *, seed: int) -> None:
        """Listen on a free port."""
        self._lock = threading.Lock()
        self._came: list[Came] = []
        self._chance = random.Random(seed)
        self.wrong = 0
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where pages go."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/pages"

    def came(self) -> list[Came]:
        """Give everything that came, in order."""
        with self._lock:
            return list(self._came)

    def note(self, key: str | None, content: bytes) -> bool:
        """Write one request down; says whether it was whole."""
        try:
            body = json.loads(content)
            facts = body["facts"]
            one = Came(time.time(), str(body["key"]), str(body["kind"]), str(body["recipient"]),
                       str(facts.get("incident", "")))  # fmt: skip
        except (ValueError, KeyError, TypeError):
            one = None
        with self._lock:
            whole = one is not None and one.key == key
            if one is not None and whole:
                self._came.append(one)
            else:
                self.wrong += 1
            pause = self._chance.random() * SLOWEST_SECONDS
        # A kill should find pages that were taken and not yet answered.
        time.sleep(pause)
        return whole


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is not worth a traceback here."""


def _handler(provider: CountingProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            content = self.rfile.read(length)
            if len(content) < length:
                # Whoever was sending it was killed in the middle of it.
                self.close_connection = True
                return
            whole = provider.note(self.headers.get("idempotency-key"), content)
            self.send_response(200 if whole else 400)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the parent's name
            """Nothing on the terminal."""

    return Handler
