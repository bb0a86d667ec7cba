"""Prometheus' API against a strict one on this machine, and against ones that are slow, huge, wrong and hostile."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.outgoing import Client
from incident_bot.prometheus_api import (
    ANSWER_BYTES,
    EXPRESSION_MOST,
    POINTS_MOST,
    SERIES_MOST,
    Prometheus,
    PrometheusError,
)
from tests.fakes.prometheus import FakePrometheus
from tests.fakes.webhook import MISBEHAVIOURS, answers

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def fake() -> Iterator[FakePrometheus]:
    with FakePrometheus() as running:
        yield running
        assert running.complaints == []


@pytest.fixture
def prometheus(fake: FakePrometheus) -> Iterator[Prometheus]:
    client = Client()
    yield Prometheus(client, url=f"{fake.url}/", timeout=2.0)
    client.close()


def hour(prometheus: Prometheus, expression: str = "up", **matching: str) -> Any:
    return prometheus.query_range(
        expression, start=NOW - HOUR, end=NOW, step=MINUTE, matching=matching or None
    )


def saying(data: object) -> Any:
    return answers(200, json.dumps({"status": "success", "data": data}).encode())


def matrix(*items: object) -> Any:
    return saying({"resultType": "matrix", "result": list(items)})


def test_series_come_on_a_grid_with_gaps(fake: FakePrometheus, prometheus: Prometheus) -> None:
    begin = (NOW - HOUR).timestamp()
    values = {begin + 60: math.nan, begin + 120: math.inf, begin + 180: None}
    fake.teach("up", {"__name__": "up", "job": "b"}, lambda at: values.get(at, 5.5))
    fake.teach("up", {"__name__": "up", "job": "a"}, 1)
    found = hour(prometheus)
    assert [one.labels["job"] for one in found.series] == ["a", "b"]
    assert [len(one.values) for one in found.series] == [61, 61]
    assert found.series[1].values[:5] == (5.5, None, None, None, 5.5)
    assert (found.start, found.step, found.more) == (NOW - HOUR, MINUTE, 0)
    assert found.at(60) == NOW
    assert fake.asked == [
        (
            "query_range",
            {
                "query": "up",
                "start": "1772416800.000",
                "end": "1772420400.000",
                "step": "60",
                "timeout": "2s",
            },
        )
    ]


def test_values_of_a_moment(fake: FakePrometheus, prometheus: Prometheus) -> None:
    fake.teach("up == 0", {"job": "b"}, 0)
    fake.teach("up == 0", {"job": "a"}, math.nan)
    found = prometheus.query("up == 0", at=NOW)
    assert [(dict(one.labels), one.value) for one in found.samples] == [
        ({"job": "a"}, None),
        ({"job": "b"}, 0),
    ]
    fake.plan.append(saying({"resultType": "scalar", "result": [1772420400.1, "2.5"]}))
    assert [one.value for one in prometheus.query("2.5", at=NOW).samples] == [2.5]
    assert prometheus.query("absent", at=NOW).samples == ()


def test_only_series_that_contradict_no_label_are_kept(fake: FakePrometheus, prometheus: Prometheus) -> None:
    for job in "abc":
        fake.teach("up", {"job": job, "instance": "one"}, 1)
    assert [dict(one.labels) for one in hour(prometheus, job="b", severity="page").series] == [
        {"job": "b", "instance": "one"}
    ]
    assert [one.labels["job"] for one in prometheus.query("up", at=NOW, matching={"job": "c"}).samples] == [
        "c"
    ]


def test_a_crowd_of_series_is_counted(fake: FakePrometheus, prometheus: Prometheus) -> None:
    for number in range(SERIES_MOST + 5):
        fake.teach("up", {"pod": f"p{number:02}"}, number)
    found = hour(prometheus)
    assert (len(found.series), found.more) == (SERIES_MOST, 5)
    assert prometheus.query("up", at=NOW).more == 5


def test_a_long_window_has_a_coarser_step(fake: FakePrometheus, prometheus: Prometheus) -> None:
    fake.teach("up", {}, 1)
    found = prometheus.query_range("up", start=NOW - 90 * 24 * HOUR, end=NOW, step=MINUTE)
    assert found.step > timedelta(hours=3)
    assert POINTS_MOST - 5 <= len(found.series[0].values) <= POINTS_MOST


def test_a_rule_by_its_name(fake: FakePrometheus, prometheus: Prometheus) -> None:
    fake.rule("High", "rate(errors[5m]) > 0.1", severity="page")
    fake.rule("Other", "up == 0")
    fake.rules.append({"type": "alerting", "name": "High"})
    (rule,) = prometheus.rules("High")
    assert (rule.expression, dict(rule.labels)) == ("rate(errors[5m]) > 0.1", {"severity": "page"})
    assert fake.asked == [("rules", {"type": "alert", "rule_name[]": "High"})]
    assert prometheus.rules("None") == ()


@pytest.mark.parametrize(
    "credentials, header",
    [("s3cret-token\n", "Bearer s3cret-token"), ("me:pass:word", "Basic bWU6cGFzczp3b3Jk")],
)
def test_credentials(fake: FakePrometheus, prometheus: Prometheus, credentials: str, header: str) -> None:
    fake.authorization = header
    with pytest.raises(PrometheusError, match="set the variable named by prometheus_token_env") as refused:
        prometheus.query("up", at=NOW)
    assert refused.value.lasting
    client = Client()
    assert Prometheus(client, url=fake.url, credentials=credentials).query("up", at=NOW).samples == ()
    client.close()


def test_what_prometheus_refuses_is_said_and_not_asked_again(prometheus: Prometheus) -> None:
    with pytest.raises(
        PrometheusError, match=r"answered query with 400: .*unclosed left parenthesis"
    ) as refused:
        prometheus.query("sum(", at=NOW)
    assert refused.value.lasting


def test_an_unwell_prometheus_may_be_asked_again(fake: FakePrometheus, prometheus: Prometheus) -> None:
    fake.complaints.clear()
    fake.plan.append(answers(503, b'{"status": "error", "error": "query timed out in\\n expression"}'))
    with pytest.raises(PrometheusError, match="503: query timed out in expression") as unwell:
        prometheus.query("up", at=NOW)
    assert not unwell.value.lasting


def test_a_silent_prometheus_is_left(fake: FakePrometheus) -> None:
    fake.usual = fake.hangs
    client = Client()
    with pytest.raises(PrometheusError, match="no answer: ReadTimeout") as silent:
        Prometheus(client, url=fake.url, timeout=0.05).query("up", at=NOW)
    assert not silent.value.lasting
    client.close()


@pytest.mark.parametrize("name", MISBEHAVIOURS)
@pytest.mark.parametrize("call", ["query", "query_range", "rules"])
def test_a_broken_prometheus_is_one_kind_of_error(
    fake: FakePrometheus, prometheus: Prometheus, name: str, call: str
) -> None:
    fake.usual = MISBEHAVIOURS[name]
    calls: dict[str, Callable[[], object]] = {
        "query": lambda: prometheus.query("up", at=NOW),
        "query_range": lambda: hour(prometheus),
        "rules": lambda: prometheus.rules("High"),
    }
    with pytest.raises(PrometheusError) as broken:
        calls[call]()
    assert fake.url not in str(broken.value)


def test_no_more_is_read_than_fits(fake: FakePrometheus, prometheus: Prometheus) -> None:
    fake.usual = answers(200, b" " * (ANSWER_BYTES + 1))
    with pytest.raises(PrometheusError, match="larger than 2097152 bytes") as huge:
        hour(prometheus)
    assert huge.value.too_large


def test_too_long_an_expression_is_not_asked(fake: FakePrometheus, prometheus: Prometheus) -> None:
    with pytest.raises(PrometheusError, match="more than 8000 characters"):
        prometheus.query("x" * (EXPRESSION_MOST + 1), at=NOW)
    assert fake.asked == []


HOSTILE = {
    "no object": [],
    "a text": "success",
    "no data": {"status": "success"},
    "no result": {"status": "success", "data": {"resultType": "vector"}},
    "a string": {"status": "success", "data": {"resultType": "string", "result": [1, "x"]}},
    "an odd kind": {"status": "success", "data": {"resultType": {}, "result": []}},
    "an error in a 200": {"status": "error", "error": {"a": 1}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_of_another_shape_is_an_error(
    fake: FakePrometheus, prometheus: Prometheus, name: str
) -> None:
    fake.usual = answers(200, json.dumps(HOSTILE[name]).encode())
    with pytest.raises(PrometheusError):
        hour(prometheus)
    with pytest.raises(PrometheusError):
        prometheus.query("up", at=NOW)
    with pytest.raises(PrometheusError):
        prometheus.rules("A")


def test_hostile_series_give_values_or_gaps(fake: FakePrometheus, prometheus: Prometheus) -> None:
    begin = (NOW - HOUR).timestamp()
    fake.plan.append(
        matrix(
            {"metric": {"job": "a\x00b\ud800", "n": 5}, "values": [[begin, "1"], [begin + 60, "x"], [begin]]},
            {"metric": [], "values": [[1e300, "1"], ["NaN", "1"], [begin + 30, "7"], 5, [], [-1e18, "2"]]},
            {"metric": {str(n): "y" * 5000 for n in range(200)}, "values": {}},
            {"metric": {"z": "1"}, "histograms": [[begin, {}]]},
            "no series",
        )
    )
    found = hour(prometheus).series
    assert [len(one.values) for one in found] == [61] * 4
    by_job = {one.labels.get("job"): one for one in found}
    assert by_job["a�b�"].values[:3] == (1.0, None, None)
    assert all(value is None for one in found if "job" not in one.labels for value in one.values)
    assert max(len(text) for one in found for text in one.labels.values()) == 1000
    assert max(len(one.labels) for one in found) == 64
