"""`incident-bot serve` as a real process: signals, the watched directories, and the way it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.configuration import ROOT
from tests.e2e.harness import RunningBot, wait_for
from tests.fakes.alertmanager import Firing, body_of
from tests.plugins.story import START
from tests.plugins.story_files import PEOPLE, TEAMS, documents

RUNBOOK = "---\ntitle: Full disk\nalerts: [DiskFull]\nowner: web\n---\n## Mitigation\n\n1. Make room\n"
REMEMBERED = "incident_bot_config_last_reload_successful"
PROMPT_SECONDS = 8.0
"""Far below the time-out after which the server would cut what is still open."""


@pytest.fixture
def bot(tmp_path: Path, sqlite_url: str) -> Iterator[RunningBot]:
    """A running bot whose directory `templates/` does not exist, and is not watched therefore."""
    directory = tmp_path / "files"
    for name, text in documents(teams=TEAMS.replace("lead: dan,", "lead: dan, manager: cleo,")).items():
        put(directory / name, text)
    with RunningBot(directory, database_url=sqlite_url) as running:
        yield running


def put(path: Path, text: str) -> None:
    """Replace a file as editors do: another file takes its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new~")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def health(bot: RunningBot) -> dict[str, Any]:
    found: dict[str, Any] = bot.get("/health")
    return found


def said_of_the_configuration(bot: RunningBot) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in health(bot)["checks"] if one["name"] == "configuration")
    return found


def applied(bot: RunningBot) -> float:
    """What the metric says of the last reload."""
    text = httpx2.get(f"{bot.url}/metrics", trust_env=False).text
    found = re.search(rf"(?m)^{REMEMBERED} (\S+)$", text)
    assert found, text
    return float(found[1])


def assert_refused_and_kept(bot: RunningBot, revision: str, file: str) -> None:
    wait_for(lambda: health(bot)["status"] == "degraded", what="the broken set is refused")
    assert health(bot)["revision"] == revision
    check = said_of_the_configuration(bot)
    assert not check["ok"]
    assert check["detail"].startswith(f"revision {revision} stays; the set on disk is refused: {file}:")
    assert applied(bot) == 0


def assert_in_force(bot: RunningBot, *, instead_of: str) -> str:
    wait_for(lambda: health(bot)["revision"] != instead_of, what="another revision is in force")
    wait_for(lambda: health(bot)["status"] == "ok", what="all is well")
    assert applied(bot) == 1
    revision: str = health(bot)["revision"]
    return revision


def test_a_hangup_reloads_whole_or_not_at_all(bot: RunningBot) -> None:
    template = bot.directory / "templates/slack/update.j2"
    first = health(bot)["revision"]
    assert (health(bot)["status"], applied(bot)) == ("ok", 1)
    put(template, "News of {{ name }}\n")
    os.kill(bot.pid, signal.SIGHUP)
    second = assert_in_force(bot, instead_of=first)
    put(template, "News of {{ nothing_of_the_kind }}\n")
    os.kill(bot.pid, signal.SIGHUP)
    assert_refused_and_kept(bot, second, "templates/slack/update.j2")
    template.unlink()
    os.kill(bot.pid, signal.SIGHUP)
    assert assert_in_force(bot, instead_of=second) == first
    assert bot.stop() == 0


def test_a_changed_directory_reloads_whole_or_not_at_all(bot: RunningBot) -> None:
    first = health(bot)["revision"]
    put(bot.directory / "runbooks/disks/full.md", RUNBOOK)
    second = assert_in_force(bot, instead_of=first)
    put(bot.directory / "rotations/people.yaml", PEOPLE + "  zoe: {nme: Zoe}\n")
    assert_refused_and_kept(bot, second, "rotations/people.yaml")
    put(bot.directory / "rotations/people.yaml", PEOPLE + "  zoe: {name: Zoe Example}\n")
    third = assert_in_force(bot, instead_of=second)
    assert len({first, second, third}) == 3
    on_call = bot.get("/api/v1/oncall", schedule="web")
    assert [one["person"] for one in on_call] == ["ana"]


def delivery(name: str) -> bytes:
    return body_of(name, [Firing({"alertname": name, "severity": "critical"}, {}, START)])


@contextmanager
def half_a_delivery(bot: RunningBot, body: bytes) -> Iterator[socket.socket]:
    """A delivery whose head and first bytes have arrived, and whose rest is still on its way."""
    head = (
        f"POST /webhooks/alertmanager HTTP/1.1\r\nHost: 127.0.0.1:{bot.port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", bot.port), timeout=15) as connection:
        connection.sendall(head.encode())
        # From here on the bot waits for this body: what was sent alone may lie unread, and was accepted by nobody.
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body[:10])
        yield connection


def test_it_ends_at_once_and_answers_what_it_accepted(bot: RunningBot) -> None:
    assert bot.post("/webhooks/alertmanager", delivery("One")).status_code == 200
    body = delivery("Two")
    live = f"{bot.url}/api/v1/incidents/INC-1/live"
    with (
        httpx2.stream("GET", live, trust_env=False, timeout=15) as stream,
        half_a_delivery(bot, body) as connection,
    ):
        assert stream.status_code == 200
        chunks = stream.iter_text()
        assert next(chunks).startswith("retry:")
        started = time.monotonic()
        bot.terminate()
        # The stream ends in order: its reader is not cut off, and waits for nothing.
        "".join(chunks)
        connection.sendall(body[10:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert bot.wait() == 0
    assert time.monotonic() - started < PROMPT_SECONDS
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (told["delivery"], told["alerts"], told["duplicate"]) == (2, 1, False)
    assert not bot.errors()
    bot.start()
    wait_for(lambda: len(bot.incidents()) == 2, what="the delivery answered last is decided")
    assert {alert["labels"]["alertname"] for alert in bot.alerts()} == {"One", "Two"}


def second(bot: RunningBot, **variables: str) -> subprocess.CompletedProcess[str]:
    """Another process with the same settings, or some of its own; it must end by itself."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "INCIDENT_BOT_DATABASE_URL": bot.database_url,
        "INCIDENT_BOT_CONFIG_DIR": str(bot.directory),
        "INCIDENT_BOT_PORT": str(bot.port),
        "INCIDENT_BOT_LOG_LEVEL": "warning",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", "incident_bot", "serve"], env=environ, capture_output=True, encoding="utf-8",
        timeout=30, check=False,
    )  # fmt: skip


def test_a_second_process_is_told_what_is_in_its_way_and_the_first_can_be_interrupted(
    bot: RunningBot, tmp_path: Path
) -> None:
    ended = second(bot)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert f"incident_bot.db is served by process {bot.pid}; stop it first." in line
    ended = second(bot, INCIDENT_BOT_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    line = ended.stderr.splitlines()[-1]
    assert ended.returncode == 1
    assert line.startswith(f"incident-bot: cannot listen on 127.0.0.1, port {bot.port}: ")
    assert "INCIDENT_BOT_PORT" in line
    assert "Traceback" not in ended.stderr
    assert health(bot)["status"] == "ok"
    os.kill(bot.pid, signal.SIGINT)
    assert bot.wait(PROMPT_SECONDS) == 0
    assert not bot.errors()
