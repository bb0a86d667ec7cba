"""The recorded deliveries of a real Alertmanager, and an application in this process that they are replayed into.

Each recorded scenario is a source of its own, so all of them share one application and one stretch of time.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from incident_bot import bootstrap
from incident_bot.clock import ManualClock
from incident_bot.config.settings import Settings
from incident_bot.core.model import Person, Status
from incident_bot.flow import reconcile
from incident_bot.flow.intake import Answer
from incident_bot.flow.worker import pump
from incident_bot.notifiers.base import Message, Receipt
from incident_bot.store import alerts, tables

RECORDED = Path(__file__).resolve().parents[1] / "data" / "alertmanager"
FILES = {
    "rotations/people.yaml": "people: {alice: {name: Alice, email: alice@example.com}}\n",
    "rotations/teams.yaml": "teams: {platform: {schedule: primary, lead: alice}}\n",
    "rotations/schedules/primary.yaml": (
        "schedule: primary\ntime_zone: UTC\nlayers: [{name: always, priority: 1, people: [[alice]],"
        ' turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}}]\n'
    ),
    "rotations/escalation.yaml": (
        "severities: {P1: {aliases: [critical]}, P3: {aliases: [warning, info]}}\n"
        "matrix: {P1: [{page: [on_call]}], P3: [{page: [on_call]}]}\n"
        "fallback: [person/alice]\nlast_resort: [person/alice]\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One delivery of the corpus."""

    scenario: str
    at: datetime
    body: bytes
    answered: int | None
    """What our recorder answered; none where it hung up."""
    group: str


@cache
def index() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["scenarios"])


@cache
def recorded() -> tuple[Recorded, ...]:
    """Every delivery, in the order in which they came."""
    found = [one for scenario in index() for one in _of(scenario)]
    return tuple(sorted(found, key=lambda one: one.at))


def _of(scenario: Mapping[str, Any]) -> Iterator[Recorded]:
    bodies = [(RECORDED / entry["file"]).read_bytes() for entry in scenario["deliveries"]]
    if not bodies:
        return
    began = _began(bodies[0])
    for entry, body in zip(scenario["deliveries"], bodies, strict=True):
        at = began + timedelta(seconds=entry["t_s"])
        yield Recorded(scenario["scenario"], at, body, entry["answered"], entry["groupKey"])


def _began(body: bytes) -> datetime:
    """The recording has seconds since a start that it does not name: that is when its first alert began to fire."""
    captured = datetime(2026, 11, 21, 0, 16, tzinfo=UTC)
    starts = [
        datetime.fromisoformat(alert["startsAt"]).astimezone(UTC) for alert in json.loads(body)["alerts"]
    ]
    near = [start for start in starts if abs(start - captured) < timedelta(minutes=30)]
    return max(near, default=captured)


@cache
def truth() -> dict[str, frozenset[str]]:
    """What fired in the end by each scenario's own Alertmanagers: fingerprints."""
    return {
        scenario["scenario"]: frozenset(
            alert["fingerprint"] for held in scenario["truth_at_end"].values() for alert in held
        )
        for scenario in index()
    }


class FakeAlertmanagers:
    """`/NAME/api/v2/alerts` of every scenario, as it was at its end; before `ended` they do not answer."""

    def __init__(self) -> None:
        self.answers = {scenario["scenario"]: _listed(scenario) for scenario in index()}
        self.ended = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = json.dumps(fake.answers[self.path.split("/")[1]]).encode()
                self.send_response(200 if fake.ended else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the parent's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[FakeAlertmanagers]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _listed(scenario: Mapping[str, Any]) -> list[dict[str, Any]]:
    held = {alert["fingerprint"]: alert for each in scenario["truth_at_end"].values() for alert in each}
    return [
        {
            "fingerprint": alert["fingerprint"],
            "labels": alert["labels"],
            "annotations": {},
            "startsAt": alert["startsAt"],
            "updatedAt": alert["startsAt"],
            "endsAt": "2026-11-21T02:00:00.000Z",
            "receivers": [{"name": "incident-bot"}],
            "generatorURL": "",
            "status": {
                "state": alert["state"],
                "silencedBy": ["7d6e1d0a"] if alert["state"] == "suppressed" else [],
                "inhibitedBy": [],
            },
        }
        for alert in held.values()
    ]


class Recorder:
    """A way out that always works."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> Receipt:
        self.messages.append(message)
        return Receipt()

    def reaches(self, person: Person) -> bool:
        return True


def write_configuration(directory: Path, api: str) -> Path:
    sources = [
        f'  - {{name: {one["scenario"]}, kind: alertmanager, api_url: "{api}/{one["scenario"]}"}}'
        for one in index()
    ]
    routing = "\n".join(
        ["sources:", *sources, "default: {team: platform, action: incident, severity: P3}", ""]
    )
    for name, text in {**FILES, "rotations/routing.yaml": routing}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


@dataclass(slots=True)
class World:
    """The application with a clock that the test moves."""

    application: bootstrap.Application
    clock: ManualClock
    recorder: Recorder
    fake: FakeAlertmanagers
    answers: list[Answer] = field(default_factory=list)

    def replay(self, deliveries: Iterable[Recorded], *, times: int = 1) -> None:
        """Post each delivery at its time, so many times; each is taken, and the worker does what follows."""
        for one in deliveries:
            if one.at > self.clock.now():
                self.clock.set(one.at)
            for _ in range(times):
                answer = self.application.intake.submit(one.scenario, one.body).result(timeout=30)
                assert answer.status == 200, f"{one.scenario}: {answer}"
                self.answers.append(answer)
            pump(self.application.context, now=self.clock.now)

    def settle(self, minutes: int = 4) -> None:
        """Let time pass, with everything that falls due in it, now that the Alertmanagers answer."""
        self.fake.ended = True
        for _ in range(minutes):
            self.pass_seconds(60)

    def pass_seconds(self, seconds: int) -> None:
        """Move the clock, and do what falls due."""
        self.clock.advance(timedelta(seconds=seconds))
        pump(self.application.context, now=self.clock.now)

    def waiting(self) -> set[str]:
        """The kinds of timers that wait."""
        with self.application.context.store.read() as tx:
            return set(tx.connection.execute(sa.select(tables.timer.c.kind)).scalars())

    def firing(self) -> dict[str, frozenset[str]]:
        """What fires by our record: fingerprints by scenario."""
        with self.application.context.store.read() as tx:
            episodes = alerts.list_episodes(tx, status=Status.FIRING, limit=10_000)
        return {
            scenario: frozenset(one.fingerprint for one in episodes if one.source == scenario)
            for scenario in truth()
        }

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that a replay must not change, which is all but deliveries, groups' `last_seen` and timers."""
        kept = (tables.episode, tables.incident, tables.event, tables.outbox)
        with self.application.context.store.read() as tx:
            return {
                table.name: [
                    tuple(row) for row in tx.connection.execute(sa.select(table).order_by(table.c.id))
                ]
                for table in kept
            }


@contextmanager
def world(directory: Path, *, url: str, fake: FakeAlertmanagers) -> Iterator[World]:
    """An application on this database, its clock at the first delivery."""
    settings = Settings.load(
        {
            "INCIDENT_BOT_DATABASE_URL": url,
            "INCIDENT_BOT_CONFIG_DIR": str(write_configuration(directory, fake.url)),
            "INCIDENT_BOT_DEFAULT_CHANNEL": "recorder",
        }
    )
    fake.ended = False
    # The reconciler's jitter is drawn from here.
    random.seed(1)
    clock = ManualClock(recorded()[0].at)
    recorder = Recorder()
    application = bootstrap.build(settings, clock=clock, notifiers={"recorder": recorder})
    reconcile.schedule(application.context, now=clock.now())
    application.intake.start()
    try:
        yield World(application, clock, recorder, fake)
    finally:
        application.intake.stop()
        application.close()


def shuffled(seed: int) -> list[Recorded]:
    """Every delivery in another order, one each tenth of a second."""
    deliveries = list(recorded())
    random.Random(seed).shuffle(deliveries)  # noqa: S311 -- an order, not a secret
    began = recorded()[0].at
    return [
        Recorded(one.scenario, began + timedelta(milliseconds=100 * place), one.body, one.answered, one.group)
        for place, one in enumerate(deliveries)
    ]
