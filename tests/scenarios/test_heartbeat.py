"""A source whose heartbeat stays away: one page after two periods and a grace, and the end when it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from incident_bot.core.effects import TimerKind
from incident_bot.flow import health, interventions
from incident_bot.flow.worker import pump
from incident_bot.store import timers
from tests.fakes.alertmanager import AlertmanagerApi
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]

BEATING = "  - {name: alertmanager, kind: alertmanager, heartbeat: {alert: Watchdog, every: 5m}}"
SLOWER = BEATING.replace("5m", "10m")
ANOTHER = BEATING.replace("Watchdog", "Alive")
RECORDED = """[{match: ['alertname=~"Watchdog|Alive"'], action: record}]"""
TITLE = "No heartbeat from alertmanager for 12 min: alerts may be lost"


@pytest.fixture
def beating(tell: Tell) -> Story:
    """A story that began to listen to a heartbeat that should come every five minutes."""
    story = tell(sources=BEATING, routes=RECORDED)
    story.listens()
    return story


def beats(story: Story, name: str = "Watchdog") -> None:
    story.fires(alertname=name, severity="none", since=story.start)


def written(story: Story) -> int:
    """How often the timer of the heartbeat was set."""
    with story.context.store.read() as tx:
        return next((timer.version for timer in timers.of_kind(tx, TimerKind.HEARTBEAT)), 0)


def shown(story: Story) -> list[tuple[str, bool]]:
    checks = health.health(story.context, now=story.clock.now()).checks
    return [(check.detail, check.ok) for check in checks if check.name == "heartbeat alertmanager"]


def age(story: Story) -> list[str]:
    health.refresh_metrics(story.context, now=story.clock.now())
    lines = story.context.metrics.render().decode().splitlines()
    return [line for line in lines if line.startswith("incident_bot_heartbeat_age_seconds{")]


@on_every_database
def test_silence_pages_once_and_ends_when_it_beats_again(tell: Tell) -> None:
    story = tell(sources=BEATING, routes=RECORDED)
    story.listens()
    beats(story)
    story.advance(minutes=11, seconds=59)
    assert story.incidents() == []
    story.advance(seconds=1)
    one = story.incident()
    assert (one.title, one.severity, one.team) == (TITLE, "P1", "web")
    assert story.alert(alertname="HeartbeatMissing").labels == {
        "alertname": "HeartbeatMissing",
        "source": "alertmanager",
        "heartbeat": "Watchdog",
    }
    assert story.paged() == [("ana", 12)]
    story.says("ack")
    story.advance(hours=2)
    assert story.paged() == [("ana", 12)], "silence that lasts is no second alarm"
    beats(story)
    assert story.incident().escalation == "acknowledged", "the hold first"
    story.advance(seconds=90)
    assert story.incident().escalation == "resolved"
    assert len(story.incidents()) == 1


def test_identical_repeats_are_beats(beating: Story) -> None:
    beats(beating)
    for _ in range(12):
        beating.advance(minutes=5)
        beating.repeat()
    assert beating.answers[-1].duplicate
    assert beating.incidents() == []
    beating.advance(minutes=12)
    assert beating.paged() == [("ana", 72)]


def test_a_firing_of_something_else_is_no_beat_and_neither_is_an_end(beating: Story) -> None:
    beats(beating)
    beating.advance(minutes=6)
    beating.resolves(alertname="Watchdog", severity="none")
    beating.fires(alertname="Other", severity="info")
    beating.advance(minutes=6)
    assert [one.title for one in beating.incidents() if one.severity == "P1"] == [TITLE]


def test_a_beat_soon_after_another_writes_nothing(beating: Story) -> None:
    beats(beating)
    before = written(beating)
    beating.advance(seconds=74)
    beating.repeat()
    assert written(beating) == before
    beating.advance(seconds=1)
    beating.repeat()
    assert written(beating) == before + 1


def test_silence_again_within_the_window_reopens_the_same_incident(beating: Story) -> None:
    beating.advance(minutes=12)
    beats(beating)
    beating.advance(minutes=12)
    assert [one.escalation for one in beating.incidents()] == ["triggered"]
    assert "reopened" in beating.kinds()
    assert beating.paged() == [("ana", 12), ("ana", 24)]


def test_resolved_by_hand_it_stays_so_until_it_beat_and_stopped_again(beating: Story) -> None:
    beating.advance(minutes=12)
    beating.says("resolve we know")
    beating.advance(hours=3)
    assert [one.escalation for one in beating.incidents()] == ["resolved"]
    beats(beating)
    beating.advance(minutes=12)
    assert [one.escalation for one in beating.incidents()] == ["resolved", "triggered"]


class TestTheBotWasAway:
    @pytest.mark.parametrize("leave", [Story.restart, Story.killed], ids=["in order", "killed"])
    def test_a_whole_patience_passes_after_a_start(
        self, leave: Callable[[Story], None], beating: Story
    ) -> None:
        beats(beating)
        beating.sleep_through(minutes=11)
        leave(beating)
        beating.listens()
        beating.advance(minutes=11, seconds=59)
        assert beating.incidents() == []
        beating.advance(seconds=1)
        assert [one.title for one in beating.incidents()] == [TITLE], "of the time that it listened"

    def test_what_is_looked_at_too_late_is_nobodys_fault(self, beating: Story) -> None:
        beats(beating)
        beating.sleep_through(hours=3)
        beating.pump()
        assert beating.incidents() == []
        beating.advance(minutes=11, seconds=59)
        assert beating.incidents() == []
        beating.advance(seconds=1)
        assert beating.paged() == [("ana", 192)]

    def test_a_restart_while_it_is_missing_pages_nobody_again(self, beating: Story) -> None:
        beating.advance(minutes=12)
        beating.says("ack")
        beating.restart()
        beating.listens()
        beating.advance(hours=1)
        assert beating.paged() == [("ana", 12)]
        beats(beating)
        beating.advance(minutes=2)
        assert beating.incident().escalation == "resolved"


class TestReplicas:
    @pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
    def test_two_of_them_page_once(self, tell: Tell) -> None:
        story = tell(sources=BEATING, routes=RECORDED)
        story.listens()
        others = [story.replica(), story.replica()]
        story.clock.advance(timedelta(minutes=12))
        gate = Barrier(2)

        def work(number: int) -> None:
            gate.wait(timeout=30)
            pump(others[number].context, now=story.clock.now)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(2)))
        pump(story.context, now=story.clock.now)
        assert story.paged() == [("ana", 12)]
        assert len(story.incidents()) == 1

    def test_a_beat_at_one_is_a_beat_for_all(self, beating: Story) -> None:
        other = beating.replica()
        beating.advance(minutes=6)
        body = beating.alertmanager.fire({"alertname": "Watchdog"}, {}, since=beating.start)
        other.intake.submit("alertmanager", body).result(timeout=30)
        beating.advance(minutes=11)
        assert beating.incidents() == []


class TestAnotherConfiguration:
    def test_without_the_heartbeat_the_watch_ends_and_so_does_its_incident(self, beating: Story) -> None:
        beating.advance(minutes=12)
        beating.configure(routes=RECORDED)
        beating.listens(started=False)
        beating.advance(minutes=2)
        assert [one.escalation for one in beating.incidents()] == ["resolved"]
        assert shown(beating) == []
        assert age(beating) == []
        beating.advance(hours=3)
        assert len(beating.incidents()) == 1

    def test_without_it_nothing_ends_that_did_not_begin(self, beating: Story) -> None:
        beating.configure(routes=RECORDED)
        beating.listens(started=False)
        beating.advance(hours=1)
        assert beating.incidents() == []

    def test_whoever_does_not_know_it_yet_pages_nobody(self, beating: Story) -> None:
        beating.configure(routes=RECORDED)
        beating.advance(hours=1)
        assert beating.incidents() == []
        assert written(beating) > 0, "another replica may know better"

    @pytest.mark.parametrize("sources, patience", [(SLOWER, 22), (ANOTHER, 12)], ids=["slower", "another"])
    def test_another_one_has_a_whole_patience(self, sources: str, patience: int, beating: Story) -> None:
        beats(beating)
        beating.advance(minutes=11)
        beating.configure(sources=sources, routes=RECORDED)
        beating.listens(started=False)
        beating.advance(minutes=patience, seconds=-1)
        assert beating.incidents() == []
        beating.advance(seconds=1)
        assert beating.paged() == [("ana", 11 + patience)]

    def test_a_change_elsewhere_changes_nothing(self, beating: Story) -> None:
        beats(beating)
        beating.advance(minutes=11)
        beating.configure(sources=BEATING, routes=RECORDED, default="{team: web, severity: P2}")
        beating.listens(started=False)
        beating.advance(minutes=1)
        assert beating.paged() == [("ana", 12)]

    def test_the_first_beat_begins_a_watch_that_nobody_began(self, tell: Tell) -> None:
        story = tell(sources=BEATING, routes=RECORDED)
        beats(story)
        story.advance(minutes=12)
        assert story.paged() == [("ana", 12)]


class TestTheSourcesOwnList:
    @pytest.fixture
    def api(self, tell: Tell) -> Iterator[tuple[Story, AlertmanagerApi]]:
        story = tell()
        with AlertmanagerApi(story.alertmanager) as api:
            api.updated_at = story.start
            named = BEATING.replace("heartbeat:", f'api_url: "{api.url}", heartbeat:')
            story.configure(sources=named, routes=RECORDED)
            story.reconciles()
            story.listens()
            yield story, api

    def test_its_presence_there_is_a_beat(self, api: tuple[Story, AlertmanagerApi]) -> None:
        story, _ = api
        story.alertmanager.fire({"alertname": "Watchdog"}, {}, since=story.start)
        story.advance(minutes=40)
        assert story.incidents() == []
        story.alertmanager.resolve({"alertname": "Watchdog"}, at=story.clock.now())
        story.advance(minutes=14)
        assert [one.title for one in story.incidents()] == [TITLE]
        assert story.alert(alertname="HeartbeatMissing").status == "firing", "no list of theirs ends it"


def test_health_and_metrics_tell_of_it(beating: Story) -> None:
    assert shown(beating) == [("none yet", True)]
    beats(beating)
    beating.advance(seconds=72)
    assert shown(beating) == [("last 00:01:12 ago", True)]
    assert age(beating) == ['incident_bot_heartbeat_age_seconds{source="alertmanager"} 72.0']
    beating.advance(hours=30)
    assert shown(beating) == [("last 30:01:12 ago, missing: alerts may be lost", False)]


def test_every_reader_can_tell_of_it(beating: Story) -> None:
    beating.advance(minutes=12)
    for verb in ("why", "info", "firing", "catchup", "postmortem", "runbook", "list"):
        assert beating.says(verb), verb
    assert all(TITLE in beating.says(verb) for verb in ("info", "why", "firing"))


def test_a_maintenance_of_the_source_holds_it_back(beating: Story) -> None:
    interventions.add_maintenance(
        beating.context,
        matchers=['alertname="HeartbeatMissing"', 'source="alertmanager"'],
        start=beating.clock.now(),
        end=beating.clock.now() + timedelta(hours=1),
        reason="upgrade of Prometheus",
        actor="ben",
        now=beating.clock.now(),
    )
    beating.advance(minutes=59)
    assert (len(beating.incidents()), beating.paged()) == (1, [])
    beating.advance(minutes=1)
    assert beating.paged() == [("ana", 60)]
