"""An Alertmanager in a test's hand: what fires, the webhook bodies it sends, and its API over real HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.fakes.alertmanager_silences import Silences

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"


def written(instant: datetime | None) -> str:
    return NEVER if instant is None else instant.isoformat().replace("+00:00", "Z")


@dataclass
class Firing:
    """One alert as Alertmanager holds it."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    silenced_by: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        told = json.dumps(sorted(self.labels.items())).encode()
        return hashlib.sha256(told).hexdigest()[:16]

    def in_webhook(self) -> dict[str, Any]:
        return {
            "status": "firing" if self.ends_at is None else "resolved",
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": written(self.starts_at),
            "endsAt": written(self.ends_at),
            "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
            "fingerprint": self.fingerprint,
        }

    def in_list(self, updated_at: datetime, silenced_by: tuple[str, ...] = ()) -> dict[str, Any]:
        silenced = (*self.silenced_by, *silenced_by)
        state = "suppressed" if silenced else "active"
        return {
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": written(self.starts_at),
            "endsAt": written(updated_at),
            "updatedAt": written(updated_at),
            "generatorURL": "",
            "fingerprint": self.fingerprint,
            "receivers": [{"name": "bot"}],
            "status": {"state": state, "silencedBy": list(silenced), "inhibitedBy": []},
        }


def body_of(group: str, alerts: Sequence[Firing], *, truncated: int = 0) -> bytes:
    """The webhook body, version 4, with these alerts of one group."""
    firing = any(alert.ends_at is None for alert in alerts)
    body = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{group}"}}',
        "truncatedAlerts": truncated,
        "status": "firing" if firing else "resolved",
        "receiver": "bot",
        "groupLabels": {"alertname": group},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "alerts": [alert.in_webhook() for alert in alerts],
    }
    return json.dumps(body).encode()


@dataclass
class Alertmanager:
    """What fires, grouped by alert name; each change gives the body that Alertmanager would send."""

    held: dict[str, list[Firing]] = field(default_factory=dict)

    def fire(self, labels: Mapping[str, str], annotations: Mapping[str, str], *, since: datetime) -> bytes:
        group = self.held.setdefault(labels["alertname"], [])
        known = self._known(labels)
        if known is not None:
            group.remove(known)
        group.append(Firing(dict(labels), dict(annotations), since))
        return body_of(labels["alertname"], group)

    def resolve(self, labels: Mapping[str, str], *, at: datetime) -> bytes:
        group = self.held[labels["alertname"]]
        known = self._known(labels)
        assert known is not None, f"nothing with the labels {dict(labels)} fires"
        known.ends_at = at
        body = body_of(labels["alertname"], group)
        group.remove(known)
        return body

    def find(self, **labels: str) -> Firing:
        return next(alert for alert in self.active() if labels.items() <= alert.labels.items())

    def active(self) -> list[Firing]:
        return [alert for group in self.held.values() for alert in group]

    def _known(self, labels: Mapping[str, str]) -> Firing | None:
        return next((one for one in self.held[labels["alertname"]] if one.labels == labels), None)


class AlertmanagerApi:
    """The API v2 of one Alertmanager, its alerts and its silences, on a real port of this machine."""

    def __init__(self, alertmanager: Alertmanager, now: Callable[[], datetime] | None = None) -> None:
        self.alertmanager = alertmanager
        self.updated_at: datetime | None = None
        self.broken = False
        """Whether it answers 500."""
        self.asked: list[str] = []
        self.posted: list[bytes] = []
        self.deleted: list[str] = []
        self.silences: list[Any] = []
        """What `/api/v2/silences` lists beside those that were made there, as Alertmanager writes it."""
        self.kept = Silences(now or (lambda: EPOCH))
        self.wrong: dict[str, list[int | str]] = {}
        """What comes of the next requests, by method: a status instead of doing it; `lost`: done and not answered."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def listed(self) -> list[dict[str, Any]]:
        """Its alerts, with the silences that hide each."""
        return [
            alert.in_list(self.updated_at or alert.starts_at, self.kept.hiding(alert.labels))
            for alert in self.alertmanager.active()
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append(self.path)
                if self.path.startswith("/api/v2/silence/"):
                    self._answer(lambda: api.kept.get(self.path.rpartition("/")[2]))
                elif self.path.startswith("/api/v2/silences"):
                    self._answer(lambda: (200, [*api.silences, *api.kept.listing()]))
                else:
                    self._answer(lambda: (200, api.listed()))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.posted.append(body)
                self._answer(lambda: api.kept.post(self.headers["Content-Type"], body))

            def do_DELETE(self) -> None:
                api.deleted.append(self.path)
                self._answer(lambda: api.kept.delete(self.path.rpartition("/")[2]))

            def _answer(self, answer: Callable[[], tuple[int, Any]]) -> None:
                waiting = api.wrong.get(self.command, [])
                wrong = waiting.pop(0) if waiting else None
                status, said = (wrong, "wrong") if isinstance(wrong, int) else answer()
                if wrong == "lost":
                    self.close_connection = True
                    return
                body = json.dumps(said).encode()
                self.send_response(500 if api.broken else status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
                pass

        return Handler
