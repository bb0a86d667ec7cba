"""The bot as its users run it: a real process on a loopback port, with a database and a directory of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from tests.e2e.configuration import ROOT

STEP_SECONDS = 0.02
READY_SECONDS = 120.0
STOP_SECONDS = 60.0
"""Patience for two cores that others use; waiting ends as soon as it is so."""

FoundT = TypeVar("FoundT")


def wait_for(
    look: Callable[[], FoundT], *, what: str, seconds: float = 40.0, step: float = STEP_SECONDS
) -> FoundT:
    """Look until what comes back is true, and give it; fails by name when the time is over."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {found!r}")
        time.sleep(step)


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningBot:
    """`python -m incident_bot serve`: killed, stopped and started at will, always on the same port and database."""

    def __init__(
        self,
        directory: Path,
        *,
        database_url: str,
        environment: Mapping[str, str] | None = None,
        port: int = 0,
        program: Sequence[str] = ("-m", "incident_bot", "serve"),
    ) -> None:
        """Take the configuration directory, the database, more of the environment, and what Python is to run."""
        self.directory = directory
        self.database_url = database_url
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = directory / "bot.log"
        self._environment = dict(environment or {})
        self._program = tuple(program)
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx2.Client(base_url=self.url, timeout=15.0, trust_env=False)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._client.close()

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, ready: bool = True) -> Self:
        """Start the process; comes back when it is ready for deliveries."""
        assert not self.running
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._program],
                cwd=self.directory,
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if ready:
            wait_for(self._ready, what="the bot is ready", seconds=READY_SECONDS)
        return self

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self._running().send_signal(signal.SIGTERM)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the end; gives the exit status."""
        return self._running().wait(timeout=seconds)

    def stop(self) -> int:
        """SIGTERM, and wait for the end; gives the exit status."""
        self.terminate()
        return self.wait()

    def restart(self) -> Self:
        """Stop in peace and start again."""
        self.stop()
        return self.start()

    def get(self, path: str, **query: str | int) -> Any:
        """Ask the interface; anything but 200 fails."""
        answer = self._client.get(path, params=query)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text[:400]}"
        return answer.json()

    def all(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        items: list[dict[str, Any]] = []
        page = self.get(path, limit=500, **query)
        while True:
            items += page["items"]
            if page["next"] is None:
                return items
            page = self.get(path, limit=500, cursor=page["next"], **query)

    def post(self, path: str, content: bytes, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Post bytes, as JSON unless the headers say otherwise."""
        return self._client.post(
            path, content=content, headers={"Content-Type": "application/json", **(headers or {})}
        )

    def deliver(self, body: object, source: str = "alertmanager") -> httpx2.Response:
        """Post one delivery."""
        return self.post(f"/webhooks/{source}", json.dumps(body).encode())

    def command(self, incident: str, text: str) -> dict[str, Any]:
        """Run a command of the chat's grammar on an incident."""
        answer = self.post(f"/api/v1/incidents/{incident}/commands", json.dumps({"text": text}).encode())
        assert answer.status_code == 200, answer.text[:400]
        told: dict[str, Any] = answer.json()
        return told

    def alerts(self, **query: str | int) -> list[dict[str, Any]]:
        return self.all("/api/v1/alerts", **query)

    def incidents(self, **query: str | int) -> list[dict[str, Any]]:
        return self.all("/api/v1/incidents", **query)

    def pages(self, incident: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/v1/incidents/{incident}/pages")["items"]
        return found

    def log(self) -> list[dict[str, Any]]:
        """Every line logged; a line that is no JSON comes as its message with the level `text`."""
        return [
            _line(text) for text in self.log_path.read_text(encoding="utf-8").splitlines() if text.strip()
        ]

    def errors(self) -> list[dict[str, Any]]:
        """Lines that should not be there: errors, and whatever bypassed the logger with a traceback."""
        return [
            line
            for line in self.log()
            if line.get("level") in ("error", "critical") or "Traceback (most recent" in json.dumps(line)
        ]

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _variables(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "INCIDENT_BOT_DATABASE_URL": self.database_url,
            "INCIDENT_BOT_CONFIG_DIR": str(self.directory),
            "INCIDENT_BOT_PORT": str(self.port),
            **self._environment,
        }

    def _ready(self) -> bool:
        status = self._running().poll()
        tail = self.log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
        assert status is None, f"the bot ended with status {status}: {tail}"
        try:
            return self._client.get("/health/ready").status_code == 200
        except httpx2.TransportError:
            return False


def _line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {"level": "text", "message": text}
    return line if isinstance(line, dict) else {"level": "text", "message": text}
