"""Log lines of one shape without secrets, and metrics that Prometheus' own linter accepts."""

from __future__ import annotations

import io
import json
import logging
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from incident_bot.telemetry import LOG_FIELDS, METRICS, Metrics, configure_logging, logger, redact_line
from tests.entrypoints.conftest import START

SECRET = "hunter2-hunter2"


def test_a_line_has_the_agreed_fields(logged: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.contextvars.bind_contextvars(request_id="r1", correlation_id="c1")
    logger("some.module").info("something happened", incident="INC-1", count=3)
    (line,) = logged()
    assert tuple(line) == LOG_FIELDS
    assert (line["level"], line["service"], line["message"]) == ("info", "incident_bot", "something happened")
    assert (line["request_id"], line["correlation_id"]) == ("r1", "c1")
    assert line["context"] == {"incident": "INC-1", "count": 3, "logger": "some.module"}
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_have_the_same_shape(logged: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("uvicorn.error").warning("Started %s", "here")
    (line,) = logged()
    assert tuple(line) == LOG_FIELDS
    assert (line["message"], line["context"]["logger"]) == ("Started here", "uvicorn.error")


FIELDS: dict[str, Any] = {
    "authorization": f"Bearer {SECRET}",
    "api_token": SECRET,
    "password": SECRET,
    "webhook_secret": SECRET,
    "headers": {"Authorization": f"Basic {SECRET}", "Cookie": f"session={SECRET}"},
    "nested": [{"routing_key": SECRET}],
    "text": f"called with token={SECRET}",
    "url": f"https://hooks.example.com/x?signature={SECRET}",
    "dsn_text": f"postgresql://bot:{SECRET}@db/bot",
    "slack": "https://hooks.slack.com/services/T0/B0/hunter2hunter2",
    "error": RuntimeError(f"password: {SECRET}"),
}


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("field", FIELDS)
def test_nothing_secret_is_logged(style: Any, field: str, own_logging: None) -> None:
    stream = io.StringIO()
    configure_logging(style=style, stream=stream)
    logger("x").warning("sent", **{field: FIELDS[field]})
    assert stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_what_a_terminal_would_obey_is_only_shown(own_logging: None) -> None:
    stream = io.StringIO()
    configure_logging(style="console", stream=stream)
    logger("x").info("asked\x1b[2J", path="/incidents/\x1b[31m\x00\nFAKE")
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert "FAKE" in line


def test_a_secret_in_a_traceback_is_not_logged(logged: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        int(f"password={SECRET}")
    except ValueError:
        logger("x").exception("failed")
    (line,) = logged()
    assert "ValueError" in line["context"]["exception"]
    assert "hunter2" not in json.dumps(line)


def test_the_level_is_respected(own_logging: None) -> None:
    stream = io.StringIO()
    configure_logging(level="WARNING", stream=stream)
    logger("x").info("quiet")
    logging.getLogger("y").info("quiet")
    assert stream.getvalue() == ""


def test_addresses_lose_their_queries_and_keep_the_rest() -> None:
    assert (
        redact_line("GET https://example.com/a/b?c=d done") == "GET https://example.com/a/b?[redacted] done"
    )


@pytest.mark.needs("promtool")
def test_the_metrics_pass_the_linter_of_prometheus() -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=filled().render(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_every_metric_is_listed_by_its_full_name() -> None:
    shown = filled().render().decode()
    told = {line.split()[2] for line in shown.splitlines() if line.startswith("# TYPE incident_bot_")}
    assert told == set(METRICS)
    assert "_created" not in shown
    assert "process_cpu_seconds_total" in shown


def test_two_applications_share_no_number() -> None:
    one, other = Metrics("1"), Metrics("1")
    one.count_delivery("alertmanager", "applied", 0.01)
    assert "alertmanager" in one.render().decode()
    assert "alertmanager" not in other.render().decode()


def test_reloads_are_shown() -> None:
    metrics = Metrics("1")
    metrics.configuration_applied(START)
    metrics.configuration_refused()
    shown = metrics.render().decode()
    assert "incident_bot_config_last_reload_successful 0.0" in shown
    assert f"incident_bot_config_last_reload_success_timestamp_seconds {START.timestamp():.9e}"[
        :60
    ] in shown or ("1.7725" in shown)


def filled() -> Metrics:
    metrics = Metrics("1.2.3")
    metrics.count_delivery("alertmanager", "applied", 0.01)
    metrics.refuse_delivery("alertmanager", "unauthorized")
    metrics.count_alerts("alertmanager", "new", 2)
    metrics.count_rejected("alertmanager", 1)
    metrics.count_request("GET", "/", 200)
    metrics.incidents_opened.labels(severity="P1").inc()
    metrics.incidents_open.labels(escalation="triggered").set(1)
    metrics.pages.labels(channel="slack", result="sent").inc()
    metrics.messages.labels(channel="slack", result="sent").inc()
    metrics.reconcile.labels(source="alertmanager", result="ok").inc()
    metrics.reconcile_drift.labels(source="alertmanager", kind="missing").set(0)
    metrics.parked.labels(kind="timer").set(0)
    return metrics
