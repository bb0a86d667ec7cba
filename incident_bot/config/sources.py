"""`sources:` of `routing.yaml`: the doors by which alerts come in. Tokens stand elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from incident_bot.config.documents import Length, Name, Shape, Text, Web, nearest
from incident_bot.config.revision import Heartbeat, SourceConfig
from incident_bot.config.tree import Tree
from incident_bot.core.errors import Problem

KINDS: Final = ("alertmanager",)
LATER_KINDS: Final = ("grafana", "sentry", "uptimerobot", "generic")
OWN_NAME: Final = "incident-bot"
"""The source of alerts that the bot raises itself."""
TAKEN_NAMES: Final = ("pagerduty", "twilio", OWN_NAME)
"""Doors below `/webhooks/` that are no alert sources, and the name of the bot's own."""
BEAT_LEAST: Final = timedelta(minutes=1)
"""A heartbeat more often than this tells no more: an Alertmanager's groups are sent less often."""


def _kind(value: str) -> str:
    if value in LATER_KINDS:
        raise ValueError(f"{value} is not available in this release; write kind: alertmanager")
    if value not in KINDS:
        raise ValueError(f'unknown kind "{value}"{nearest(value, KINDS)}')
    return value


def _source_name(value: str) -> str:
    if value in TAKEN_NAMES:
        raise ValueError(f"/webhooks/{value} is not for alerts; give the source another name")
    return value


def _api_url(value: str) -> str:
    # The address must not be shown: it may carry a password.
    if re.search(r"://[^/]*@", value):
        raise ValueError(
            "holds credentials; nothing secret stands in a file, put the API behind an address without"
        )
    try:
        _ = urlsplit(value).port
    except ValueError:
        raise ValueError("has a port that is none; write it as http://127.0.0.1:9093") from None
    return value.rstrip("/")


def _prometheus_url(value: str) -> str:
    value = _api_url(value)
    if urlsplit(value).query or urlsplit(value).fragment:
        raise ValueError("is the address of Prometheus itself; write it as http://127.0.0.1:9090")
    return value


def _variable(value: str) -> str:
    # The text must not be shown: it may be the token itself.
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
        raise ValueError(
            "is not the name of an environment variable, such as GRAFANA_TOKEN; a token never stands here"
        )
    return value


def _period(value: timedelta) -> timedelta:
    if value < BEAT_LEAST:
        raise ValueError("is too often for a heartbeat; write 1m or more, such as 5m")
    return value


Variable = Annotated[str, AfterValidator(_variable)]
"""The name of an environment variable with a secret."""


class HeartbeatShape(Shape):
    """The alert that must keep coming."""

    alert: Text
    every: Annotated[Length, AfterValidator(_period)]


class SourceShape(Shape):
    """One source."""

    name: Annotated[Name, AfterValidator(_source_name)]
    kind: Annotated[str, AfterValidator(_kind)]
    api_url: Annotated[Web, AfterValidator(_api_url)] | None = None
    ignore_labels: list[Text] = Field(default_factory=list)
    token_env: Variable | None = None
    heartbeat: HeartbeatShape | None = None
    prometheus_url: Annotated[Web, AfterValidator(_prometheus_url)] | None = None
    prometheus_token_env: Variable | None = None


def build_sources(
    shapes: Sequence[SourceShape], tree: Tree, problems: list[Problem]
) -> tuple[SourceConfig, ...]:
    """Give the sources; a file that names none has the one called alertmanager."""
    seen: dict[str, int] = {}
    for index, source in enumerate(shapes):
        first = seen.setdefault(source.name, index)
        if first != index:
            message = f'"{source.name}" names a source already, on line {tree.line(("sources", first))}'
            problems.append(tree.problem(("sources", index, "name"), message))
        if source.prometheus_token_env and not source.prometheus_url:
            message = "is for a Prometheus that is not named; write prometheus_url: beside it"
            problems.append(tree.problem(("sources", index, "prometheus_token_env"), message))
    return tuple(_source(source) for source in shapes) or (SourceConfig(name=KINDS[0], kind=KINDS[0]),)


def _source(written: SourceShape) -> SourceConfig:
    beat = written.heartbeat
    return SourceConfig(
        name=written.name,
        kind=written.kind,
        api_url=written.api_url,
        ignore_labels=frozenset(written.ignore_labels),
        token_env=written.token_env,
        heartbeat=Heartbeat(alert=beat.alert, every=beat.every) if beat else None,
        prometheus_url=written.prometheus_url,
        prometheus_token_env=written.prometheus_token_env,
    )
