"""A Prometheus in a test's hand: series as functions of the time, its rules, and a strict API v1 over real HTTP."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.webhook import Behaviour

Value: TypeAlias = Callable[[float], float | None]
"""Seconds since 1970 → the value then; None where there is none."""
POINTS_MOST = 11_000
"""What the real one refuses to exceed."""
FORMS: Mapping[str, frozenset[str]] = {
    "query": frozenset({"query", "time", "timeout"}),
    "query_range": frozenset({"query", "start", "end", "step", "timeout"}),
}


@dataclass
class FakePrometheus:
    """Answers what it was taught; an expression that it does not know has no series."""

    series: dict[str, list[tuple[dict[str, str], Value]]] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    authorization: str | None = None
    """What every request must carry, where it is set."""
    plan: deque[Behaviour] = field(default_factory=deque)
    """What is done instead of answering, one a request."""
    usual: Behaviour | None = None
    """What is done instead of answering, whenever nothing is planned."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """The last part of the path, and the form or query."""
    complaints: list[str] = field(default_factory=list)
    """What the real one would not have taken."""

    def __post_init__(self) -> None:
        self.ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def teach(self, expression: str, labels: Mapping[str, str], value: Value | float) -> None:
        """Have an expression give one more series."""
        made = value if callable(value) else lambda _at: float(value)
        self.series.setdefault(expression, []).append((dict(labels), made))

    def rule(self, name: str, expression: str, **labels: str) -> None:
        """Have it list an alerting rule."""
        self.rules.append(
            {
                "state": "firing",
                "name": name,
                "query": expression,
                "duration": 300,
                "keepFiringFor": 0,
                "labels": labels,
                "annotations": {},
                "alerts": [],
                "health": "ok",
                "type": "alerting",
            }
        )

    def hangs(self, request: BaseHTTPRequestHandler) -> None:
        """Take the request and never answer."""
        self.ending.wait(timeout=60)
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

    def answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Give a status and a body."""
        if self.authorization is not None and headers.get("authorization") != self.authorization:
            return 401, None
        address = urlsplit(path)
        name = address.path.removeprefix("/api/v1/")
        if name == "rules" and method == "GET":
            asked = dict(parse_qsl(address.query, strict_parsing=True))
            self.asked.append((name, asked))
            # As Debian's does: it knows `type`, and leaves `rule_name[]` unread.
            return 200, {
                "status": "success",
                "data": {
                    "groups": [{"name": "all", "file": "rules.yml", "interval": 60, "rules": self.rules}]
                },
            }
        if name not in FORMS or method != "POST":
            return 404, None
        if headers.get("content-type") != "application/x-www-form-urlencoded":
            return 400, problem("bad_data", "no form")
        form = dict(parse_qsl(body.decode(), strict_parsing=True, keep_blank_values=True))
        self.asked.append((name, form))
        if form.get("query", "").count("(") != form.get("query", "").count(")"):
            return 400, problem(
                "bad_data", 'invalid parameter "query": parse error: unclosed left parenthesis'
            )
        if set(form) != FORMS[name]:
            self.complaints.append(f"{name} was asked with {sorted(form)}")
        try:
            return self._instant(form) if name == "query" else self._range(form)
        except ValueError as error:
            self.complaints.append(str(error))
            return 400, problem("bad_data", str(error))

    def _instant(self, form: Mapping[str, str]) -> tuple[int, Any]:
        at = float(form["time"])
        found = [
            {"metric": labels, "value": [at, written(value(at))]}
            for labels, value in self._known(form["query"])
            if value(at) is not None
        ]
        return 200, {"status": "success", "data": {"resultType": "vector", "result": found}}

    def _range(self, form: Mapping[str, str]) -> tuple[int, Any]:
        start, end, step = (float(form[name]) for name in ("start", "end", "step"))
        if step <= 0:
            raise ValueError("zero or negative query resolution step widths are not accepted")
        if end < start:
            raise ValueError("end timestamp must not be before start time")
        if (end - start) / step > POINTS_MOST:
            raise ValueError("exceeded maximum resolution of 11,000 points per timeseries")
        moments = [start + step * index for index in range(math.floor((end - start) / step) + 1)]
        found = []
        for labels, value in self._known(form["query"]):
            points = [[at, written(value(at))] for at in moments if value(at) is not None]
            if points:
                found.append({"metric": labels, "values": points})
        return 200, {"status": "success", "data": {"resultType": "matrix", "result": found}}

    def _known(self, expression: str) -> list[tuple[dict[str, str], Value]]:
        return self.series.get(expression, [])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._take()

            def do_POST(self) -> None:
                self._take()

            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                instead = api.plan.popleft() if api.plan else api.usual
                # The other side may have had enough of us.
                with contextlib.suppress(OSError):
                    if instead is not None:
                        api.asked.append(("?", {}))
                        instead(self)
                        return
                    status, said = api.answer(self.command, self.path, body, headers)
                    content = b"404 page not found" if said is None else json.dumps(said).encode()
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
                pass

        return Handler


def problem(kind: str, text: str) -> dict[str, str]:
    """An error as Prometheus writes it."""
    return {"status": "error", "errorType": kind, "error": text}


def written(value: float | None) -> str:
    """A number as Prometheus writes it."""
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:g}"
