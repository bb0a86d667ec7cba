"""The real Prometheus, scraping itself, with the rules that a test gives and a directory of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from tests.e2e.harness import free_port, wait_for


class RealPrometheus:
    """One process; `url` is where its API is, `rules` the text of a rule file."""

    def __init__(self, program: str, directory: Path, *, rules: str = "groups: []\n") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._directory = directory
        (directory / "rules.yml").write_text(rules, encoding="utf-8")
        (directory / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            "rule_files: [rules.yml]\n"
            "scrape_configs:\n"
            "  - job_name: prometheus\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]\n",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self._directory / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._ready, what=f"Prometheus is ready: {self._directory}", seconds=60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._directory / "prometheus.log").read_text()[-2000:]
        try:
            answer = httpx2.get(f"{self.url}/api/v1/query?query=up", trust_env=False)
            return answer.status_code == 200 and bool(answer.json()["data"]["result"])
        except httpx2.TransportError:
            return False
