"""The story harness: the real application on a real database, a clock that tests move, ways out that remember.

A story says what fires and what people type, lets time pass, and asks who was paged at which minute::

    story.fires(severity="critical")
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 15)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from incident_bot import bootstrap
from incident_bot.bootstrap import Application
from incident_bot.clock import ManualClock
from incident_bot.config.settings import Settings
from incident_bot.core.lanes import Pacing
from incident_bot.flow import commands, heartbeats, queries, reconcile, takeover
from incident_bot.flow.configure import Reloaded
from incident_bot.flow.context import Context
from incident_bot.flow.intake import Answer
from incident_bot.flow.views import AlertView, EntryView, IncidentView, PageView
from incident_bot.flow.worker import pump
from incident_bot.store import chat, evidence, graphs, outbox, papers, rooms, silences, timers
from tests.fakes.alertmanager import Alertmanager, Firing, body_of
from tests.fakes.notifier import Heard, RecordingNotifier
from tests.plugins.databases import (
    _sqlite_template,
    empty_postgres_url,
    postgres_url,
    sqlite_url,
)
from tests.plugins.story_files import documents

__all__ = [
    "Story", "_sqlite_template", "empty_postgres_url", "on_every_database", "plain_logs", "postgres_url", "sqlite_url",
    "story", "story_url", "tell",
]  # fmt: skip

START = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
"""A Tuesday; 04:00 in Berlin."""
CHANNELS = ("slack", "sms", "voice", "webhook")
ROUNDS_MOST = 5000

on_every_database = pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
"""Tells the story on each kind of database in turn; without it, it is told on a SQLite file."""


class Story:
    """One application, its clock, what fires, and everything that went out."""

    def __init__(
        self,
        directory: Path,
        url: str,
        files: Mapping[str, str],
        *,
        start: datetime = START,
        clock: ManualClock | None = None,
        pacings: Mapping[str, Pacing] | None = None,
    ) -> None:
        """Write the configuration and start; `close` ends it."""
        self.directory = directory
        self.url = url
        self.start = start
        self.pacings = pacings
        self.clock = clock or ManualClock(start)
        self.alertmanager = Alertmanager()
        self.calls: list[Heard] = []
        self.channels = {name: RecordingNotifier(name, self.clock.now, self.calls) for name in CHANNELS}
        self.answers: list[Answer] = []
        self._running: list[Application] = []
        self._last: tuple[str, bytes] = ("", b"")
        self._files: set[str] = set()
        self.write(files)
        self.application = self.replica()

    # What happens outside.

    def fires(
        self, *, since: datetime | None = None, annotations: Mapping[str, str] | None = None, **labels: str
    ) -> Answer:
        """An alert begins, or goes on since another time; its whole group is delivered."""
        body = self.alertmanager.fire(_named(labels), annotations or {}, since=since or self.clock.now())
        return self.deliver(body)

    def resolves(self, **labels: str) -> Answer:
        """An alert ends; its whole group is delivered."""
        return self.deliver(self.alertmanager.resolve(_named(labels), at=self.clock.now()))

    def repeat(self) -> Answer:
        """The last delivery comes again, byte for byte."""
        return self.deliver(self._last[1], source=self._last[0])

    def told(self, *alerts: Firing, truncated: int = 0) -> Answer:
        """A body with exactly these alerts comes, whatever the Alertmanager of the story holds."""
        return self.deliver(body_of(alerts[0].labels["alertname"], alerts, truncated=truncated))

    def deliver(self, body: bytes, *, source: str = "alertmanager") -> Answer:
        """Hand a body to the intake, wait for its answer, and do what is due at once."""
        self._last = (source, body)
        answer = self.application.intake.submit(source, body).result(timeout=30)
        self.answers.append(answer)
        self.pump()
        return answer

    def says(self, text: str, *, by: str = "ana", incident: int | None = None, key: str | None = None) -> str:
        """Somebody types a command about the newest incident, or another one; gives the reply's text."""
        number = incident if incident is not None else self.newest()
        reply = commands.handle(
            self.context, text, incident=number, actor=by, source="test", key=key, now=self.clock.now()
        )
        self.pump()
        return reply.text

    # Time.

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0, days: float = 0) -> None:
        """Let time pass; what falls due in between is done at its own instant."""
        target = self.clock.now() + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self.pump()
        for _ in range(ROUNDS_MOST):
            due = self.next_due()
            if due is None or due > target:
                break
            assert due > self.clock.now(), "what is due is not being done"
            self.clock.set(due)
            self.pump()
        else:
            raise AssertionError(f"more than {ROUNDS_MOST} things fell due before {target}")
        self.clock.set(target)

    def until(self, instant: datetime) -> None:
        """Let time pass until then."""
        self.advance(seconds=(instant - self.clock.now()).total_seconds())

    def sleep_through(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass while nothing runs: the process is down. Nothing is done until something pumps."""
        self.clock.advance(timedelta(hours=hours, minutes=minutes, seconds=seconds))

    def pump(self) -> None:
        """Do everything that is due."""
        pump(self.context, now=self.clock.now)

    def next_due(self) -> datetime | None:
        """The next instant at which something is due."""
        with self.context.store.read() as tx:
            found = [
                every.next_due(tx) for every in (timers, outbox, rooms, silences, chat, evidence, graphs)
            ]
            found.append(papers.next_proof(tx))
        return min((due for due in found if due is not None), default=None)

    # The process.

    def replica(self, *, exclusive: bool = False) -> Application:
        """Another process on the same database."""
        environ = {
            "INCIDENT_BOT_DATABASE_URL": self.url,
            "INCIDENT_BOT_CONFIG_DIR": str(self.directory),
            "INCIDENT_BOT_DEFAULT_CHANNEL": "slack",
        }
        application = bootstrap.build(
            Settings.load(environ),
            clock=self.clock,
            notifiers=self.channels,
            pacings=self.pacings,
            exclusive=exclusive,
        )
        application.context.live.record(now=self.clock.now())
        application.intake.start()
        self._running.append(application)
        return application

    def restart(self) -> None:
        """The process ends in order and starts again on the same database."""
        self._running.remove(self.application)
        self.application.stop()
        self.application = self.replica()

    def killed(self, *, alone: bool = False) -> None:
        """The process is gone without a word, and another one starts on the same database.

        With `alone` it holds the lock of the database's file: nobody else can be at work.
        """
        self.application = self.replica(exclusive=alone)
        if alone:
            takeover.take_back(self.context, now=self.clock.now())

    def write(self, files: Mapping[str, str]) -> None:
        """Put these files in the place of those that are there."""
        for name in self._files - set(files):
            (self.directory / name).unlink()
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self._files = set(files)

    def configure(self, **changes: Any) -> None:
        """Have the usual configuration with these changes applied; refuses to go on where it is bad."""
        answer = self.reload(documents(**changes))
        assert answer.ok, answer.problems

    def reconciles(self) -> None:
        """Begin to compare the sources with their APIs, as a worker does at its start."""
        reconcile.schedule(self.context, now=self.clock.now())

    def listens(self, *, started: bool = True) -> None:
        """Begin to watch the heartbeats, as a worker does at its start, or with a new configuration."""
        heartbeats.schedule(self.context, started=started, now=self.clock.now())

    def reload(self, files: Mapping[str, str]) -> Reloaded:
        """Change the files and have them applied."""
        self.write(files)
        return self.context.live.reload(now=self.clock.now())

    def close(self) -> None:
        """End every process."""
        for application in self._running:
            application.stop()

    # What came of it.

    @property
    def context(self) -> Context:
        return self.application.context

    @property
    def slack(self) -> RecordingNotifier:
        return self.channels["slack"]

    def minute(self, instant: datetime) -> float:
        """Minutes since the story began; whole where they are."""
        minutes = round((instant - self.start).total_seconds() / 60, 4)
        return int(minutes) if minutes == int(minutes) else minutes

    def paged(self) -> list[tuple[str, float]]:
        """Who was paged at which minute: every page that a provider took; those of one instant by name."""
        taken = [(heard.message.recipient, self.minute(heard.at)) for heard in self.taken("page")]
        return sorted(taken, key=lambda page: (page[1], page[0]))

    def taken(self, kind: str | None = None) -> list[Heard]:
        """Every provider call that went well, of one kind or of all."""
        return [heard for heard in self.calls if heard.taken and kind in (None, heard.message.kind)]

    def said_to(self, channel: str) -> list[str]:
        """What a channel was told, by moment."""
        return [heard.message.kind for heard in self.taken() if heard.message.recipient == channel]

    def newest(self) -> int | None:
        """The number of the newest incident."""
        found = queries.incidents(self.context, limit=1)
        return found[0].number if found else None

    def incident(self, number: int | None = None) -> IncidentView:
        """The newest incident, or another one, with its alerts."""
        wanted = number if number is not None else self.newest()
        assert wanted is not None, "there is no incident"
        return queries.incident(self.context, wanted)

    def incidents(self) -> list[IncidentView]:
        """Every incident, the oldest first."""
        return queries.incidents(self.context, limit=500)[::-1]

    def alert(self, **labels: str) -> AlertView:
        """The newest episode whose labels include these."""
        return next(one for one in self.alerts() if labels.items() <= one.labels.items())

    def alerts(self) -> list[AlertView]:
        """Every episode, the newest first."""
        return queries.alerts(self.context, limit=500)

    def pages(self, number: int | None = None) -> list[PageView]:
        """Every logical page of the newest incident, or of another one."""
        return queries.pages(self.context, number or self.incident().number)

    def timeline(self, number: int | None = None) -> list[EntryView]:
        """The timeline of the newest incident, or of another one."""
        return queries.timeline(self.context, number or self.incident().number)

    def kinds(self, number: int | None = None) -> list[str]:
        """The timeline, by kind alone."""
        return [entry.kind for entry in self.timeline(number)]

    def entry(self, kind: str, number: int | None = None) -> EntryView:
        """The last entry of a kind."""
        return next(entry for entry in reversed(self.timeline(number)) if entry.kind == kind)


def _named(labels: Mapping[str, str]) -> dict[str, str]:
    return {"alertname": "HighErrorRate", "severity": "critical", **labels}


@pytest.fixture
def story_url(request: pytest.FixtureRequest) -> str:
    """The database of the story: a SQLite file, unless the test names another."""
    kind = getattr(request, "param", "sqlite")
    if kind == "memory":
        return "sqlite://"
    url: str = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def plain_logs() -> Iterator[None]:
    """Log lines without coloured frames around every variable of a traceback: they cost a second each."""
    before = structlog.get_config()
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])
    yield
    structlog.configure(**before)


@pytest.fixture
def tell(story_url: str, tmp_path: Path, plain_logs: None) -> Iterator[Callable[..., Story]]:
    """Begin stories: `tell()` with the usual configuration; keywords replace parts of it (`documents`)."""
    told: list[Story] = []

    def begin(
        *,
        start: datetime = START,
        clock: ManualClock | None = None,
        pacings: Mapping[str, Pacing] | None = None,
        **changes: Any,
    ) -> Story:
        directory = tmp_path / f"story{len(told)}"
        directory.mkdir()
        files = documents(**changes)
        told.append(Story(directory, story_url, files, start=start, clock=clock, pacings=pacings))
        return told[-1]

    yield begin
    for one in told:
        one.close()


@pytest.fixture
def story(tell: Callable[..., Story]) -> Story:
    """A story with the usual configuration."""
    return tell()
