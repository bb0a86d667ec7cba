"""The machine's clock is set by two hours under a running process (P16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.settable_bot import OFFSET_FILE
from tests.e2e.sink import WebhookSink

PROGRAM = ("-m", "tests.e2e.settable_bot")
TWO_HOURS = 7200


@pytest.fixture
def bot(sqlite_url: str, tmp_path: Path, sink: WebhookSink) -> Iterator[RunningBot]:
    is_off(tmp_path, 0)
    environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
    directory = write(tmp_path, small())
    with RunningBot(directory, database_url=sqlite_url, environment=environment, program=PROGRAM) as running:
        yield running


def is_off(directory: Path, seconds: int) -> None:
    """Set the machine's clock; the file is replaced whole, so that nobody reads half of it."""
    fresh = directory / "clock_offset.new"
    fresh.write_text(str(seconds), encoding="ascii")
    fresh.replace(directory / OFFSET_FILE)


def who(bot: RunningBot) -> list[tuple[str, str]]:
    return [(page["person"], page["state"]) for page in bot.pages("INC-1")]


def told_by_health(bot: RunningBot) -> Any:
    return next(check for check in bot.get("/health")["checks"] if check["name"] == "clock")


def test_forward_runs_the_next_step_once_and_back_runs_none_again(bot: RunningBot, sink: WebhookSink) -> None:
    assert bot.deliver(delivery([alert("Checkout", severity="critical")], group="one")).status_code == 200
    wait_for(lambda: who(bot) == [("alice", "sent")], what="the first page is sent")
    is_off(bot.directory, TWO_HOURS)
    wait_for(lambda: who(bot) == [("alice", "sent"), ("bob", "sent")], what="the second step runs, once")
    is_off(bot.directory, 0)
    wait_for(lambda: not told_by_health(bot)["ok"], what="health tells that the clock was set back")
    assert "half speed" in told_by_health(bot)["detail"]
    assert bot.deliver(delivery([alert("Search", severity="critical")], group="two")).status_code == 200
    wait_for(lambda: len(sink.taken_pages()) == 3, what="paging goes on as ever")
    assert who(bot) == [("alice", "sent"), ("bob", "sent")]
    assert max(sink.keys().values()) == 1
    assert not bot.errors()
