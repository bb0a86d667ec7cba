"""What the bot tells about itself: log lines of one shape, and metrics of one prefix.

A log line is `{"timestamp", "level", "service", "request_id", "correlation_id", "message", "context": {…}}`;
everything that a caller binds lands in `context`, and nothing secret gets past the redaction. Metrics live in
a registry of their own, so that two applications in one process never share a number. Decides nothing.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TextIO, cast

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from structlog.typing import EventDict, Processor, WrappedLogger

from incident_bot.core.timeline import HIDDEN, redact
from incident_bot.timezones import CLOCKS

SERVICE: Final = "incident_bot"
LOG_FIELDS: Final = ("timestamp", "level", "service", "request_id", "correlation_id", "message", "context")
METRICS_MEDIA_TYPE: Final = CONTENT_TYPE_LATEST

LogFormat = Literal["json", "console"]

_SECRET_KEY = re.compile(
    r"authorization|token|password|passwd|secret|api_?key|routing_?key|cookie|credential|signature|dsn",
    re.IGNORECASE,
)
# A receiver's address may be its password: of a logged address only what stands before the query is kept.
_QUERY = re.compile(r"(\bhttps?://[^\s?#\"'<>]+\?)[^\s\"'<>]+", re.IGNORECASE)


@dataclass(slots=True)
class Asked:
    """How whoever asks is known, and the id of their request: for the log and the audit."""

    how: str | None = None
    request_id: str | None = None


_ASKED: Final[ContextVar[Asked | None]] = ContextVar("incident_bot_asked", default=None)
"""One for each request; threads that work for it share it, and so learn what is found out on the way."""


def begin_asking(*, how: str | None = None, request_id: str | None = None) -> Asked:
    """Begin a request, or a piece of work of its own; what is learnt of it later is written into the answer."""
    found = Asked(how, request_id)
    _ASKED.set(found)
    return found


def asked() -> Asked:
    """Give what is known of the request that is being answered; nothing where there is none."""
    return _ASKED.get() or Asked()


def redact_line(text: str) -> str:
    """Give a text fit for the log: no credentials, and no query strings of addresses."""
    return redact(_QUERY.sub(rf"\g<1>{HIDDEN}", text))


def _clean(value: object) -> object:
    if isinstance(value, str):
        return redact_line(value)
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if _SECRET_KEY.search(str(key)) and inner is not None else _clean(inner)
            for key, inner in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_clean(inner) for inner in value]
    return value if isinstance(value, (int, float, bool, type(None))) else redact_line(str(value))


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide what is secret in one log line, by the name of a field and by the look of a text."""
    return cast("EventDict", _clean(event))


def _seen(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write what a terminal would obey, and not show, as an escape; a traceback keeps its lines."""
    return {
        key: repr(value)[1:-1]
        if isinstance(value, str) and key != "exception" and not value.isprintable()
        else value
        for key, value in event.items()
    }


def _shape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    line: MutableMapping[str, object] = {
        "timestamp": event.pop("timestamp", None),
        "level": event.pop("level", "info"),
        "service": SERVICE,
        "request_id": event.pop("request_id", None),
        "correlation_id": event.pop("correlation_id", None),
        "message": str(event.pop("event", "")),
    }
    line["context"] = dict(event)
    return line


def configure_logging(
    *, level: str = "info", style: LogFormat = "json", stream: TextIO | None = None
) -> None:
    """Send every log line of this process, ours and the libraries'.

    In one shape to one stream (standard error).
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, _shape, redact_event, structlog.processors.JSONRenderer()]
        if style == "json"
        else [
            structlog.processors.format_exc_info,
            redact_event,
            _seen,
            structlog.dev.ConsoleRenderer(colors=False),
        ]
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # It logs every address that is called, and the address of a receiver may be all that keeps others out.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of one module; fields passed by keyword land in `context`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


_COUNTERS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "deliveries": ("Webhook deliveries answered, by source and result.", ("source", "result")),
    "alerts": ("Alerts read, by source and what deduplication made of them.", ("source", "verdict")),
    "rejected_alerts": ("Alerts of readable deliveries that could not be read themselves.", ("source",)),
    "incidents_opened": ("Incidents opened, by severity.", ("severity",)),
    "steps": ("Steps of escalations that were run, by result.", ("result",)),
    "storm_adopted": (
        "Alerts that an alert storm adopted instead of opening incidents, by route.",
        ("route",),
    ),
    "pages": ("Pages tried, by channel and result.", ("channel", "result")),
    "messages": ("Messages tried that are not pages, by channel and result.", ("channel", "result")),
    "reminders": ("Reminders of what incidents owe, by kind.", ("kind",)),
    "silences": ("What became of silences, by what happened.", ("result",)),
    "reconcile": ("Comparisons with a source's own list of alerts, by result.", ("source", "result")),
    "outgoing_heartbeats": ("Heartbeats due to INCIDENT_BOT_HEARTBEAT_URL, by result.", ("result",)),
    "graphs": ("Looks at the expressions of an incident in Prometheus, by result.", ("result",)),
    "status_writes": ("Times the status page was written to its folder, by result.", ("result",)),
    "status_notices": (
        "Messages to those who follow the status page, by outlet and result.",
        ("outlet", "result"),
    ),
    "http_requests": ("HTTP requests answered, by method, route and status.", ("method", "route", "status")),
}
_GAUGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "intake_queue": ("Deliveries that wait for the writer.", ()),
    "incidents_open": ("Open incidents, by escalation state.", ("escalation",)),
    "incidents_flapping": ("Open incidents whose alerts flap.", ()),
    "outbox_oldest_due_seconds": ("Age of the oldest message or page that is due.", ()),
    "timers_oldest_due_seconds": ("Age of the oldest timer that is due.", ()),
    "parked": ("Rows set aside because they could not be worked on, by kind.", ("kind",)),
    "channel_down": (
        "Whether a way out is left alone because its provider does not work, by channel.",
        ("channel",),
    ),
    "config_last_reload_successful": (
        "Whether the last reload of the configuration was applied (1) or not (0).",
        (),
    ),
    "config_last_reload_success_timestamp_seconds": ("When the configuration was last applied.", ()),
    "reconcile_drift": (
        "Alerts that differed at the last comparison, by kind of difference.",
        ("source", "kind"),
    ),
    "templates_broken": (
        "Templates that broke since they were loaded; built-in words stand in for them.",
        (),
    ),
    "heartbeat_age_seconds": ("Time since the last heartbeat, by source.", ("source",)),
    "status_drift": (
        "Whether the status page and the alerts disagree for too long, by component and kind.",
        ("component", "kind"),
    ),
    "status_subscribers": ("Those who follow the status page, by outlet.", ("outlet",)),
    "clock_offset_seconds": (
        "How far the machine's clock is ahead of the time that all replicas go by.",
        (),
    ),
    "build_info": ("The version that runs, and that of the time zones; always 1.", ("version", "tzdata")),
}
_DELIVERY_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

METRICS: Final[tuple[str, ...]] = (
    *(f"{SERVICE}_{name}_total" for name in _COUNTERS),
    *(f"{SERVICE}_{name}" for name in _GAUGES),
    f"{SERVICE}_delivery_seconds",
)
"""Every metric of ours by its full name; `process_*` and `python_*` come from the client library."""


class _WithoutCreationTimes(Collector):
    """The client library's `_created` series double the size of a scrape and nobody asked for them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class Metrics:
    """Every number that this process shows, in a registry of its own."""

    def __init__(self, version: str) -> None:
        """Register all metrics, and the process's own, for this version."""
        self.registry = CollectorRegistry(auto_describe=True)
        counters = {name: self._counter(name, *spec) for name, spec in _COUNTERS.items()}
        gauges = {name: self._gauge(name, *spec) for name, spec in _GAUGES.items()}
        self.deliveries = counters["deliveries"]
        self.alerts = counters["alerts"]
        self.rejected_alerts = counters["rejected_alerts"]
        self.incidents_opened = counters["incidents_opened"]
        self.steps = counters["steps"]
        self.storm_adopted = counters["storm_adopted"]
        self.pages = counters["pages"]
        self.messages = counters["messages"]
        self.reminders = counters["reminders"]
        self.silences = counters["silences"]
        self.reconcile = counters["reconcile"]
        self.outgoing_heartbeats = counters["outgoing_heartbeats"]
        self.graphs = counters["graphs"]
        self.status_writes = counters["status_writes"]
        self.status_notices = counters["status_notices"]
        self.http_requests = counters["http_requests"]
        self.intake_queue = gauges["intake_queue"]
        self.incidents_open = gauges["incidents_open"]
        self.incidents_flapping = gauges["incidents_flapping"]
        self.outbox_oldest_due_seconds = gauges["outbox_oldest_due_seconds"]
        self.timers_oldest_due_seconds = gauges["timers_oldest_due_seconds"]
        self.parked = gauges["parked"]
        self.channel_down = gauges["channel_down"]
        self.config_last_reload_successful = gauges["config_last_reload_successful"]
        self.config_last_reload_success_timestamp_seconds = gauges[
            "config_last_reload_success_timestamp_seconds"
        ]
        self.reconcile_drift = gauges["reconcile_drift"]
        self.templates_broken = gauges["templates_broken"]
        self.heartbeat_age_seconds = gauges["heartbeat_age_seconds"]
        self.status_drift = gauges["status_drift"]
        self.status_subscribers = gauges["status_subscribers"]
        self.clock_offset_seconds = gauges["clock_offset_seconds"]
        self.build_info = gauges["build_info"]
        self.delivery_seconds = Histogram(
            f"{SERVICE}_delivery_seconds",
            "From the last byte of a delivery to its answer.",
            registry=self.registry,
            buckets=_DELIVERY_BUCKETS,
        )
        self.build_info.labels(version=version, tzdata=CLOCKS.version).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._shown = CollectorRegistry()
        self._shown.register(_WithoutCreationTimes(self.registry))

    def render(self) -> bytes:
        """Give all numbers in Prometheus' text format."""
        return generate_latest(self._shown)

    def _counter(self, name: str, help_text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"{SERVICE}_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(f"{SERVICE}_{name}", help_text, labels, registry=self.registry)

    def count_delivery(self, source: str, result: str, seconds: float) -> None:
        """Count one delivery that reached the writer, with the time from its last byte to its answer."""
        self.deliveries.labels(source=source, result=result).inc()
        self.delivery_seconds.observe(seconds)

    def refuse_delivery(self, source: str, result: str) -> None:
        """Count one delivery that was refused at the door."""
        self.deliveries.labels(source=source, result=result).inc()

    def count_alerts(self, source: str, verdict: str, number: int) -> None:
        """Count alerts by what deduplication made of them."""
        self.alerts.labels(source=source, verdict=verdict).inc(number)

    def count_rejected(self, source: str, number: int) -> None:
        """Count alerts of a readable delivery that could not be read."""
        self.rejected_alerts.labels(source=source).inc(number)

    def count_request(self, method: str, route: str, status: int) -> None:
        """Count one answered HTTP request."""
        self.http_requests.labels(method=method, route=route, status=str(status)).inc()

    def configuration_applied(self, instant: datetime) -> None:
        """Record that the configuration on disk is the one in force."""
        self.config_last_reload_successful.set(1)
        self.config_last_reload_success_timestamp_seconds.set(instant.timestamp())

    def configuration_refused(self) -> None:
        """Record that the configuration on disk was refused and the old one stays."""
        self.config_last_reload_successful.set(0)
