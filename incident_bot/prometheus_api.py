"""Prometheus' HTTP API v1: one question, once, within bounds of time, size and number.

Whatever comes back, a caller gets values that fit in memory or one `PrometheusError` with a text for people. The
address comes from the configuration alone: never from an alert, whose sender could have the bot call anything.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from incident_bot.core.model.series import Series, SeriesRange, agree
from incident_bot.outgoing import Answer, AnswerTooLarge, CallFailed, Client

TIMEOUT_SECONDS: Final = 5.0
"""How long Prometheus may work on a question, and how patient its caller is."""
ANSWER_BYTES: Final = 2 * 1024 * 1024
SERIES_MOST: Final = 20
"""No more series are kept; the rest is counted."""
POINTS_MOST: Final = 600
"""No more points a series: a finer step is made coarser."""
RULES_MOST: Final = 500
EXPRESSION_MOST: Final = 8000
"""No longer expression is asked."""
_LABELS_MOST: Final = 64
_TEXT_MOST: Final = 1000
_SAID_MOST: Final = 200
_OK: Final = 200
_LASTING: Final = frozenset({400, 401, 403, 404, 405, 422})
"""What answers so will do so again: the question is wrong, or the credentials, or it is no Prometheus."""
_CREDENTIALS: Final = frozenset({401, 403})
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")
"""What no database stores."""


class PrometheusError(Exception):
    """Prometheus gave no answer that can be used; the text is for people and holds no address and no secret."""

    def __init__(
        self, text: str, *, lasting: bool = False, too_large: bool = False, locked: bool = False
    ) -> None:
        """Say what is wrong; `lasting`: asking the same again is of no use; `too_large`: asking for less may be.

        `locked`: it answers nothing that we ask, whatever it is.
        """
        super().__init__(text)
        self.lasting = lasting
        self.too_large = too_large
        self.locked = locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value now."""

    labels: Mapping[str, str]
    value: float | None
    """None where it is no finite number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What an expression gives at one moment."""

    samples: tuple[Sample, ...]
    more: int = 0
    """How many others there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingRule:
    """One alerting rule as Prometheus has it loaded."""

    name: str
    expression: str
    labels: Mapping[str, str]
    """Those that the rule adds; a value may be a template."""


class Prometheus:
    """One Prometheus; safe to share between threads."""

    def __init__(
        self,
        client: Client,
        *,
        url: str,
        credentials: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        over: Callable[[], bool] | None = None,
    ) -> None:
        """Take the shared HTTP client, the address, and a bearer token or `user:password`.

        Once `over` says that the caller's time is over, each further question fails without a call.
        """
        self._client = client
        self._root = url.rstrip("/") + "/api/v1/"
        self._headers = {"Accept": "application/json", "User-Agent": "incident-bot"}
        self._timeout = timeout
        self._over = over
        if credentials:
            self._headers["Authorization"] = _authorization(credentials)

    def query(self, expression: str, *, at: datetime, matching: Mapping[str, str] | None = None) -> Samples:
        """Give the values at a moment, those first by their labels; raises PrometheusError.

        `matching` keeps those alone whose labels contradict none of these. A number comes as one value without labels.
        """
        data = self._ask("query", {"query": _bounded(expression), "time": _stamp(at)})
        kind, items = _result(data)
        if kind == "scalar":
            return Samples(samples=(Sample(labels={}, value=_pair_value(items)),))
        if kind != "vector":
            raise PrometheusError(f"the expression gives a {kind}, not a number", lasting=True)
        found = _kept(items, matching)
        samples = tuple(
            Sample(labels=labels, value=_pair_value(item.get("value")))
            for labels, item in found[:SERIES_MOST]
        )
        return Samples(samples=samples, more=len(found) - len(samples))

    def query_range(
        self,
        expression: str,
        *,
        start: datetime,
        end: datetime,
        step: timedelta,
        matching: Mapping[str, str] | None = None,
    ) -> SeriesRange:
        """Give the series of a window, those first by their labels; raises PrometheusError.

        The step is made coarser until there are at most POINTS_MOST points, and is whole seconds. The last point lies
        at the end, so that the first may lie a little before the start. `matching` as for `query`.
        """
        end = end.replace(microsecond=0)
        step = _step(end - start, step)
        count = max(0, math.ceil((end - start) / step)) + 1
        start = end - (count - 1) * step
        data = self._ask(
            "query_range",
            {
                "query": _bounded(expression),
                "start": _stamp(start),
                "end": _stamp(end),
                "step": f"{step.total_seconds():.0f}",
            },
        )
        kind, items = _result(data)
        if kind != "matrix":
            raise PrometheusError(f"the expression gives a {kind}, not series", lasting=True)
        found = _kept(items, matching)
        series = tuple(
            Series(labels=labels, values=_on_grid(item.get("values"), start=start, step=step, count=count))
            for labels, item in found[:SERIES_MOST]
        )
        return SeriesRange(start=start, step=step, series=series, more=len(found) - len(series))

    def rules(self, name: str) -> tuple[AlertingRule, ...]:
        """Give the alerting rules of this name, as loaded; raises PrometheusError.

        A Prometheus older than 2.53 leaves the name unread and gives all its rules: they are sifted here.
        """
        query = urlencode({"type": "alert", "rule_name[]": name}, errors="replace")
        data = self._data("rules", self._call("GET", f"rules?{query}", None))
        groups = data.get("groups") if isinstance(data, dict) else None
        if not isinstance(groups, list):
            raise PrometheusError("Prometheus' list of rules is not one", lasting=True)
        listed = (
            rule
            for group in groups
            if isinstance(group, dict) and isinstance(group.get("rules"), list)
            for rule in group["rules"]
        )
        found = (
            AlertingRule(
                name=name,
                expression=_clean(rule["query"], EXPRESSION_MOST + 1),
                labels=_labels(rule.get("labels")),
            )
            for rule in listed
            if isinstance(rule, dict) and rule.get("name") == name and isinstance(rule.get("query"), str)
        )
        return tuple(rule for rule, _ in zip(found, range(RULES_MOST), strict=False))

    def _ask(self, path: str, form: Mapping[str, str]) -> object:
        content = urlencode({**form, "timeout": f"{self._timeout:g}s"}, errors="replace").encode()
        return self._data(path, self._call("POST", path, content))

    def _call(self, method: str, path: str, content: bytes | None) -> Answer:
        if self._over is not None and self._over():
            raise PrometheusError("there was no time left to ask Prometheus")
        headers = dict(self._headers)
        if content is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            return self._client.call(
                method,
                self._root + path,
                headers=headers,
                content=content,
                within=self._timeout,
                most=ANSWER_BYTES,
            )
        except AnswerTooLarge as error:
            raise PrometheusError(f"Prometheus: {error}", lasting=True, too_large=True) from error
        except CallFailed as error:
            raise PrometheusError(f"Prometheus: {error}") from error

    def _data(self, path: str, answer: Answer) -> object:
        try:
            body = answer.json()
        except CallFailed as error:
            raise _refused(path, answer.status, "") from error
        said = body if isinstance(body, dict) else {}
        if answer.status != _OK or said.get("status") != "success":
            raise _refused(path, answer.status, said.get("error"))
        return said.get("data")


def _refused(path: str, status: int, said: object) -> PrometheusError:
    text = " ".join(_clean(said).split())[:_SAID_MOST] if isinstance(said, str) else ""
    if status in _CREDENTIALS:
        text = "its credentials are missing or wrong; set the variable named by prometheus_token_env"
    elif status == _OK and not text:
        text = "with something that Prometheus does not say"
    message = f"Prometheus answered {path} with {status}{f': {text}' if text else ''}"
    return PrometheusError(message, lasting=status in _LASTING, locked=status in _CREDENTIALS)


def _authorization(credentials: str) -> str:
    """`user:password` is Basic; a bearer token has no colon (RFC 6750)."""
    credentials = credentials.strip()
    if ":" in credentials:
        return "Basic " + base64.b64encode(credentials.encode("utf-8", "replace")).decode()
    return f"Bearer {credentials}"


def _bounded(expression: str) -> str:
    if len(expression) > EXPRESSION_MOST:
        raise PrometheusError(f"the expression has more than {EXPRESSION_MOST} characters", lasting=True)
    return expression


def _stamp(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"


def _step(window: timedelta, step: timedelta) -> timedelta:
    least = math.ceil(max(window.total_seconds(), 0) / (POINTS_MOST - 1))
    return timedelta(seconds=max(1, least, math.ceil(step.total_seconds())))


def _result(data: object) -> tuple[str, list[object]]:
    if isinstance(data, dict):
        kind, items = data.get("resultType"), data.get("result")
        if isinstance(kind, str) and isinstance(items, list):
            return _clean(kind)[:20], items
    raise PrometheusError("Prometheus' answer has no result")


def _kept(
    items: list[object], matching: Mapping[str, str] | None
) -> list[tuple[dict[str, str], dict[str, object]]]:
    """Give the items that fit with their labels, in the order of the labels, whatever order they came in."""
    found = [(_labels(item.get("metric")), item) for item in items if isinstance(item, dict)]
    if matching:
        found = [(labels, item) for labels, item in found if agree(labels, matching)]
    return sorted(found, key=lambda one: sorted(one[0].items()))


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    texts = ((_clean(name), _clean(text)) for name, text in value.items() if isinstance(text, str))
    return dict(sorted(texts)[:_LABELS_MOST])


def _clean(text: str, most: int = _TEXT_MOST) -> str:
    return _UNKEPT.sub("�", text[:most])


def _number(value: object) -> float | None:
    """Prometheus writes numbers as texts, so that NaN and infinity have a place in JSON."""
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _pair_value(pair: object) -> float | None:
    return _number(pair[1]) if isinstance(pair, list) and len(pair) == 2 else None  # noqa: PLR2004 -- a pair


def _on_grid(pairs: object, *, start: datetime, step: timedelta, count: int) -> tuple[float | None, ...]:
    """Put each point on its place of the grid; what lies beside or beyond it is left out."""
    values: list[float | None] = [None] * count
    first, width = start.timestamp(), step.total_seconds()
    for pair in pairs if isinstance(pairs, list) else ():
        at = _number(pair[0]) if isinstance(pair, list) and len(pair) == 2 else None  # noqa: PLR2004 -- a pair
        if at is None:
            continue
        index = round((at - first) / width)
        if 0 <= index < count and abs(first + index * width - at) < 1:
            values[index] = _pair_value(pair)
    return tuple(values)
