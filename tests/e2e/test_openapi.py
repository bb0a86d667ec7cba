"""The real application against its own description: whatever is sent, the answer is one that `/openapi.json` knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from starlette.testclient import TestClient

from incident_bot import bootstrap
from incident_bot.bootstrap import Application
from incident_bot.clock import SystemClock
from incident_bot.config.settings import Settings
from incident_bot.flow.worker import pump
from incident_bot.notifiers.base import Message, Receipt
from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write

TOKEN = "only-for-this-test"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
LIVE = "/api/v1/incidents/{id}/live"
"""Nothing ends a stream but its reader."""
UNFIT = "positive_data_acceptance"
"""A JSON schema cannot say when a body contradicts itself, the configuration or the source's own format."""
TEXT_IS_TEXT = {
    "include-path": "/api/v1/incidents/{id}/postmortem",
    "include-method": "PUT",
    "checks": {"negative_data_rejection": {"enabled": False}},
}
"""A number or `{}` sent as Markdown is Markdown all the same."""


class Recorder:
    """The way out: takes everything."""

    def send(self, _message: Message) -> Receipt:
        return Receipt(provider_id="r1")

    def reaches(self, _person: object) -> bool:
        return True


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    directory = write(tmp_path, small())
    environ = {
        "INCIDENT_BOT_DATABASE_URL": f"sqlite:///{directory}/bot.db",
        "INCIDENT_BOT_CONFIG_DIR": str(directory),
        "INCIDENT_BOT_DEFAULT_CHANNEL": "recorder",
        "INCIDENT_BOT_API_TOKEN": TOKEN,
        "INCIDENT_BOT_INGEST_TOKEN": TOKEN,
    }
    built = bootstrap.build(Settings.load(environ), clock=SystemClock(), notifiers={"recorder": Recorder()})
    built.intake.start()
    client = TestClient(built.app, headers=HEADERS)
    for name in ("First", "Second"):
        body = delivery([alert(name, severity="critical", service="checkout")], group=name)
        assert client.post("/webhooks/alertmanager", json=body).status_code == 200
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    window = {"matchers": ['service="db"'], "end": tomorrow, "reason": "new disks"}
    assert client.post("/api/v1/maintenance", json=window).status_code == 201
    pump(built.context, now=built.clock.now)
    yield built
    built.app.state.desk.streams.close()
    built.stop()


def problems(
    application: Application, *, without: Sequence[str] = (), **more: Any
) -> tuple[set[str], list[str]]:
    """Send everything that schemathesis thinks of; gives what was called, and what was wrong with the answers."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20260303,
            "workers": 1,
            "cache": {"enabled": False},
            "headers": HEADERS,
            "generation": {"max-examples": 6, "deterministic": True, "database": "none"},
            # Most texts that are an instant are not one of our years: with two instants in a body luck decides.
            "suppress-health-check": ["filter_too_much"],
            "checks": {name: {"enabled": False} for name in (UNFIT, *without)},
            "operations": [TEXT_IS_TEXT],
            "phases": {"stateful": {"enabled": False}},
            **more,
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", application.app, config=config)
    called: set[str] = set()
    found: list[str] = []
    for event in from_schema(schema.exclude(path=LIVE)).execute():
        if isinstance(event, events.ScenarioFinished):
            called.add(event.recorder.label)
            found += wrong(event.recorder)
        elif isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return called, found


def wrong(recorder: ScenarioRecorder) -> list[str]:
    """Every failed check with the way to repeat it."""
    return [
        f"{recorder.label}: {check.name}: {check.failure_info.failure.message}\n  {check.failure_info.code_sample}"
        for checks in recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]


def test_answers_as_described(application: Application) -> None:
    called, found = problems(application)
    assert not found, "\n".join(found[:20])
    foretold = {
        f"{method.upper()} {path}"
        for path, operations in application.app.openapi()["paths"].items()
        for method in operations
    }
    assert foretold - called == {f"GET {LIVE}"}


def test_answers_as_described_about_what_exists(application: Application) -> None:
    # Pinned, a parameter stays valid where the generator believes that it has broken it.
    there = {"path.id": "1", "path.name": "primary", "path.source": "alertmanager"}
    _, found = problems(application, without=["negative_data_rejection"], parameters=there)
    assert not found, "\n".join(found[:20])


def test_the_chain_of_custody_writes_instants_in_utc_with_z(application: Application) -> None:
    client = TestClient(application.app, headers=HEADERS)
    told = client.get("/api/v1/incidents/1/why").json()
    instants = [
        told["at"],
        told["alerts"][0]["heard_at"],
        told["pages"][0]["due_at"],
        told["pages"][0]["sent_at"],
    ]
    windows = client.get("/api/v1/maintenance").json()["items"]
    instants += [one[end] for one in windows for end in ("start", "end")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", instant) for instant in instants), (
        instants
    )
