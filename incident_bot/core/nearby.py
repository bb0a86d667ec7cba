"""What changed shortly before an incident: which deploys and configuration changes may have to do with it, and why.

Nearness is no guilt: a change is named with the reason why it stands there, and a person judges. Reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Episode, Incident

LOOKED_BACK: Final = timedelta(hours=2)
"""How long before the trouble began a change may lie."""
NAMED_MOST: Final = 10
OWN: Final = "incident-bot"
"""Who changed the bot's own configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """One deploy or configuration change, as a pipeline told it; `id` is 0 until the store has given one."""

    id: int = 0
    kind: str
    """`deploy`, `config`, `flag`, `migration`, `infrastructure` or `other`."""
    what: str
    service: str | None = None
    team: str | None = None
    who: str | None = None
    version: str | None = None
    url: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    at: datetime
    told_by: str
    """The token or person that told of it; `incident-bot` for its own configuration."""
    told_at: datetime
    key: str | None = None
    """The idempotency key under which it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """A change that stands beside an incident."""

    change: ChangeEvent
    before: timedelta
    """How long before the trouble began; less than nothing where it came after, before anybody knew."""
    why: str


def began(incident: Incident, episodes: Iterable[Episode]) -> datetime:
    """Give when the trouble began: with its earliest alert, or with its opening."""
    return min((incident.opened_at, *(episode.starts_at for episode in episodes)))


def nearby(
    changes: Iterable[ChangeEvent],
    incident: Incident,
    episodes: Sequence[Episode],
    owners: Mapping[str, str],
) -> tuple[Nearby, ...]:
    """Give the changes of the last two hours that fit the incident: the closest fit first, then the latest.

    `owners` says which team has which service. A change may fit by service, by team, by labels; one that names none
    of them fits everything, and so does the bot's own configuration.
    """
    start = began(incident, episodes)
    found = []
    for change in changes:
        if not start - LOOKED_BACK <= change.at <= incident.opened_at:
            continue
        fit = _fit(change, incident, episodes, owners)
        if fit is not None:
            rank, why = fit
            one = Nearby(change=change, before=start - change.at, why=why)
            found.append((rank, start - change.at, -change.id, one))
    found.sort(key=lambda entry: entry[:3])
    return tuple(one for *_, one in found[:NAMED_MOST])


def _fit(
    change: ChangeEvent, incident: Incident, episodes: Sequence[Episode], owners: Mapping[str, str]
) -> tuple[int, str] | None:
    if change.told_by == OWN:
        return 4, "the bot's own configuration"
    if _elsewhere(change, episodes):
        return None
    services = {incident.service, *(episode.service for episode in episodes)} - {None}
    if change.service in services:
        return 0, f"the same service, {change.service}"
    team = change.team or owners.get(change.service or "")
    if team == incident.team:
        return 1, f"the same team, {team}"
    shared = sorted(
        name
        for name, value in change.labels.items()
        if any(episode.labels.get(name) == value for episode in episodes)
    )
    if shared:
        return 2, f"the same {', '.join(f'{name}={change.labels[name]}' for name in shared)}"
    if change.service or team or change.labels:
        return None
    return 3, "it names no service"


def _elsewhere(change: ChangeEvent, episodes: Sequence[Episode]) -> bool:
    """Say whether a label rules it out: every alert that has the label has another value of it."""
    for name, value in change.labels.items():
        told = {episode.labels[name] for episode in episodes if name in episode.labels}
        if told and value not in told:
            return True
    return False
