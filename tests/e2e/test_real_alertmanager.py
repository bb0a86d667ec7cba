"""Stories told by the real Alertmanager 0.25 or newer, from its API to the page at the provider."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incident_bot import bootstrap
from incident_bot.clock import ManualClock, SystemClock
from incident_bot.config.settings import Settings
from incident_bot.core.model import Flag, Status
from incident_bot.flow import reconcile
from incident_bot.flow.worker import pump
from incident_bot.notifiers.base import Message, Receipt
from incident_bot.store import alerts
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.real_alertmanager import RealAlertmanager, configuration
from tests.e2e.sink import WebhookSink

pytestmark = pytest.mark.needs("alertmanager")

DISK = {"alertname": "DiskFilling", "instance": "host-01", "severity": "critical"}
OTHER = {"alertname": "DiskFilling", "instance": "host-02", "severity": "critical"}


@dataclass(frozen=True, slots=True)
class Stage:
    bot: RunningBot
    alertmanager: RealAlertmanager
    sink: WebhookSink

    def firing(self) -> list[dict[str, Any]]:
        return self.bot.alerts(status="firing")

    def page(self) -> None:
        wait_for(self.sink.pages, what="a page at the provider")

    def resolved(self) -> list[dict[str, Any]]:
        return self.bot.incidents(state="resolved")


@pytest.fixture
def stage(
    sqlite_url: str, tmp_path: Path, sink: WebhookSink, program: Callable[[str], str]
) -> Iterator[Stage]:
    environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
    with RunningBot(write(tmp_path, small()), database_url=sqlite_url, environment=environment) as bot:
        config = configuration(f"{bot.url}/webhooks/alertmanager")
        with RealAlertmanager(program("alertmanager"), tmp_path / "am", config=config) as alertmanager:
            yield Stage(bot, alertmanager, sink)


def test_fires_pages_grows_and_ends(stage: Stage) -> None:
    stage.alertmanager.fire(
        DISK, annotations={"summary": "Disk is filling", "runbook_url": "https://r.example.com"}
    )
    stage.page()
    (incident,) = stage.bot.incidents()
    assert (incident["title"], incident["severity"], incident["escalation"]) == (
        "Disk is filling",
        "P1",
        "triggered",
    )
    (page,) = stage.sink.pages()
    assert (page.recipient, page.body["facts"]["incident"]) == ("alice", incident["id"])

    stage.alertmanager.fire(DISK, OTHER)
    wait_for(lambda: len(stage.firing()) == 2, what="the group grew")
    assert {one["incident"] for one in stage.firing()} == {incident["id"]}

    stage.alertmanager.resolve(DISK)
    wait_for(lambda: len(stage.firing()) == 1, what="one of two ended")
    assert not stage.resolved()
    stage.alertmanager.resolve(OTHER)
    wait_for(stage.resolved, what="the incident is resolved")
    assert not stage.firing()
    assert len(stage.sink.keys()) == 1
    held = {one["fingerprint"] for one in stage.alertmanager.alerts()}
    assert not held
    assert not stage.bot.errors()


def test_alertmanager_is_killed_and_tells_everything_again(stage: Stage) -> None:
    stage.alertmanager.fire(DISK)
    stage.page()
    stage.alertmanager.kill()
    stage.alertmanager.start()
    stage.alertmanager.fire(DISK, OTHER)
    wait_for(lambda: len(stage.firing()) == 2, what="it told anew")
    stage.alertmanager.stop()
    stage.alertmanager.start()
    stage.alertmanager.resolve(DISK, OTHER)
    wait_for(stage.resolved, what="the incident is resolved")
    assert len(stage.bot.alerts()) == 2
    assert len(stage.sink.keys()) == len(stage.bot.incidents()) == 1
    assert not stage.bot.errors()


def test_the_bot_is_away_while_it_fires(stage: Stage) -> None:
    stage.bot.kill()
    stage.alertmanager.fire(DISK)
    # Refused: Alertmanager tries again by itself, and so it does after this group's next alert.
    stage.alertmanager.fire(DISK, OTHER)
    stage.bot.start()
    wait_for(lambda: len(stage.firing()) == 2, what="what was refused comes again", seconds=60)
    stage.page()
    assert len(stage.bot.incidents()) == 1
    stage.bot.kill()
    stage.alertmanager.resolve(DISK, OTHER)
    stage.bot.start()
    wait_for(stage.resolved, what="the end comes again as well", seconds=60)
    assert not stage.firing()
    assert not stage.bot.errors()


def test_a_clustered_pair_makes_one_incident_and_one_page(
    sqlite_url: str, tmp_path: Path, sink: WebhookSink, program: Callable[[str], str]
) -> None:
    environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
    with RunningBot(write(tmp_path, small()), database_url=sqlite_url, environment=environment) as bot:
        config = configuration(f"{bot.url}/webhooks/alertmanager")
        path = program("alertmanager")
        with (
            RealAlertmanager(path, tmp_path / "a", config=config, clustered=True) as first,
            RealAlertmanager(path, tmp_path / "b", config=config, clustered=True, peer=first) as second,
        ):
            pair = (first, second)
            wait_for(lambda: [one.peers() for one in pair] == [2, 2], what="the pair found each other")
            for one in pair:
                one.fire(DISK, OTHER)
            wait_for(lambda: len(bot.alerts(status="firing")) == 2, what="both alerts are known")
            wait_for(sink.pages, what="a page at the provider")
            # One dies; the other one tells the end, though its peer told the beginning.
            first.kill()
            second.resolve(DISK, OTHER)
            wait_for(lambda: bot.incidents(state="resolved"), what="the incident is resolved", seconds=60)
        assert len(bot.incidents()) == len(sink.keys()) == 1
        assert len(bot.alerts()) == 2
        assert not bot.errors()


class Nobody:
    """A way out that always works, for a story about what comes in."""

    def send(self, message: Message) -> Receipt:
        return Receipt()

    def reaches(self, person: object) -> bool:
        return True


@contextmanager
def in_process(directory: Path, *, url: str, api: str, clock: ManualClock) -> Iterator[bootstrap.Application]:
    """The application with a clock that the test moves, so that nobody waits for the reconciler's minute."""
    variables = {
        "INCIDENT_BOT_DATABASE_URL": url,
        "INCIDENT_BOT_CONFIG_DIR": str(write(directory, small(api))),
        "INCIDENT_BOT_DEFAULT_CHANNEL": "nobody",
    }
    application = bootstrap.build(Settings.load(variables), clock=clock, notifiers={"nobody": Nobody()})
    reconcile.schedule(application.context, now=clock.now())
    application.intake.start()
    try:
        yield application
    finally:
        application.intake.stop()
        application.close()


def test_silenced_while_it_ends_is_closed_by_the_reconciler(
    sqlite_url: str, tmp_path: Path, sink: WebhookSink, program: Callable[[str], str]
) -> None:
    clock = ManualClock(SystemClock().now())
    config = configuration(sink.url)
    with (
        RealAlertmanager(program("alertmanager"), tmp_path / "am", config=config) as alertmanager,
        in_process(tmp_path, url=sqlite_url, api=alertmanager.url, clock=clock) as bot,
    ):

        def flags() -> dict[str, set[Flag]]:
            with bot.context.store.read() as tx:
                firing = alerts.list_episodes(tx, status=Status.FIRING, limit=10)
            return {one.labels["instance"]: set(one.flags) for one in firing}

        def pass_minutes(minutes: int) -> None:
            for _ in range(minutes):
                clock.advance(timedelta(minutes=1))
                pump(bot.context, now=clock.now)

        alertmanager.fire(DISK, OTHER)
        # On a slow machine the first delivery may have gone out before the second alert was in.
        wait_for(
            lambda: any(len(post.body["alerts"]) == 2 for post in sink.posts()), what="the webhook of both"
        )
        whole = next(post.body for post in sink.posts() if len(post.body["alerts"]) == 2)
        assert bot.intake.submit("alertmanager", json.dumps(whole).encode()).result(timeout=10).status == 200
        assert flags() == {"host-01": set(), "host-02": set()}

        alertmanager.silence(instance="host-01")
        wait_for(
            lambda: any(one["status"]["silencedBy"] for one in alertmanager.alerts()), what="it is silenced"
        )
        pass_minutes(2)
        assert flags() == {"host-01": {Flag.SILENCED}, "host-02": set()}

        alertmanager.resolve(DISK)
        wait_for(lambda: len(alertmanager.alerts()) == 1, what="it ended unseen")
        pass_minutes(2)
        assert flags() == {"host-02": set()}

        alertmanager.kill()
        pass_minutes(3)
        assert flags() == {"host-02": set()}, "no answer is not absence"
