"""The worker's threads: they start, do what is due, send side by side, survive what goes wrong, and end in order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from incident_bot.core.lanes import Lanes
from incident_bot.flow.deliver import Postman
from incident_bot.flow.views import PageView
from incident_bot.flow.worker import Worker
from incident_bot.store import handoffs, outbox
from incident_bot.store.outbox import RowState
from incident_bot.store.transaction import Unavailable
from tests.fakes.alertmanager import AlertmanagerApi
from tests.fakes.prometheus import FakePrometheus
from tests.fakes.waiting import eventually
from tests.plugins.story import Story
from tests.plugins.story_files import documents


@pytest.fixture
def working(story: Story) -> Story:
    """A story whose application works with its own threads."""
    story.application.worker.start()
    return story


def arrives(story: Story, name: str = "HighErrorRate", **labels: str) -> None:
    """An alert comes in, and nobody but the threads does anything about it."""
    body = story.alertmanager.fire(
        {"alertname": name, "severity": "critical", **labels}, {}, since=story.clock.now()
    )
    assert story.application.intake.submit("alertmanager", body).result(timeout=30).status == 200


def passes(story: Story, minutes: float) -> None:
    """Time passes, and whoever waits looks at the clock again.

    Not before what was sent is written down: in one leap its lease would be over, and it would be sent again.
    """
    eventually(lambda: not being_sent(story), "the record of what was sent")
    story.clock.advance(timedelta(minutes=minutes))
    story.context.signals.changed()


def being_sent(story: Story) -> int:
    with story.context.store.read() as tx:
        return outbox.count_by_state(tx)[RowState.SENDING]


def assert_set(event: threading.Event) -> None:
    assert event.wait(timeout=30)


def names_of_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
def test_they_page_escalate_and_stop(working: Story) -> None:
    assert {"timers", "outbox", "configuration"} <= names_of_threads()
    arrives(working)
    eventually(lambda: working.paged() == [("ana", 0)], "the first page")
    passes(working, 15)
    eventually(lambda: working.paged() == [("ana", 0), ("ben", 15)], "the second page")
    mine = set(working.application.worker._threads)
    working.application.worker.stop()
    assert not any(thread.is_alive() for thread in mine)
    arrives(working, "Later")
    assert len(working.paged()) == 2, "what is not begun stays in the database"


def test_a_prometheus_that_never_answers_holds_up_no_page(story: Story) -> None:
    with FakePrometheus() as prometheus:
        prometheus.usual = prometheus.hangs
        story.configure(
            sources=f'  - {{name: alertmanager, kind: alertmanager, prometheus_url: "{prometheus.url}"}}'
        )
        story.application.worker.start()
        arrives(story)
        eventually(lambda: prometheus.asked, "the question that is never answered")
        eventually(lambda: story.paged() == [("ana", 0)], "the page, while that question waits")
        arrives(story, "Later")
        eventually(lambda: len(story.paged()) == 2, "the next page, too")


def test_it_reloads_what_changes_on_disk(working: Story) -> None:
    before = working.context.live.current
    path = working.directory / "rotations/teams.yaml"
    rounds = iter(range(10_000))

    def seen() -> bool:
        if (turn := next(rounds)) % 100 == 0:
            path.write_text(documents()["rotations/teams.yaml"] + f"# {turn}\n")
        return working.context.live.current is not before

    eventually(seen, "the reload")


def test_a_slow_provider_holds_up_its_own_messages_only(working: Story) -> None:
    release = threading.Event()
    working.slack.during = lambda _: assert_set(release)
    arrives(working, "First")
    eventually(lambda: len(working.calls) == 1, "the call that hangs")
    for number in range(5):
        arrives(working, f"Other{number}")
    eventually(lambda: sum(page.state == "sent" for page in all_pages(working)) == 5, "the five others")
    release.set()
    eventually(lambda: sum(page.state == "sent" for page in all_pages(working)) == 6, "the slow one")


def all_pages(story: Story) -> list[PageView]:
    return [page for incident in story.incidents() for page in story.pages(incident.number)]


def test_what_is_being_sent_when_it_ends_is_waited_for_and_recorded(working: Story) -> None:
    release = threading.Event()
    working.slack.during = lambda _: assert_set(release)
    arrives(working)
    eventually(lambda: len(working.calls) == 1, "the call under way")
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(working.application.worker.stop)
        release.set()
        stopping.result(timeout=60)
    assert [page.state for page in working.pages()] == ["sent"]


def test_the_fence_keeps_the_loops_alive(story: Story) -> None:
    broken = threading.Event()
    broken.set()

    def moody() -> datetime:
        if broken.is_set() and threading.current_thread().name in ("timers", "outbox"):
            raise ZeroDivisionError("a mistake of ours")
        return story.clock.now()

    with capture_logs() as logs:
        worker = Worker(story.context, moody)
        worker.start()
        arrives(story)
        eventually(lambda: {one.get("worker") for one in logs} >= {"timers", "outbox"}, "both to fail")
        assert story.paged() == []
        broken.clear()
        story.context.signals.changed()
        eventually(lambda: story.paged() == [("ana", 0)], "the page")
        worker.stop()
    failed = [one for one in logs if one["event"] == "the worker failed on a round"]
    assert {one["log_level"] for one in failed} == {"error"}
    assert all(one["exc_info"] for one in failed)


def test_a_source_that_gets_an_api_by_a_reload_is_compared_with_it(working: Story) -> None:
    with AlertmanagerApi(working.alertmanager) as api:
        source = f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}'
        working.configure(sources=source)
        working.context.signals.changed()

        def asked() -> bool:
            # The first comparison may be planned at any time from now on.
            passes(working, 1)
            return bool(api.asked)

        eventually(asked, "the comparison")
        working.application.worker.stop()


def test_a_postman_takes_no_more_than_it_can_send_and_the_worst_first(story: Story) -> None:
    story.slack.gate = threading.Event()
    for number, severity in enumerate(("high", "critical", "high", "critical", "high")):
        arrives(story, f"Alert{number}", severity=severity)
    with ThreadPoolExecutor(2) as pool:
        apart = replace(story.context, lanes=Lanes(folding=False))
        postman = Postman(apart, pool, senders=2, now=story.clock.now, wake=lambda: None)
        assert postman.step()
        sending = [page for page in all_pages(story) if page.state == "sending"]
        assert len(sending) == 2
        assert {heard.message.facts["severity"] for heard in story.calls} <= {"P1"}
        assert not postman.step(), "there is no free sender"
        story.slack.gate.set()
        eventually(lambda: not postman.step() and len(story.calls) == 5, "all to be sent")
    postman.finish()
    assert {page.state for page in all_pages(story)} == {"sent"}


def test_hand_offs_are_looked_after_from_the_start_and_after_a_reload(working: Story) -> None:
    def watched(schedule: str) -> bool:
        with working.context.store.read() as tx:
            return handoffs.watch(tx, schedule) is not None

    eventually(lambda: watched("web") and watched("data"), "the first look")
    files = documents()
    files["rotations/schedules/new.yaml"] = files["rotations/schedules/data.yaml"].replace(
        ": data", ": new", 1
    )
    assert working.reload(files).ok
    working.context.signals.changed()
    eventually(lambda: watched("new"), "the look at a schedule that is new")


def test_it_keeps_the_clock_right_and_tells_of_a_notable_correction(story: Story) -> None:
    answers: list[timedelta | Exception] = [
        timedelta(milliseconds=3), Unavailable("away"), KeyError("a bug"), timedelta(hours=-2), timedelta(0),
    ]  # fmt: skip
    done = threading.Event()

    def follow() -> timedelta:
        if len(answers) == 1:
            done.set()
            return timedelta(0)
        match answers.pop(0):
            case Exception() as problem:
                raise problem
            case change:
                return change

    worker = Worker(story.context, story.clock.now, follow=follow, follow_seconds=0.001)
    with capture_logs() as lines:
        worker.start()
        assert_set(done)
        worker.stop()
    told = [(line["log_level"], line["event"]) for line in lines if "database server's" in line["event"]]
    assert told == [
        ("warning", "the database server's time is not known anew; going on"),
        ("error", "the database server's time could not be asked for"),
        ("warning", "the database server's clock was set"),
    ]
