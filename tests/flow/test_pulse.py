"""The outgoing heartbeat: sent while the bot is well, withheld while it is not, and never a reason to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from incident_bot.config.settings import Settings
from incident_bot.flow import pulse
from incident_bot.flow.context import Context
from incident_bot.flow.trouble import LASTS
from incident_bot.flow.worker import Worker
from incident_bot.outgoing import ANSWER_BYTES, Answer, CallFailed, Client
from incident_bot.store.transaction import Unavailable
from tests.fakes.waiting import eventually
from tests.plugins.story import Story

ADDRESS = "https://hc.example.com/ping/0000-1111"


class Watcher(Client):
    """The service that is called: remembers, and answers as it is told to."""

    def __init__(self, status: int = 200, error: Exception | None = None) -> None:
        super().__init__()
        self.status = status
        self.error = error
        self.asked: list[tuple[str, str]] = []

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        within: float | None = None,
        most: int = ANSWER_BYTES,
    ) -> Answer:
        self.asked.append((method, url))
        if self.error is not None:
            raise self.error
        return Answer(status=self.status, headers=headers or {}, body=content or b"")


def watched(story: Story, watcher: Watcher) -> Context:
    settings = Settings.load({"INCIDENT_BOT_HEARTBEAT_URL": ADDRESS})
    return replace(story.context, settings=settings, client=watcher)


def counted(story: Story) -> dict[str, float]:
    metric = story.context.metrics.outgoing_heartbeats
    names = ("sent", "failed", "withheld")
    return {name: metric.labels(result=name)._value.get() for name in names}


def test_the_address_is_called_while_all_is_well(story: Story) -> None:
    watcher = Watcher(status=204)
    assert pulse.send(watched(story, watcher), now=story.clock.now())
    assert watcher.asked == [("GET", ADDRESS)]
    assert counted(story) == {"sent": 1, "failed": 0, "withheld": 0}


@pytest.mark.parametrize(
    "watcher",
    [Watcher(status=404), Watcher(status=302), Watcher(error=CallFailed("no answer: ConnectError"))],
    ids=["refused", "moved", "unreachable"],
)
def test_what_fails_is_counted_and_the_address_stays_out_of_the_log(watcher: Watcher, story: Story) -> None:
    with capture_logs() as lines:
        assert not pulse.send(watched(story, watcher), now=story.clock.now())
    assert counted(story) == {"sent": 0, "failed": 1, "withheld": 0}
    assert len(lines) == 1
    assert "0000-1111" not in repr(lines)


def test_it_is_withheld_while_something_due_waits_too_long(story: Story) -> None:
    watcher = Watcher()
    story.fires()
    story.sleep_through(minutes=15, seconds=60)
    assert pulse.send(watched(story, watcher), now=story.clock.now())
    story.sleep_through(seconds=1)
    assert not pulse.send(watched(story, watcher), now=story.clock.now())
    assert len(watcher.asked) == 1
    assert counted(story)["withheld"] == 1
    story.pump()
    assert pulse.send(watched(story, watcher), now=story.clock.now())


def test_it_is_withheld_while_nothing_can_be_stored(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        message = "gone"
        raise Unavailable(message)

    watcher = Watcher()
    context = watched(story, watcher)
    monkeypatch.setattr(type(context.store), "ping", lambda _: gone())
    assert not pulse.send(context, now=story.clock.now())
    assert watcher.asked == []


def test_it_is_withheld_where_the_last_write_was_refused_until_something_is_stored(story: Story) -> None:
    watcher = Watcher()
    context = watched(story, watcher)
    now = story.clock.now()
    context.trouble.note("disk is full", now=now)
    assert not pulse.send(context, now=now)
    assert pulse.send(context, now=now + LASTS + timedelta(seconds=1)), (
        "a write that failed long ago says nothing"
    )
    context.trouble.note("disk is full", now=now)
    context.trouble.over()
    assert pulse.send(context, now=now)


@pytest.mark.parametrize("error", [None, RuntimeError("broken")], ids=["well", "broken"])
def test_the_worker_sends_it_whatever_comes(
    error: Exception | None, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "EVERY", pulse.EVERY / 6000)
    watcher = Watcher(error=error)
    worker = Worker(watched(story, watcher), story.clock.now)
    worker.start()
    try:
        eventually(lambda: len(watcher.asked) > 1, "the second heartbeat")
    finally:
        worker.stop()
    assert not any(thread.is_alive() for thread in worker._threads)


def test_without_an_address_nobody_is_called(story: Story) -> None:
    story.application.worker.start()
    assert "pulse" not in {thread.name for thread in story.application.worker._threads}
