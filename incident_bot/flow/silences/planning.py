"""Which silences an incident would get at the sources of its alerts, and what they would hide now. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from incident_bot.config.revision import SourceConfig
from incident_bot.core.errors import Refused
from incident_bot.core.incident.paging import joined
from incident_bot.core.model import Episode, Incident, Status, matchers_text
from incident_bot.core.silencing import SETS_MOST, Hidden, Wanted, hidden, matchers_of, told
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.sight import visible
from incident_bot.sources import SOURCES
from incident_bot.sources.base import Silencer
from incident_bot.store import alerts
from incident_bot.store.transaction import Tx

LASTING: Final = ("30m", "1h", "2h", "4h", "8h", "1d", "7d")
"""How long a silence may last, where people choose from a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would be silenced."""

    wanted: tuple[Wanted, ...]
    hidden: Hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What people read before they silence something."""

    incident: str
    matchers: tuple[str, ...]
    """One line a silence, as Alertmanager writes it."""
    blast: str
    refused: str | None = None
    """Why nothing can be silenced, and what to do instead."""


def silencer_of(current: Current, name: str) -> tuple[Silencer, SourceConfig] | None:
    """Give what makes silences at a source of this name; None where that cannot be done."""
    source = next((one for one in current.revision.sources if one.name == name), None)
    if source is None or not source.api_url:
        return None
    silencer = SOURCES[source.kind].silencer
    return (silencer, source) if silencer is not None else None


def propose(current: Current, tx: Tx, incident: Incident) -> Proposal:
    """Give the silences of an incident's alerts: of those that fire, or of all where none does; raises Refused."""
    own = alerts.episodes_of_incident(tx, incident.id)
    firing = [episode for episode in own if episode.status is Status.FIRING]
    wanted = _wanted(current, incident, firing or own)
    around = {
        episode.id: episode
        for episode in (
            *firing,
            *(one for name in {name for name, _ in wanted} for one in alerts.open_of_source(tx, name)),
        )
    }
    return Proposal(wanted=wanted, hidden=hidden(wanted, around.values(), incident.id))


def preview(context: Context, number: int) -> Preview:
    """Say what a silence of this incident would hide now; raises NotFound."""
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        return previewed(context.live.current, tx, incident)


def previewed(current: Current, tx: Tx, incident: Incident) -> Preview:
    """Say what a silence of this incident would hide now, or why there can be none."""
    try:
        found = propose(current, tx, incident)
    except Refused as refused:
        return Preview(incident=incident.name, matchers=(), blast="", refused=str(refused))
    lines = tuple(f"{source}: {{{matchers_text(matchers)}}}" for source, matchers in found.wanted)
    return Preview(incident=incident.name, matchers=lines, blast=told(found.hidden))


def _wanted(current: Current, incident: Incident, episodes: Iterable[Episode]) -> tuple[Wanted, ...]:
    found: dict[Wanted, None] = {}
    elsewhere: dict[str, None] = {}
    for episode in episodes:
        known = silencer_of(current, episode.source)
        if known is None:
            elsewhere[episode.source] = None
            continue
        routed = current.ways.of(episode).routed
        route = next((one for one in current.revision.routing.routes if one.place == routed.place), None)
        asked = [matcher.name for matcher in route.match] if route else []
        matchers = matchers_of(episode.labels, routed.group_by, asked, known[1].ignore_labels)
        if not matchers:
            message = (
                f"An alert of {incident.name} has no label that tells it from others, and a silence without one would "
                "hide everything. Silence it at its source."
            )
            raise Refused(message)
        found[episode.source, matchers] = None
    if not found:
        raise Refused(_nothing(incident, list(elsewhere)))
    if len(found) > SETS_MOST:
        message = (
            f"The alerts of {incident.name} are of {len(found)} groups, more than {SETS_MOST}: as many silences are a "
            "matter of Alertmanager's own page. `snooze 2h` stops the pages of this incident."
        )
        raise Refused(message)
    return tuple(found)


def _nothing(incident: Incident, sources: list[str]) -> str:
    if not sources:
        return f"{incident.name} has no alerts, so there is nothing to silence. `snooze 2h` stops its pages."
    return (
        f"The alerts of {incident.name} come from {joined(sources)}, where nothing can be silenced from here: an "
        "Alertmanager needs its `api_url` in rotations/routing.yaml. `snooze 2h` stops the pages of this incident."
    )
