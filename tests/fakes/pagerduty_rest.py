"""PagerDuty's REST API (v2) in this process, on a real port: who is on call, in pages. As strict as the real one."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

Plan: TypeAlias = Callable[[], tuple[int, bytes]]
ACCEPT = "application/vnd.pagerduty+json;version=2"
ASKED = {"schedule_ids[]", "since", "until", "time_zone", "limit", "offset"}


def answers(status: int, body: bytes = b'{"error": {"message": "planned"}}') -> Plan:
    """Answer so, whatever is asked."""
    return lambda: (status, body)


class PagerDutyRest:
    """The service. `plan` empties from the left, one entry a request."""

    def __init__(self, key: str) -> None:
        """Take the key that may read."""
        self.key = key
        self.plan: deque[Plan] = deque()
        self.always: Plan | None = None
        self.entries: dict[str, list[dict[str, Any]]] = {}
        """By schedule."""
        self.requests: list[dict[str, list[str]]] = []
        self.refused: list[str] = []
        self.page_most = 100
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

    def on_call(
        self, schedule: str, user: str, start: str | None, end: str | None, *, name: str = "", level: int = 1
    ) -> None:
        """Have somebody on call by a schedule, through one escalation policy."""
        self.entries.setdefault(schedule, []).append(
            {
                "escalation_policy": {
                    "id": "PPOLICY",
                    "type": "escalation_policy_reference",
                    "summary": "Default",
                },
                "escalation_level": level,
                "schedule": {"id": schedule, "type": "schedule_reference", "summary": schedule},
                "user": {"id": user, "type": "user_reference", "summary": name or user},
                "start": start,
                "end": end,
            }
        )

    def _answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        parts = urlsplit(path)
        asked = parse_qs(parts.query, keep_blank_values=True)
        self.requests.append(asked)
        if self.plan or self.always:
            return self.plan.popleft()() if self.plan else (self.always or answers(500))()
        if headers.get("authorization") != f"Token token={self.key}":
            return 401, b'{"error": {"code": 2006, "message": "You need a valid API key"}}'
        wrong = [f"unknown parameter {name}" for name in asked.keys() - ASKED]
        if parts.path != "/oncalls":
            return 404, b"{}"
        if headers.get("accept") != ACCEPT:
            wrong.append("no version of the API")
        if asked.get("time_zone") != ["UTC"]:
            wrong.append("time_zone")
        since, until = (datetime.fromisoformat(asked[name][0]) for name in ("since", "until"))
        limit, offset = int(asked["limit"][0]), int(asked["offset"][0])
        if not 1 <= limit <= 100 or until <= since:
            wrong.append("limit or span")
        if wrong:
            self.refused += wrong
            return 400, json.dumps({"error": {"message": "Invalid Input Provided", "errors": wrong}}).encode()
        found = [
            entry
            for schedule in asked["schedule_ids[]"]
            for entry in self.entries.get(schedule, [])
            if (entry["start"] is None or datetime.fromisoformat(entry["start"]) < until)
            and (entry["end"] is None or datetime.fromisoformat(entry["end"]) > since)
        ]
        size = min(limit, self.page_most)
        page = found[offset : offset + size]
        said = {
            "oncalls": page,
            "limit": limit,
            "offset": offset,
            "more": offset + size < len(found),
            "total": None,
        }
        return 200, json.dumps(said).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, body = server._answer(self.path, headers)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
                pass

        return Handler
