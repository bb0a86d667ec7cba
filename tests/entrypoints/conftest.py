"""A real application over a real SQLite file, called through its ASGI door as a local program or a browser would."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from incident_bot import bootstrap
from incident_bot.bootstrap import Application
from incident_bot.clock import ManualClock
from incident_bot.config.settings import Settings
from incident_bot.core.model import Person
from incident_bot.flow.worker import pump
from incident_bot.notifiers.base import Message, Notifier, Receipt
from incident_bot.store import Store
from incident_bot.telemetry import configure_logging

START = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)

FILES: Mapping[str, str] = {
    "rotations/people.yaml": """
people:
  alice: {name: Alice Example, time_zone: Europe/Berlin}
  bob: {name: "Bob <b>Example</b>"}
  gone: {name: Gone Away, active: false}
""",
    "rotations/teams.yaml": """
teams:
  platform: {schedule: platform-primary, lead: bob, services: [checkout]}
""",
    "rotations/schedules/platform-primary.yaml": """
schedule: platform-primary
time_zone: Europe/Berlin
layers:
  - name: week
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[alice], [bob]]
""",
    "rotations/escalation.yaml": """
severities:
  P1: {aliases: [critical], urgency: high, respond_within: 5m}
  P2: {aliases: [warning], urgency: high}
matrix:
  P1: [{page: [on_call]}, {after: 15m, page: [lead]}]
  P2: [{page: [on_call]}]
fallback: [person/bob]
last_resort: [person/bob]
""",
    "rotations/routing.yaml": """
sources:
  - {name: alertmanager, kind: alertmanager}
  - {name: guarded, kind: alertmanager, token_env: TEST_GUARDED_TOKEN}
routes: []
default: {team: platform, action: incident, severity: P2, group_by: [alertname]}
""",
    "runbooks/infrastructure/high-cpu.md": """---
title: High CPU
alerts: [HighCPU]
owner: platform
---
## Investigation

1. Run `top` on the host
2. Look for <script>alert(1)</script>

## Mitigation

1. Restart the worker
""",
}


@dataclass
class Recorder:
    """The way out of tests: keeps what was said."""

    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt(provider_id=f"r{len(self.sent)}")

    def reaches(self, person: Person) -> bool:
        return True


@dataclass
class World:
    """One application with its clock, its configuration and its outside."""

    application: Application
    clock: ManualClock
    directory: Path
    recorder: Recorder

    def client(
        self,
        *,
        host: str = "localhost:8080",
        peer: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
    ) -> TestClient:
        """A program on this machine, unless told otherwise."""
        return TestClient(
            self.application.app,
            base_url=f"http://{host}",
            client=(peer, 50000),
            headers=dict(headers or {}),
            follow_redirects=False,
        )

    def pump(self) -> None:
        """Do everything that is due."""
        pump(self.application.context, now=self.clock.now)

    def open_incident(self, **labels: str) -> str:
        """Deliver one firing alert; gives the name of its incident."""
        answer = self.client().post("/webhooks/alertmanager", json=delivery(**labels))
        assert answer.status_code == 200, answer.text
        newest: str = self.client().get("/api/v1/incidents?limit=1").json()["items"][0]["id"]
        return newest


def delivery(annotations: Mapping[str, str] | None = None, /, **labels: str) -> dict[str, Any]:
    """One Alertmanager webhook with one firing alert."""
    named = {"alertname": "HighCPU", "severity": "critical", **labels}
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{named["alertname"]}"}}',
        "receiver": "bot",
        "status": "firing",
        "truncatedAlerts": 0,
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "alerts": [
            {
                "status": "firing",
                "labels": named,
                "annotations": dict(annotations or {}),
                "startsAt": "2026-03-03T02:59:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.example.com/graph",
                "fingerprint": "0123456789abcdef",
            }
        ],
    }


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Let a test set up logging, and set it back afterwards."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def logged(own_logging: None) -> Callable[[], list[dict[str, Any]]]:
    """Log as in production, into memory; gives the lines so far."""
    stream = io.StringIO()
    configure_logging(level="info", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with every migration applied, to be copied: migrating anew is most of a world's cost."""
    path = tmp_path_factory.mktemp("migrated") / "bot.db"
    store = Store.open(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    return path


@pytest.fixture
def make_world(tmp_path: Path, migrated: Path) -> Iterator[Callable[..., World]]:
    """Build worlds; each keyword is an environment variable without its prefix, those in `bare` have none.

    `ways` are ways out besides the recorder.
    """
    built: list[World] = []

    def make(
        bare: Mapping[str, str] | None = None,
        *,
        ways: Mapping[str, Notifier] | None = None,
        **environment: str,
    ) -> World:
        directory = tmp_path / f"world{len(built)}"
        for name, text in FILES.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        shutil.copy(migrated, directory / "bot.db")
        environ = {
            "INCIDENT_BOT_DATABASE_URL": f"sqlite:///{directory}/bot.db",
            "INCIDENT_BOT_CONFIG_DIR": str(directory),
            "INCIDENT_BOT_DEFAULT_CHANNEL": "recorder",
            **{f"INCIDENT_BOT_{name.upper()}": value for name, value in environment.items()},
            **(bare or {}),
        }
        clock = ManualClock(START)
        recorder = Recorder()
        application = bootstrap.build(
            Settings.load(environ), clock=clock, notifiers={"recorder": recorder, **(ways or {})}
        )
        application.intake.start()
        built.append(World(application, clock, directory, recorder))
        return built[-1]

    yield make
    for world in built:
        world.application.app.state.desk.streams.close()
        world.application.stop()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """An application without any token: only this machine may call."""
    return make_world()


@pytest.fixture
def guarded(make_world: Callable[..., World]) -> World:
    """An application with tokens."""
    return make_world(api_token="api-secret-token", ingest_token="ingest:sécret")
