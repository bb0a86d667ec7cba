"""The client, and an incident's graphs, against the real Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from incident_bot.outgoing import Client
from incident_bot.prometheus_api import Prometheus, PrometheusError
from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.real_prometheus import RealPrometheus
from tests.e2e.sink import WebhookSink

pytestmark = pytest.mark.needs("prometheus")

RULES = """
groups:
  - name: own
    rules:
      - {alert: AlwaysUp, expr: up > 0, labels: {severity: page}}
      - {record: one, expr: vector(1)}
"""


def test_questions_to_the_real_one(tmp_path: Path, program: Callable[[str], str]) -> None:
    client = Client()
    with RealPrometheus(program("prometheus"), tmp_path / "prometheus", rules=RULES) as running:
        prometheus = Prometheus(client, url=running.url)
        now = datetime.now(UTC) + timedelta(seconds=2)

        (sample,) = prometheus.query("up", at=now).samples
        assert (sample.labels["job"], sample.value) == ("prometheus", 1.0)
        assert prometheus.query("1 / 0", at=now).samples[0].value is None

        found = prometheus.query_range("up", start=now - timedelta(hours=1), end=now, step=timedelta(0))
        assert found.series[0].values[0] is None, "there was no Prometheus an hour ago"
        assert found.series[0].values[-1] == 1.0
        assert (
            prometheus.query_range(
                "up", start=now - timedelta(hours=1), end=now, step=timedelta(0), matching={"job": "another"}
            ).series
            == ()
        )

        (rule,) = wait_for(lambda: prometheus.rules("AlwaysUp"), what="its rules")
        assert (rule.expression, dict(rule.labels)) == ("up > 0", {"severity": "page"})
        with pytest.raises(PrometheusError, match=r"400: .*parse error") as refused:
            prometheus.query("up(", at=now)
        assert refused.value.lasting
    with pytest.raises(PrometheusError, match="no answer: ConnectError"):
        prometheus.query("up", at=now)
    client.close()


def test_the_graphs_of_an_incident(
    sqlite_url: str, tmp_path: Path, sink: WebhookSink, program: Callable[[str], str]
) -> None:
    with RealPrometheus(program("prometheus"), tmp_path / "prometheus", rules=RULES) as running:
        files = small()
        files["rotations/routing.yaml"] = files["rotations/routing.yaml"].replace(
            "kind: alertmanager}", f'kind: alertmanager, prometheus_url: "{running.url}"}}'
        )
        environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
        with RunningBot(write(tmp_path, files), database_url=sqlite_url, environment=environment) as bot:
            told = alert("AlwaysUp", job="prometheus", instance=f"127.0.0.1:{running.port}", severity="page")
            assert bot.deliver(delivery([told], group="up")).status_code == 200
            wait_for(bot.incidents, what="the incident")
            (name,) = [one["id"] for one in bot.incidents()]

            def drawn() -> Any:
                found = bot.get(f"/api/v1/incidents/{name}/graphs")
                assert found["error"] is None
                return found["items"]

            (one,) = wait_for(drawn, what="its graph")
            assert (one["expression"], one["compare"], one["threshold"]) == ("up", ">", 0.0)
            bot.command(name, "resolve it is up")
            newest = wait_for(
                lambda: [one for one in drawn() if one["moment"] == "resolved"], what="the last one"
            )
            (line,) = newest[0]["lines"]
            assert (line["low"], line["high"], line["last"]) == (1.0, 1.0, 1.0)
            svg = httpx2.get(
                f"{bot.url}/api/v1/incidents/{name}/graphs/{newest[0]['number']}.svg", trust_env=False
            )
            assert svg.text.startswith("<svg ")
            assert bot.errors() == []
