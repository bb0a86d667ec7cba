"""Values to store: one of each, changed by keyword."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_bot.core.effects import Moment, Page, PageKind
from incident_bot.core.model import Episode, Event, Incident, Kind, Progress, Status, Urgency
from incident_bot.store import Store, incidents
from incident_bot.store.outbox import NewMessage

NOW = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def some_episode(number: int = 1, **changes: Any) -> Episode:
    return replace(
        Episode(
            source="alertmanager",
            key=f"{number:032x}",
            fingerprint=f"{number:016x}",
            labels={"alertname": "HighLatency", "instance": f"host{number}:9100"},
            annotations={"summary": "Latency is above 1 s"},
            status=Status.FIRING,
            starts_at=NOW,
            opened_at=NOW,
            updated_at=NOW,
            group_hash="g1",
        ),
        **changes,
    )


def some_incident(key: str = "payments/HighLatency", **changes: Any) -> Incident:
    return replace(
        Incident(
            key=key,
            title="Latency is above 1 s",
            severity="critical",
            peak="critical",
            team="payments",
            progress=Progress(started_at=NOW),
            opened_at=NOW,
            opened_by="alertmanager",
        ),
        **changes,
    )


def some_event(kind: Kind = Kind.NOTE, **data: Any) -> Event:
    return Event(kind=kind, actor="alice", source="api", happened_at=NOW, data=data)


def some_page(person: str = "alice", **changes: Any) -> Page:
    return replace(
        Page(
            person=person,
            via="mail",
            kind=PageKind.STEP,
            epoch=1,
            loop=0,
            step=0,
            due_at=NOW,
            urgency=Urgency.HIGH,
            reason="on call",
        ),
        **changes,
    )


def some_message(key: str = "m1", **changes: Any) -> NewMessage:
    return replace(
        NewMessage(key=key, via="slack", recipient="#payments", moment=Moment.OPENED, due_at=NOW), **changes
    )


def stored_incident(store: Store, key: str = "payments/HighLatency", **changes: Any) -> Incident:
    return stored_change(store, some_incident(key, **changes), [some_event(Kind.OPENED)])


def stored_change(store: Store, incident: Incident, events: Sequence[Event] = ()) -> Incident:
    with store.write() as tx:
        return incidents.save(tx, [(incident, events)], now=NOW)[0]
