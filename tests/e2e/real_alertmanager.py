"""The real Alertmanager: one, or a clustered pair, with the configuration a test gives and a directory of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.e2e.bodies import stamp
from tests.e2e.harness import free_port, wait_for

PEER_TIMEOUT = "2s"


def configuration(url: str, *, group_by: Sequence[str] = ("alertname",), resolved: bool = True) -> str:
    """One receiver, with waits as short as Alertmanager takes them."""
    return json.dumps(
        {
            "route": {
                "receiver": "incident-bot",
                "group_wait": "100ms",
                "group_interval": "1s",
                "repeat_interval": "1h",
                "group_by": list(group_by),
            },
            "receivers": [
                {"name": "incident-bot", "webhook_configs": [{"url": url, "send_resolved": resolved}]}
            ],
        }
    )


class RealAlertmanager:
    """One process; `peer` joins another one's cluster."""

    def __init__(
        self,
        program: str,
        directory: Path,
        *,
        config: str,
        clustered: bool = False,
        peer: RealAlertmanager | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.cluster_port = free_port() if clustered else 0
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._directory = directory
        self._peer = peer
        self._config = directory / "alertmanager.yml"
        self._config.write_text(config, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx2.Client(base_url=self.url, timeout=10.0, trust_env=False)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._client.close()

    def start(self) -> Self:
        """Start it; comes back when it takes alerts."""
        with (self._directory / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self._ready, what=f"Alertmanager is ready: {self._directory}", seconds=60)
        return self

    def kill(self) -> None:
        """SIGKILL: what it remembers of its notifications is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM: it writes down what it notified of."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=20)

    def peers(self) -> int:
        """How many members its cluster has, or 0 before it settled."""
        cluster = self._client.get("/api/v2/status").json()["cluster"]
        return len(cluster.get("peers") or ()) if cluster["status"] == "ready" else 0

    def fire(self, *alerts: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> None:
        """Have these label sets fire, as Prometheus does: with a start, and an end ahead."""
        now = datetime.now(UTC)
        self._send(
            alerts, starts_at=now - timedelta(minutes=1), ends_at=now + timedelta(hours=1), texts=annotations
        )

    def resolve(self, *alerts: Mapping[str, str]) -> None:
        """Have these label sets end now."""
        now = datetime.now(UTC)
        self._send(alerts, starts_at=now - timedelta(minutes=1), ends_at=now, texts=None)

    def silence(self, **labels: str) -> str:
        """Silence what has these labels for an hour; gives the silence's id."""
        now = datetime.now(UTC)
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": False, "isEqual": True}
                for name, value in labels.items()
            ],
            "startsAt": stamp(now),
            "endsAt": stamp(now + timedelta(hours=1)),
            "createdBy": "tests",
            "comment": "a story",
        }
        answer = self._client.post("/api/v2/silences", json=body).raise_for_status()
        return str(answer.json()["silenceID"])

    def alerts(self) -> list[dict[str, Any]]:
        """What it holds, silenced and inhibited alerts included."""
        found: list[dict[str, Any]] = self._client.get("/api/v2/alerts").raise_for_status().json()
        return found

    def _send(
        self,
        alerts: Sequence[Mapping[str, str]],
        *,
        starts_at: datetime,
        ends_at: datetime,
        texts: Mapping[str, str] | None,
    ) -> None:
        body = [
            {
                "labels": dict(labels),
                "annotations": dict(texts or {"summary": "a story"}),
                "startsAt": stamp(starts_at),
                "endsAt": stamp(ends_at),
                "generatorURL": "http://prometheus.example.com/graph",
            }
            for labels in alerts
        ]
        self._client.post("/api/v2/alerts", json=body).raise_for_status()

    def _arguments(self) -> list[str]:
        listen = f"127.0.0.1:{self.cluster_port}" if self.cluster_port else ""
        joined = [f"--cluster.peer=127.0.0.1:{self._peer.cluster_port}"] if self._peer else []
        return [
            self._program,
            f"--config.file={self._config}",
            f"--storage.path={self._directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--cluster.listen-address={listen}",
            "--cluster.gossip-interval=20ms",
            "--cluster.pushpull-interval=1s",
            f"--cluster.peer-timeout={PEER_TIMEOUT}",
            "--cluster.settle-timeout=5s",
            "--log.level=debug",
            *joined,
        ]

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._directory / "alertmanager.log").read_text()[-2000:]
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx2.TransportError:
            return False
