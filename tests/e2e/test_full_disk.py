"""The disk is full: nothing is promised that is not stored, health says so, and with room again all goes on (I1)."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import WebhookSink

MOST = 200


@pytest.fixture
def bot(sqlite_url: str, tmp_path: Path, sink: WebhookSink) -> Iterator[RunningBot]:
    directory = write(tmp_path, small())
    environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
    with RunningBot(directory, database_url=sqlite_url, environment=environment) as running:
        yield running


def files_end_at(bot: RunningBot, size: int) -> None:
    """Let no file of the process grow beyond this many bytes: a write there fails as on a disk without room."""
    _, most = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (size, most))


def sends(bot: RunningBot, number: int) -> int:
    return bot.deliver(delivery([alert(f"Full{number}", severity="critical")], group=str(number))).status_code


def told_by_health(bot: RunningBot) -> Any:
    answer = httpx2.get(f"{bot.url}/health", trust_env=False)
    found = next(check for check in answer.json()["checks"] if check["name"] == "database")
    assert answer.status_code == (200 if found["ok"] else 503)
    return found


def test_what_cannot_be_stored_is_refused_and_taken_later(
    bot: RunningBot, sink: WebhookSink, sqlite_url: str
) -> None:
    log = Path(sqlite_url.removeprefix("sqlite:///") + "-wal")
    assert sends(bot, 0) == 200
    wait_for(lambda: len(sink.taken_pages()) == 1, what="the first page is sent")
    files_end_at(bot, log.stat().st_size)
    refused = next(number for number in range(1, MOST) if sends(bot, number) != 200)
    assert sends(bot, refused) == 503
    assert not told_by_health(bot)["ok"]
    assert httpx2.get(f"{bot.url}/health/ready", trust_env=False).status_code == 503
    assert "nothing can be stored" in told_by_health(bot)["detail"]
    files_end_at(bot, resource.RLIM_INFINITY)
    assert [sends(bot, number) for number in range(refused + 1)] == [200] * (refused + 1)
    wait_for(lambda: len(sink.taken_pages()) > refused, what="every incident is paged")
    assert max(sink.keys().values()) == 1
    assert len(bot.incidents()) == refused + 1
    assert told_by_health(bot)["ok"]
