"""Requests as Alertmanager sends them, whole and ready for the socket, so that making one costs next to nothing.

`new1`, `new50`: a group never seen before, with alerts never seen before, that join some twenty open incidents.
`rep1`, `rep50`: one of the groups sent before, word for word. `open1`: a new alert that opens an incident of its own.
`storm1`: the same, the mildest severity first and the worst last, in turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count, cycle, islice

NAMES = 20
SHAPES = ("new1", "rep1", "new50", "rep50", "open1")
STORM = ("info", "warning", "critical")
"""The severities of a storm, as they come."""
POOL = {1: 500, 50: 100}
"""How many groups a repeating sender has."""


def size(shape: str) -> int:
    """How many alerts one request of this shape has."""
    return 50 if shape.endswith("50") else 1


def requests(shape: str, *, port: int, first: int) -> Iterator[bytes]:
    """Give requests without end; new ones count their alerts from `first`."""
    alerts = size(shape)
    if shape.startswith("storm"):
        makes = [Template(alerts, port=port, own_incident=True, severity=severity) for severity in STORM]
        return (makes[number % len(makes)](first + number * alerts) for number in count())
    make = Template(alerts, port=port, own_incident=shape.startswith("open"))
    if shape.startswith("rep"):
        return cycle(pool(shape, port=port, first=first))
    return (make(first + number * alerts) for number in count())


def pool(shape: str, *, port: int, first: int) -> list[bytes]:
    """Give the groups that a repeating sender repeats."""
    alerts = size(shape)
    make = Template(alerts, port=port, own_incident=False)
    return [make(first + number * alerts) for number in islice(count(), POOL[alerts])]


class Template:
    """One request with places for numbers; `%` on bytes is the fastest formatting there is."""

    def __init__(self, alerts: int, *, port: int, own_incident: bool, severity: str = "critical") -> None:
        """Prepare requests of so many alerts for a server on this port."""
        self._alerts = alerts
        self._own = own_incident
        body = json.dumps(_delivery(alerts, severity), separators=(",", ":")).replace("%", "%%")
        self._body = body.replace("@NUMBER@", "%012d").replace("@NAME@", "%012d").encode()
        length = len(self._body % self._numbers(0))
        self._head = (
            "POST /webhooks/alertmanager HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\nUser-Agent: Alertmanager/0.25.0\r\n"
            f"Content-Length: {length}\r\nContent-Type: application/json\r\n\r\n"
        ).encode()

    def __call__(self, first: int) -> bytes:
        """Give the request whose alerts are numbered from `first`."""
        return self._head + self._body % self._numbers(first)

    def _numbers(self, first: int) -> tuple[int, ...]:
        name = first if self._own else first // self._alerts % NAMES
        numbers: list[int] = []
        for number in range(first, first + self._alerts):
            # As they stand in the body: alertname, instance, fingerprint.
            numbers += (name, number, number)
        return (*numbers, first)


def _delivery(alerts: int, severity: str) -> dict[str, object]:
    one = {
        "status": "firing",
        "labels": {
            "alertname": "Bench@NAME@",
            "cluster": "eu-1",
            "instance": "host-@NUMBER@:9100",
            "job": "node",
            "mountpoint": "/",
            "service": "checkout",
            "severity": severity,
        },
        "annotations": {
            "description": "Less than 10% left on / of this machine, and it goes on filling at the present rate",
            "runbook_url": "https://runbooks.example.com/disk-filling",
            "summary": "Disk is filling",
        },
        "startsAt": "2026-11-21T00:13:04.030757471Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=disk&g0.tab=1",
        "fingerprint": "beef@NUMBER@",
    }
    return {
        "receiver": "incident-bot",
        "status": "firing",
        "alerts": [one] * alerts,
        "groupLabels": {"alertname": "Bench"},
        "commonLabels": {"cluster": "eu-1", "job": "node", "severity": severity},
        "commonAnnotations": {"summary": "Disk is filling"},
        "externalURL": "http://alertmanager.example.com:9093",
        "version": "4",
        "groupKey": '{}:{alertname="Bench", instance="@NUMBER@"}',
        "truncatedAlerts": 0,
    }
