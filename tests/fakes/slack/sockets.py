"""Socket Mode: WebSocket connections (RFC 6455) over which the workspace sends envelopes and takes acknowledgements.

https://docs.slack.dev/apis/events-api/using-socket-mode. Of several connections any one may get an envelope; here the
newest does, and it gets it again over another one where no acknowledgement comes.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import queue
import socket
import struct
import threading
from types import TracebackType
from typing import Any, Final, Self

from tests.fakes.slack.workspace import Workspace

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Connection:
    """One app's end of a socket."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made
        self._lock = threading.Lock()
        self.answers: dict[str, queue.SimpleQueue[dict[str, Any]]] = {}
        self.open = True

    def send(self, said: dict[str, Any]) -> None:
        """Send a message."""
        self._frame(_TEXT, json.dumps(said).encode())

    def read(self) -> None:
        """Take what comes until the end."""
        with contextlib.suppress(OSError, ConnectionError):
            while self.open:
                kind, content = self._next()
                if kind == _CLOSE:
                    break
                if kind == _PING:
                    self._frame(_PONG, content)
                elif kind == _TEXT:
                    self._take(json.loads(content))
        self.end()

    def end(self) -> None:
        """Hang up."""
        self.open = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _take(self, said: dict[str, Any]) -> None:
        waiting = self.answers.pop(str(said.get("envelope_id")), None)
        if waiting is not None:
            waiting.put(said)

    def _frame(self, kind: int, content: bytes) -> None:
        size = len(content)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([size])
        elif size < 1 << 16:
            head += bytes([126]) + struct.pack(">H", size)
        else:
            head += bytes([127]) + struct.pack(">Q", size)
        with self._lock:
            self._socket.sendall(head + content)

    def _next(self) -> tuple[int, bytes]:
        first, second = self._exactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._exactly(8))
        mask = self._exactly(4) if second & 0x80 else b"\0\0\0\0"
        content = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self._exactly(size)))
        return first & 0x0F, content

    def _exactly(self, count: int) -> bytes:
        read = b""
        while len(read) < count:
            more = self._socket.recv(count - len(read))
            if not more:
                raise ConnectionError
            read += more
        return read


class Sockets:
    """Where apps connect to; hand it to a workspace by entering it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._numbers = itertools.count(1)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.connections: list[Connection] = []
        self.connected = threading.Event()

    def __enter__(self) -> Self:
        host, port = self._listener.getsockname()[:2]
        self._workspace.sockets = lambda: f"ws://{host}:{port}/link/?ticket={next(self._numbers)}"
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workspace.sockets = None
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.end()
        self._thread.join(timeout=5)

    def deliver(self, kind: str, payload: dict[str, Any], *, patience: float = 10.0) -> dict[str, Any] | None:
        """Send an envelope over the newest open connection and give the payload of its acknowledgement."""
        name = f"envelope-{next(self._numbers)}"
        connection = next(one for one in reversed(self.connections) if one.open)
        waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        connection.answers[name] = waiting
        envelope = {
            "envelope_id": name,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        connection.send(envelope)
        return waiting.get(timeout=patience).get("payload")

    def refresh(self) -> None:
        """Ask every app to come again, as Slack does from time to time."""
        for connection in self.connections:
            if connection.open:
                connection.send({"type": "disconnect", "reason": "refresh_requested"})

    def _accept(self) -> None:
        while True:
            try:
                made, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._welcome, args=(made,), daemon=True).start()

    def _welcome(self, made: socket.socket) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            more = made.recv(4096)
            if not more:
                return
            asked += more
        lines = (line.partition(b":") for line in asked.split(b"\r\n")[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        digest = hashlib.sha1(headers[b"sec-websocket-key"] + _MAGIC, usedforsecurity=False).digest()
        made.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        connection = Connection(made)
        self.connections.append(connection)
        connection.send(
            {
                "type": "hello",
                "num_connections": len(self.connections),
                "connection_info": {"app_id": "A0BOT"},
            }
        )
        self.connected.set()
        connection.read()
