"""A real HTTP server that takes what the notifier `webhook` posts, and misbehaves on command."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Mode(StrEnum):
    """How the sink answers."""

    TAKE = "take"
    """200 at once."""
    FAIL = "fail"
    """500."""
    BUSY = "busy"
    """429 with a Retry-After of one second."""
    HANG = "hang"
    """No answer before `release`."""
    CLOSE = "close"
    """The connection ends without an answer."""


@dataclass(frozen=True, slots=True)
class Post:
    """One request that came in whole."""

    at: float
    mode: Mode
    key: str
    kind: str
    recipient: str
    subject: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def is_page(self) -> bool:
        return self.kind == "page"


class WebhookSink:
    """Records every post before it answers; safe to ask from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._posts: list[Post] = []
        self._mode = Mode.TAKE
        self._released = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="sink", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                _hang_up(connection)
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/pages"

    def behave(self, mode: Mode) -> None:
        """Answer so from now on; requests that hang go on hanging."""
        with self._lock:
            if mode is Mode.HANG:
                self._released = threading.Event()
            self._mode = mode

    def release(self) -> None:
        """Answer again, and let go what hangs."""
        self.behave(Mode.TAKE)
        self._released.set()

    def posts(self) -> list[Post]:
        with self._lock:
            return list(self._posts)

    def pages(self) -> list[Post]:
        return [post for post in self.posts() if post.is_page]

    def taken_pages(self) -> list[Post]:
        """Pages that were answered with 200."""
        return [post for post in self.pages() if post.mode is Mode.TAKE]

    def keys(self) -> Counter[str]:
        """How often each page's key came."""
        return Counter(post.key for post in self.pages())

    def note(self, headers: dict[str, str], content: bytes) -> tuple[Mode, threading.Event]:
        """Record one request; gives how to answer it."""
        body = json.loads(content)
        with self._lock:
            self._posts.append(
                Post(
                    at=time.monotonic(),
                    mode=self._mode,
                    key=headers.get("idempotency-key", ""),
                    kind=str(body.get("kind")),
                    recipient=str(body.get("recipient")),
                    subject=str(body.get("subject")),
                    body=body,
                    headers=headers,
                )
            )
            return self._mode, self._released

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is not worth a traceback here."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _handler(sink: WebhookSink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            sink.opened(self.connection)

        def finish(self) -> None:
            sink.closed(self.connection)
            super().finish()

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", "0")))
            mode, released = sink.note({name.lower(): value for name, value in self.headers.items()}, content)
            if mode is Mode.HANG:
                released.wait(60)
            if mode in (Mode.HANG, Mode.CLOSE):
                self.close_connection = True
                return
            self.send_response({Mode.TAKE: 200, Mode.FAIL: 500, Mode.BUSY: 429}[mode])
            if mode is Mode.BUSY:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the parent's name
            """Nothing on the terminal."""

    return Handler
