"""Past incidents that are like one, and what was to be done after them: for its page, the chat and the post-mortem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.model import Incident, ItemKind, Labels, Paging, Phase, incident_name
from incident_bot.core.similar import Known, Promise, Similar, shared_labels, similar
from incident_bot.flow.context import Context
from incident_bot.flow.sight import seen, visible
from incident_bot.flow.slack.names import called
from incident_bot.store import insights
from incident_bot.store.transaction import Tx

EPISODES_LOOKED_AT: Final = 500
"""Of each alert so many of its newest episodes on incidents are looked at."""
LOOKED_AT: Final = 40
"""So many of the newest incidents with one of the alerts, and half as many of the service, are compared."""
ALERTS_MOST: Final = 5
_TELLS_APART: Final = frozenset(
    {"alertname", "severity", "instance", "pod", "host", "node", "container", "service"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseView:
    """A follow-up that is not done."""

    number: int
    text: str
    owner: str | None
    owner_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarView:
    """One past incident that is like this one."""

    id: str
    title: str
    severity: str
    opened_at: datetime
    why: str
    promises: tuple[PromiseView, ...]


def similar_to(context: Context, number: int) -> tuple[SimilarView, ...]:
    """Give the past incidents that are most like one, without what the seer may not see; raises NotFound."""
    with context.store.read() as tx:
        found = compared(context, tx, visible(tx, context.seer, number))
    return tuple(
        SimilarView(
            id=incident_name(one.incident.number),
            title=one.incident.title,
            severity=one.incident.severity,
            opened_at=one.incident.opened_at,
            why=one.why,
            promises=tuple(
                PromiseView(
                    number=promise.number,
                    text=promise.text,
                    owner=promise.owner,
                    owner_name=called(context, promise.owner) if promise.owner else None,
                )
                for promise in one.promises
            ),
        )
        for one in found
    )


def promised(found: Iterable[SimilarView]) -> tuple[str, ...]:
    """Give what was to be done after these incidents, one line each."""
    return tuple(
        f"we said we would fix this: {promise.text}"
        f"{f' ({promise.owner_name})' if promise.owner_name else ''} – {one.id}, {one.why}"
        for one in found
        for promise in one.promises
    )


def compared(context: Context, tx: Tx, incident: Incident, *, public: bool = False) -> tuple[Similar, ...]:
    """Give the past incidents that are most like one; with `public`, none that is private, whoever asks."""
    labels = insights.labels_of(tx, [incident.id]).get(incident.id, [])
    names = insights.names_of(tx, incident.id)[:ALERTS_MOST]
    had = insights.incidents_with(tx, names, before=incident.id, each=EPISODES_LOOKED_AT)
    near = sorted(had, reverse=True)[:LOOKED_AT]
    if incident.service is not None:
        near += insights.of_service(tx, incident.service, before=incident.id, limit=LOOKED_AT // 2)
    past = [
        one
        for one in seen(tx, context.seer, insights.whole(tx, sorted(set(near))))
        if not (
            one.drill
            or one.paging is Paging.MERGED
            or one.phase is Phase.CANCELLED
            or (public and one.private)
        )
    ]
    told = insights.labels_of(tx, [one.id for one in past])
    return similar(
        _known(incident, names, labels),
        [_known(one, _names(told.get(one.id, [])), told.get(one.id, [])) for one in past],
    )


def _names(labels: Iterable[Labels]) -> list[str]:
    return [name for one in labels if (name := one.get("alertname"))]


def _known(incident: Incident, names: Iterable[str], labels: list[Labels]) -> Known:
    shared = [{name: value for name, value in one.items() if name not in _TELLS_APART} for one in labels]
    return Known(
        number=incident.id,
        title=incident.title,
        severity=incident.severity,
        service=incident.service,
        alerts=frozenset(names),
        labels=shared_labels(shared),
        opened_at=incident.opened_at,
        promises=tuple(
            Promise(number=item.number, text=item.text, owner=item.owner)
            for item in incident.items
            if item.kind is ItemKind.FOLLOWUP and item.is_open
        ),
    )
