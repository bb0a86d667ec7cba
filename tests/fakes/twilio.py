"""Twilio in this process: texts and calls on a real port, and the signed requests that it makes of us.

Refuses what the real one refuses: wrong credentials, fields that are missing or too long, numbers that are none, people
who opted out, addresses that it cannot call. https://www.twilio.com/docs/api/errors
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

Failure: TypeAlias = Callable[["Twilio", BaseHTTPRequestHandler, dict[str, str]], None]

SID = "AC0123456789abcdef0123456789abcdef"
TOKEN = "twilio-auth-token"
NUMBER = "+4915735980000"
EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
"""Of a call: https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource"""


@dataclass
class Sent:
    """One text or call as Twilio keeps it."""

    sid: str
    to: str
    body: str
    fields: Mapping[str, str]
    status: str = "queued"


def answers(status: int, code: int = 0, *, after: int | None = None) -> Failure:
    """Do nothing, and answer with this error."""

    def fail(_server: Twilio, request: BaseHTTPRequestHandler, _fields: dict[str, str]) -> None:
        headers = {"Retry-After": str(after)} if after is not None else {}
        _answer(request, status, {"code": code, "message": "An error", "status": status}, headers)

    return fail


def loses_the_answer(server: Twilio, request: BaseHTTPRequestHandler, fields: dict[str, str]) -> None:
    """Do what was asked for, and hang up before the answer."""
    server.take(request.path, fields)
    request.close_connection = True


@dataclass
class Refused(Exception):
    """An error of the API."""

    status: int
    code: int


@dataclass
class Twilio:
    """The service. `plan` empties from the left, one entry a POST; None lets a request through."""

    opted_out: set[str] = field(default_factory=set)
    landlines: set[str] = field(default_factory=set)
    plan: deque[Failure | None] = field(default_factory=deque)
    texts: list[Sent] = field(default_factory=list)
    calls: list[Sent] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Every list that was asked for."""
    mute: bool = False
    """No list is answered."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def bodies(self) -> list[str]:
        """What was sent as texts, in order."""
        return [text.body for text in self.texts]

    def take(self, path: str, fields: dict[str, str]) -> dict[str, Any]:
        """Make a text or call; raises Refused."""
        to = fields.get("To", "")
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
            raise Refused(400, 21211)
        if fields.get("From") != NUMBER:
            raise Refused(400, 21606)
        for name in ("StatusCallback", "Url"):
            host = urlsplit(fields.get(name, "https://x.example.com")).hostname or ""
            if host in ("localhost", "127.0.0.1") or "." not in host:
                raise Refused(400, 21609)
        if path.endswith("/Messages.json"):
            return self._text(to, fields)
        if "Url" not in fields:
            raise Refused(400, 21205)
        if not EVENTS.issuperset(fields.get("StatusCallbackEvent", "").split()):
            raise Refused(400, 21626)
        call = Sent(f"CA{next(self._numbers):032x}", to, "", fields)
        self.calls.append(call)
        return {"sid": call.sid, "status": call.status}

    def _text(self, to: str, fields: dict[str, str]) -> dict[str, Any]:
        if not fields.get("Body"):
            raise Refused(400, 21602)
        if len(fields["Body"]) > 1600:
            raise Refused(400, 21617)
        if to in self.opted_out:
            raise Refused(400, 21610)
        if to in self.landlines:
            raise Refused(400, 21614)
        text = Sent(f"SM{next(self._numbers):032x}", to, fields["Body"], fields)
        self.texts.append(text)
        return {"sid": text.sid, "status": text.status, "num_segments": "1", "error_code": None}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                fields = {
                    name: " ".join(values) for name, values in parse_qs(body, strict_parsing=True).items()
                }
                fail = server.plan.popleft() if server.plan else None
                with contextlib.suppress(OSError):
                    if not self._known():
                        return
                    if fail is not None:
                        fail(server, self, fields)
                        return
                    try:
                        _answer(self, 201, server.take(self.path, fields))
                    except Refused as error:
                        _answer(self, error.status, {"code": error.code, "status": error.status})

            def do_GET(self) -> None:
                server.asked.append(self.path)
                if not self._known():
                    return
                if server.mute:
                    _answer(self, 500, {})
                    return
                to = parse_qs(urlsplit(self.path).query).get("To", [""])[0]
                found = [text for text in reversed(server.texts) if text.to == to]
                listed = [{"sid": one.sid, "body": one.body, "status": one.status} for one in found]
                _answer(self, 200, {"messages": listed})

            def _known(self) -> bool:
                wanted = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
                path = self.path.partition("?")[0]
                if self.headers.get("Authorization") != f"Basic {wanted}":
                    _answer(self, 401, {"code": 20003})
                elif not re.fullmatch(rf"/2010-04-01/Accounts/{SID}/(Messages|Calls)\.json", path):
                    _answer(self, 404, {"code": 20404})
                else:
                    return True
                return False

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
                pass

        return Handler


def signature(url: str, fields: Mapping[str, str], token: str = TOKEN) -> dict[str, str]:
    """Sign a request as Twilio does: the address, then every field's name and value in the order of the names."""
    content = url + "".join(f"{name}{value}" for name, value in sorted(fields.items()))
    digest = hmac.new(token.encode(), content.encode(), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(digest).decode()}


def _answer(
    request: BaseHTTPRequestHandler,
    status: int,
    said: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> None:
    body = json.dumps(said).encode()
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
