"""An episode on its way to an incident, to a channel, or to wait; `flow.triage` sends it there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.incident import AttachedAlert
from incident_bot.core.model import Episode
from incident_bot.core.routing import title


@dataclass(slots=True)
class Placed:
    """An episode on its way: what came in, and how it was routed."""

    episode: Episode
    key: str | None = None
    """The incident key, when it belongs on an incident."""
    held_until: datetime | None = None
    notify: str | None = None
    """The incident key for a `notify` message."""


def runbook_of(items: Sequence[Placed]) -> str | None:
    """Give the first runbook that one of these has."""
    return next((item.episode.runbook for item in items if item.episode.runbook), None)


def incidents_of(episodes: Sequence[Episode]) -> dict[int, list[Episode]]:
    """Give the episodes that are on an incident, by its number."""
    found: dict[int, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if episode.incident_id:
            found[episode.incident_id].append(episode)
    return found


def attached(episode: Episode) -> AttachedAlert:
    """Give what the incident's events keep of an episode."""
    return AttachedAlert(
        episode_id=episode.id,
        title=title(episode.labels, episode.annotations),
        severity=episode.severity or "",
        fingerprint=episode.fingerprint,
    )
