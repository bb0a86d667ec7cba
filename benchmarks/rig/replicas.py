"""Replicas of the bot that are killed and started again, always on their own port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from benchmarks.rig.processes import ROOT, Database

READY_SECONDS = 60.0
STOP_SECONDS = 40.0


class Replica:
    """One `incident-bot serve`."""

    def __init__(self, directory: Path, database: Database, provider: str, log: Path) -> None:
        """Take the configuration directory, the database, the provider's address, and where its log goes."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self._variables = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "INCIDENT_BOT_DATABASE_URL": database.url,
            "INCIDENT_BOT_CONFIG_DIR": str(directory),
            "INCIDENT_BOT_PORT": str(self.port),
            "INCIDENT_BOT_DEFAULT_CHANNEL": "webhook",
            "INCIDENT_BOT_WEBHOOK_URL": provider,
        }

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "incident_bot", "serve"],
                env=self._variables, cwd=self._log.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def await_ready(self) -> None:
        """Wait until it takes deliveries; ends the benchmark where it never does."""
        until = time.monotonic() + READY_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < until and self._process is not None and self._process.poll() is None:
            try:
                with opener.open(f"http://127.0.0.1:{self.port}/health/ready", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise SystemExit(f"not ready: {self._log.read_text(errors='replace')[-2000:]}")

    def errors(self) -> list[str]:
        """Give the lines of its log that should not be there."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if _is_error(line)]


def configured(directory: Path, files: Mapping[str, str]) -> Path:
    """Write a configuration below the directory, and give it."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def _is_error(line: str) -> bool:
    try:
        told = json.loads(line)
    except ValueError:
        return "Traceback" in line
    return isinstance(told, Mapping) and told.get("level") in ("error", "critical")
