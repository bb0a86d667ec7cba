"""Says by which silence of ours an alert is silenced, as far as that is known. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from incident_bot.core.incident.paging import shown
from incident_bot.core.model import Episode, Flag, incident_name
from incident_bot.core.silencing import covers
from incident_bot.store import silences
from incident_bot.store.transaction import Tx


def silenced_by(tx: Tx, episodes: Iterable[Episode], *, now: datetime) -> Mapping[int, str]:
    """Give the silence that hides an alert, by the alert's number: `by silence 1 of INC-42 (ana, until 05:00 UTC)`.

    What is silenced otherwise than by us is not among them.
    """
    silenced = [episode for episode in episodes if Flag.SILENCED in episode.flags]
    held = {name: silences.holding(tx, name) for name in {episode.source for episode in silenced}}
    found: dict[int, str] = {}
    for episode in silenced:
        for row in held[episode.source]:
            if covers(row.matchers, episode.labels):
                until = shown(row.held_until or row.ends_at, now)
                name = incident_name(row.incident_id)
                found[episode.id] = f"by silence {row.number} of {name} ({row.asked_by}, until {until})"
    return found
