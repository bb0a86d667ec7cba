"""The demonstration, told once by the real program: its milestones, its files, and what stands in its way."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from incident_bot import demo
from incident_bot.core.errors import Refused
from incident_bot.outgoing import Answer, CallFailed, Client
from incident_bot.store import Store, incidents, outbox
from incident_bot.store.lockfile import LockFile

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.usefixtures("_logging_as_before")]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30.0
MILESTONES = (
    r"^Ready\.",
    r"Alertmanager posts its webhook",
    r"stored as delivery 1, then answered 200: 1 alert",
    r"INC-1 is open\. Alice Example is paged: on call, platform-primary",
    r"P1: PostgreSQL is down",
    r"duplicate: true; nobody is paged for it again",
    r"Errors rise, too: a warning",
    r"nobody was bothered",
    r"15 minutes, no answer\. The escalation goes on: Lee Example is paged",
    r"step 2 of 3 of P1",
    r"Lee: ack$",
    r"You have INC-1",
    r"pages still waiting: 0",
    r"Lee: status mitigating",
    r"Alertmanager posts the end of the alert",
    r"the bot offers to resolve and does not do it alone",
    r"Lee: resolve ",
    r"INC-1 is resolved",
    r"The timeline has \d+ entries; the post-mortem draft is written from them",
    r"INC-1-postmortem\.md$",
    r"INC-1-postmortem\.html$",
)
SECTIONS = ("1. Summary", "2. Impact", "3. Key times", "4. Detection", "Timeline")


@dataclass(frozen=True, slots=True)
class Told:
    """One whole run."""

    directory: Path
    status: int
    seconds: float
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def acknowledged(self) -> int:
        """The line in which somebody answers."""
        return next(number for number, line in enumerate(self.lines) if line.endswith("Lee: ack"))


def environment(**more: str) -> Mapping[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("INCIDENT_BOT_", "DEMO_"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **more}


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    directory = tmp_path_factory.mktemp("demo")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "incident_bot", "demo"], cwd=directory, capture_output=True, encoding="utf-8",
        env=environment(DEMO_EXIT="1", INCIDENT_BOT_PORT=port), timeout=SECONDS * 2, check=False,
    )  # fmt: skip
    return Told(directory, ended.returncode, time.monotonic() - started, ended.stdout, ended.stderr)


def test_it_ends_well_and_soon(told: Told) -> None:
    assert (told.status, told.err) == (0, ""), told
    assert told.seconds < SECONDS


def test_the_milestones_come_in_order(told: Told) -> None:
    rest = iter(told.lines)
    for milestone in MILESTONES:
        assert any(re.search(milestone, line) for line in rest), (
            f"{milestone} is missing or late in:\n{told.out}"
        )


def test_its_clock_runs_forward_through_one_night(told: Told) -> None:
    stamps = [line[:8] for line in told.lines if re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert len(stamps) > 15
    assert stamps == sorted(stamps)
    assert stamps[0].startswith("00:15:")


def test_nobody_is_paged_after_the_acknowledgement(told: Told) -> None:
    before, after = told.lines[: told.acknowledged], told.lines[told.acknowledged :]
    assert sum("┌" in line for line in before) == 2
    assert not [line for line in after if "┌" in line or "is paged" in line]


def test_the_records_say_the_same(told: Told) -> None:
    store = Store.open(f"sqlite:///{told.directory}/demo-output/demo.db")
    try:
        with store.read() as tx:
            incident = incidents.get(tx, 1)
            pages = [row for row, _ in outbox.pages_of(tx, 1)]
    finally:
        store.close()
    assert incident is not None
    assert incident.acknowledged_at is not None
    sent = [row for row in pages if row.sent_at is not None]
    assert [row.person for row in sent] == ["alice", "devops-lead"]
    assert all(row.sent_at < incident.acknowledged_at for row in sent if row.sent_at)
    assert not [row for row in pages if row.state is outbox.RowState.PENDING]


@pytest.mark.parametrize("form", ["md", "html"])
def test_the_postmortem_is_where_it_says(told: Told, form: str) -> None:
    (shown,) = [line.strip() for line in told.lines if line.endswith(f"INC-1-postmortem.{form}")]
    assert Path(shown) == (told.directory / f"demo-output/INC-1-postmortem.{form}").resolve()
    text = Path(shown).read_text(encoding="utf-8")
    for section in SECTIONS:
        assert section in text
    for fact in ("PostgreSQL is down", "Logins and checkout fail for everybody"):
        assert fact in text
    # What is handed on has roles in the place of names; the text that people work with has names.
    handed_on = form == "html"
    for name in ("Alice Example", "Lee Example"):
        assert (name in text) is not handed_on
    assert ("incident commander" in text) is handed_on


def test_it_keeps_to_its_own_folder(told: Told) -> None:
    assert [path.name for path in told.directory.iterdir()] == ["demo-output"]


def test_on_a_taken_port_it_takes_another_and_stays_until_it_is_interrupted(tmp_path: Path) -> None:
    with taken_port() as port, staying(tmp_path, INCIDENT_BOT_PORT=str(port)) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "The console keeps running" in line:
                break
        story = "".join(lines)
        assert f"Port {port} is taken; this demonstration uses " in story
        address = re.search(r"with all of it: (http://127\.0\.0\.1:(\d+)) ", story)
        assert address, story
        assert int(address[2]) != port
        answer = ask(f"{address[1]}/incidents/INC-1")
        assert answer is not None
        assert (answer.status, b"PostgreSQL is down" in answer.body) == (200, True)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        assert (process.returncode, rest) == (0, "")
        assert ask(f"{address[1]}/") is None


@contextmanager
def staying(directory: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A demonstration that is not told to stop at its end."""
    with subprocess.Popen(
        [sys.executable, "-m", "incident_bot", "demo"], cwd=directory, env=environment(**variables),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def ask(address: str) -> Answer | None:
    client = Client()
    try:
        return client.call("GET", address)
    except CallFailed:
        return None
    finally:
        client.close()


def test_a_demonstration_that_still_runs_here_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "demo-output/demo.db"
    database.parent.mkdir()
    database.write_bytes(b"its records")
    other = LockFile.take(database.with_name("demo.db.lock"), database)
    try:
        with pytest.raises(
            Refused, match=r"another demonstration runs in \S+demo-output; end it with Ctrl-C"
        ):
            demo.run({"DEMO_EXIT": "1"}, write=lambda _text: None)
    finally:
        other.release()
    assert database.read_bytes() == b"its records"


def test_a_directory_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo-output").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(Refused, match="start in a directory that is yours"):
        demo.run({"DEMO_EXIT": "1"}, write=lambda _text: None)
