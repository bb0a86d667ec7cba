"""PagerDuty in this process: the Events API v2 on a real port, its alerts, and the webhooks (V3) that it sends.

Refuses what the real one refuses, by https://developer.pagerduty.com/docs/events-api-v2/overview and `trigger-events`
beside it: events without the needed fields or beyond the limits, keys of no integration, more than its rate.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias

Failure: TypeAlias = Callable[["PagerDuty", BaseHTTPRequestHandler, bytes], None]

EVENT_BYTES = 512 * 1000
FIELDS = {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}


@dataclass
class Alert:
    """One alert as PagerDuty keeps it."""

    dedup_key: str
    service: str
    status: str = "triggered"
    triggers: int = 1


def answers(status: int, *, after: int | None = None) -> Failure:
    """Do nothing, and answer so."""

    def fail(_server: PagerDuty, request: BaseHTTPRequestHandler, _body: bytes) -> None:
        _answer(request, status, {}, {"Retry-After": str(after)} if after is not None else {})

    return fail


def loses_the_answer(server: PagerDuty, request: BaseHTTPRequestHandler, body: bytes) -> None:
    """Take the event, and hang up before the answer."""
    server.take(body)
    request.close_connection = True


def hangs(server: PagerDuty, request: BaseHTTPRequestHandler, _body: bytes) -> None:
    """Take the connection and never answer."""
    server.ending.wait(timeout=30)
    request.close_connection = True


class PagerDuty:
    """The service. `plan` empties from the left, one entry a request; None lets a request through."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        """Have these integrations: routing key to the service behind it."""
        self.keys = dict(keys)
        self.plan: deque[Failure | None] = deque()
        self.changes: list[dict[str, Any]] = []
        """Every change event that was accepted."""
        self.events: list[dict[str, Any]] = []
        """Every event that was accepted."""
        self.refused: list[list[str]] = []
        self.alerts: dict[tuple[str, str], Alert] = {}
        """By service and key; the newest of several."""
        self.ending = threading.Event()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
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
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def actions(self) -> list[str]:
        """What was asked for, in order."""
        return [event["event_action"] for event in self.events]

    def alert(self) -> Alert:
        """The newest alert."""
        return list(self.alerts.values())[-1]

    def take(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Do what an event asks for."""
        wrong = self._wrong(body)
        if wrong:
            self.refused.append(wrong)
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
        event = json.loads(body)
        with self._lock:
            self.events.append(event)
            service = self.keys[event["routing_key"]]
            key = event.get("dedup_key") or f"generated-{next(self._numbers)}"
            known = self.alerts.get((service, key))
            if event["event_action"] == "trigger":
                if known is None or known.status == "resolved":
                    self.alerts.pop((service, key), None)
                    self.alerts[service, key] = Alert(key, service)
                else:
                    known.triggers += 1
            elif known is not None and known.status != "resolved":
                known.status = f"{event['event_action'].removesuffix('e')}ed"
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}

    def take_change(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Take a change event."""
        event = json.loads(body)
        payload = event.get("payload", {})
        wrong = [f"Unknown field {name}" for name in event.keys() - {"routing_key", "payload", "links"}]
        wrong += [
            f"Unknown field payload.{name}"
            for name in payload.keys() - {"summary", "timestamp", "source", "custom_details"}
        ]
        if event.get("routing_key") not in self.keys:
            wrong.append("Invalid routing key")
        if not isinstance(payload.get("summary"), str) or not 0 < len(payload["summary"]) <= 1024:
            wrong.append("'payload.summary' is missing or longer than 1024")
        if "timestamp" in payload and datetime.fromisoformat(payload["timestamp"]).tzinfo is None:
            wrong.append("'payload.timestamp' is invalid")
        if not isinstance(payload.get("custom_details", {}), dict):
            wrong.append("'payload.custom_details' must be an object")
        wrong += ["a link needs its href" for link in event.get("links", []) if not link.get("href")]
        if len(body) > EVENT_BYTES:
            wrong.append("Event object is too large")
        if wrong:
            self.refused.append(wrong)
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
        self.changes.append(event)
        return 202, {"status": "success", "message": "Change event processed"}

    def _wrong(self, body: bytes) -> list[str]:
        if len(body) > EVENT_BYTES:
            return ["Event object is too large"]
        try:
            event = json.loads(body.decode())
        except ValueError:
            return ["JSON is expected"]
        wrong = [f"Unknown field {name}" for name in event.keys() - FIELDS]
        key = event.get("routing_key")
        if not isinstance(key, str) or len(key) != 32:
            wrong.append("Length of 'routing_key' is incorrect (should be 32 characters)")
        elif key not in self.keys:
            wrong.append("Invalid routing key")
        action = event.get("event_action")
        if action not in ("trigger", "acknowledge", "resolve"):
            wrong.append("'event_action' is not a valid action")
        dedup_key = event.get("dedup_key")
        if (dedup_key is None and action != "trigger") or len(dedup_key or "") > 255:
            wrong.append("'dedup_key' is missing or longer than 255")
        if action == "trigger":
            wrong += _wrong_payload(event)
        return wrong

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fail = server.plan.popleft() if server.plan else None
                with contextlib.suppress(OSError):
                    if fail is not None:
                        fail(server, self, body)
                    elif self.path == "/v2/change/enqueue":
                        _answer(self, *server.take_change(body))
                    elif self.path != "/v2/enqueue" or self.headers.get("Content-Type") != "application/json":
                        _answer(self, 404, {})
                    else:
                        _answer(self, *server.take(body))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
                pass

        return Handler


def webhook(
    kind: str,
    alert: Alert,
    *,
    at: datetime,
    by: tuple[str, str] | None = ("PDANA", "Ana"),
    assignees: tuple[tuple[str, str], ...] = (),
    event_id: str = "01EVENT",
) -> bytes:
    """Write a webhook about an alert's incident; `by` is a user's id and name, or None for an integration."""

    def user(one: tuple[str, str]) -> dict[str, str]:
        return {"id": one[0], "type": "user_reference", "summary": one[1]}

    integration = {"id": "PINTEG", "type": "events_api_v2_inbound_integration_reference", "summary": "Bot"}
    event = {
        "id": event_id,
        "event_type": f"incident.{kind}",
        "resource_type": "incident",
        "occurred_at": at.isoformat().replace("+00:00", "Z"),
        "agent": user(by) if by else integration,
        "client": None,
        "data": {
            "id": "PGR0VU2",
            "type": "incident",
            "number": 2,
            "status": alert.status,
            "incident_key": alert.dedup_key,
            "title": "An alert",
            "assignees": [user(one) for one in assignees],
        },
    }
    return json.dumps({"event": event}, separators=(",", ":")).encode()


def signature(body: bytes, *secrets: str) -> dict[str, str]:
    """Sign a webhook as PagerDuty does, with one signature a secret."""
    signatures = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets]
    return {"X-PagerDuty-Signature": ",".join(f"v1={one}" for one in signatures)}


def _wrong_payload(event: Mapping[str, Any]) -> list[str]:
    payload = event.get("payload")
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    wrong = [f"Unknown field payload.{name}" for name in payload.keys() - PAYLOAD]
    wrong += [
        f"'payload.{name}' is missing or blank"
        for name in ("summary", "source", "severity")
        if not isinstance(payload.get(name), str) or not payload[name].strip()
    ]
    if len(payload.get("summary") or "") > 1024:
        wrong.append("'payload.summary' is longer than 1024")
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        wrong.append("'payload.severity' is invalid")
    if "timestamp" in payload and datetime.fromisoformat(payload["timestamp"]).tzinfo is None:
        wrong.append("'payload.timestamp' is invalid")
    if not isinstance(payload.get("custom_details", {}), dict):
        wrong.append("'payload.custom_details' must be an object")
    wrong += ["a link needs its href" for link in event.get("links", []) if not link.get("href")]
    images = event.get("images", [])
    return wrong + ["an image is served via HTTPS" for one in images if not one["src"].startswith("https:")]


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
