"""The client against the real Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_bot.outgoing import Client
from incident_bot.prometheus_api import Prometheus, PrometheusError
from tests.e2e.harness import wait_for
from tests.e2e.real_prometheus import RealPrometheus

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
