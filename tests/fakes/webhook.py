"""A strict receiver of webhooks on a real port: checks every request as a picky provider would."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import parse_qs

Behaviour: TypeAlias = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    """One request, whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def answers(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer properly, with this status."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        if status not in (204, 304):
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if status not in (204, 304):
            request.wfile.write(body)

    return behave


def says(raw: bytes) -> Behaviour:
    """Write these bytes and hang up, whether they are HTTP or not."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(raw)
        request.close_connection = True

    return behave


def closes(request: BaseHTTPRequestHandler) -> None:
    """Hang up without a word."""
    request.close_connection = True


def huge(request: BaseHTTPRequestHandler) -> None:
    """Answer without end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(1024):
        request.wfile.write(part)
    request.close_connection = True


MISBEHAVIOURS: Mapping[str, Behaviour] = {
    "hangs up": closes,
    "is not HTTP": says(b"\x00\x01\x02\xff\xfe garbage \r\n\r\n"),
    "breaks off in the headers": says(b"HTTP/1.1 200 OK\r\nContent-"),
    "breaks off in the body": says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
    "lies about its length": says(b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n"),
    "has two lengths": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
    "breaks its chunks": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "is no gzip": says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
    "has headers of bytes": says(b"HTTP/1.1 200 OK\r\nX-Message-Id: \xff\xfe\r\nContent-Length: 0\r\n\r\n"),
    "has no status": says(b"HTTP/1.1 OK\r\n\r\n"),
    "has a strange status": says(b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"),
    "goes on and on": huge,
    "bursts": answers(200, gzip.compress(b"x" * 50_000_000), {"Content-Encoding": "gzip"}),
    "leads in a circle": answers(302, headers={"Location": "/"}),
    "leads to a file": answers(302, headers={"Location": "file:///etc/passwd"}),
}
"""What receivers do that are broken, or mean it: "the receiver hangs up"."""


class WebhookServer:
    """The receiver. `plan` empties from the left, one entry a request; then every request is answered with 200."""

    def __init__(self) -> None:
        self.plan: deque[Behaviour] = deque()
        self.received: list[Received] = []
        self.usual: Behaviour = answers(200)
        """What happens where nothing is planned."""
        self.content_type = "application/json"
        """What every request must have."""
        self.complaints: list[str] = []
        """What was wrong with the requests."""
        self.ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def trickles(self, request: BaseHTTPRequestHandler) -> None:
        """Answer byte by byte, for as long as anybody listens."""
        request.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not self.ending.wait(0.02):
            request.wfile.write(b"1\r\nx\r\n")
        request.close_connection = True

    def hangs(self, request: BaseHTTPRequestHandler) -> None:
        """Take the request and never answer."""
        self.ending.wait(timeout=30)
        request.close_connection = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _check(self, request: Received) -> None:
        if request.method != "POST":
            self.complaints.append(f"method {request.method}")
        if request.headers.get("content-type", "").split(";")[0] != self.content_type:
            self.complaints.append(f"content type {request.headers.get('content-type')}")
        try:
            text = request.body.decode("utf-8")
            _ = (
                json.loads(text)
                if self.content_type.endswith("json")
                else parse_qs(text, strict_parsing=True)
            )
        except ValueError as error:
            self.complaints.append(f"body: {error}")
        if "content-length" not in request.headers or "transfer-encoding" in request.headers:
            self.complaints.append("no content length")
        if "accept-encoding" in request.headers and "cookie" in request.headers:
            self.complaints.append("a cookie")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self._take()

            def do_GET(self) -> None:
                self._take()

            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(method=self.command, path=self.path, headers=headers, body=body)
                server.received.append(request)
                server._check(request)
                behave = server.plan.popleft() if server.plan else server.usual
                # The other side may have had enough of us.
                with contextlib.suppress(OSError):
                    behave(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
                pass

        return Handler
