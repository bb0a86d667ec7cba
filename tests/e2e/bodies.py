"""Bodies as Alertmanager sends them, made to order: version 4 of its webhook, one group each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

NEVER = "0001-01-01T00:00:00Z"
Told = dict[str, object]


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, as Alertmanager writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fingerprint(labels: Mapping[str, str]) -> str:
    told = json.dumps(sorted(labels.items())).encode()
    return hashlib.blake2b(told, digest_size=8).hexdigest()


def alert(
    name: str,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    annotations: Mapping[str, str] | None = None,
    **labels: str,
) -> Told:
    """One alert of a body; it is resolved when it has an end."""
    named = {"alertname": name, **labels}
    return {
        "status": "resolved" if ends_at else "firing",
        "labels": named,
        "annotations": dict(annotations or {"summary": f"{name} fires"}),
        "startsAt": stamp(starts_at or datetime.now(UTC) - timedelta(minutes=1)),
        "endsAt": stamp(ends_at) if ends_at else NEVER,
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
        "fingerprint": fingerprint(named),
    }


def delivery(
    alerts: Sequence[Told], *, group: str, truncated: int = 0, receiver: str = "incident-bot"
) -> Told:
    """One message about one group."""
    firing = any(one["status"] == "firing" for one in alerts)
    return {
        "receiver": receiver,
        "status": "firing" if firing else "resolved",
        "alerts": list(alerts),
        "groupLabels": {"group": group},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com:9093",
        "version": "4",
        "groupKey": f'{{}}:{{group="{group}"}}',
        "truncatedAlerts": truncated,
    }


def encoded(body: object) -> bytes:
    return json.dumps(body).encode()
