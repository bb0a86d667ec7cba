"""Lists of alerts: the one behind the numbers of insights, each time that they fired, and what tells each apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from incident_bot.core.apart import apart
from incident_bot.core.model import Episode
from incident_bot.flow.context import Context
from incident_bot.flow.queries import alert_view
from incident_bot.flow.sight import hidden
from incident_bot.flow.views import AlertView
from incident_bot.store import listing
from incident_bot.store.listing import WantedAlerts
from incident_bot.store.transaction import Tx

__all__ = ["WantedAlerts", "alerts", "told_apart"]

RowT = TypeVar("RowT")


def alerts(
    context: Context, wanted: WantedAlerts, *, before: int | None = None, limit: int = 50
) -> list[AlertView]:
    """List the episodes that satisfy every condition, the newest first."""
    with context.store.read() as tx:

        def read(position: int | None, most: int) -> list[Episode]:
            return listing.episodes(tx, wanted, before_id=position, limit=most)

        found = _filled(read, lambda batch: _shown(context, tx, batch), lambda one: one.id, before, limit)
    return [alert_view(episode) for episode in found]


def told_apart(shown: Sequence[AlertView]) -> dict[int, str]:
    """Give what tells each from the others of its title that are shown with it, by its number; empty where nothing."""
    said = apart([(one.title, one.labels) for one in shown])
    return {one.id: text for one, text in zip(shown, said, strict=True)}


def _shown(context: Context, tx: Tx, batch: list[Episode]) -> list[Episode]:
    unseen = hidden(tx, context.seer, {one.incident_id for one in batch if one.incident_id})
    return [one for one in batch if one.incident_id not in unseen]


def _filled(
    read: Callable[[int | None, int], list[RowT]],
    visible: Callable[[list[RowT]], list[RowT]],
    position: Callable[[RowT], int],
    before: int | None,
    limit: int,
) -> list[RowT]:
    """Read on until the page is full: those who see less have pages as full as everybody's."""
    found: list[RowT] = []
    while len(found) < limit:
        most = limit - len(found)
        batch = read(before, most)
        found += visible(batch)
        if len(batch) < most:
            break
        before = position(batch[-1])
    return found
