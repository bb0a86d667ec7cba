"""The key times of an incident, read: what the record says, what people corrected, the durations between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from incident_bot.core.milestones import KINDS, Measured, Milestone, measured, milestones
from incident_bot.core.model import Episode, Incident, Mark
from incident_bot.core.timeline import entries
from incident_bot.flow.record_views import MeasuresView, MilestoneView
from incident_bot.store import incidents
from incident_bot.store.transaction import Tx


def found(tx: Tx, incident: Incident, episodes: Sequence[Episode]) -> tuple[Milestone, ...]:
    """Give every key time, in the order of `Mark`; redacted, as everything that is read."""
    return milestones(incident, entries(incidents.of_kinds(tx, incident.id, KINDS)), episodes)


def views(times: Sequence[Milestone], names: Mapping[str, str]) -> tuple[MilestoneView, ...]:
    """Give the key times with the names of their authors."""
    return tuple(
        MilestoneView(
            milestone=mark.value,
            name=one.name,
            at=one.at,
            source=one.source,
            author=one.author,
            author_name=names.get(one.author, one.author) if one.author else None,
            corrected=one.corrected,
            recorded=one.recorded,
            reason=one.reason,
            measured=one.measured,
        )
        for mark, one in zip(Mark, times, strict=True)
    )


def measures(incident: Incident, times: Sequence[Milestone]) -> MeasuresView:
    """Give the durations between them."""
    counted: Measured = measured(incident, times)
    return MeasuresView(
        time_to_detect=_seconds(counted.to_detect),
        time_to_acknowledge=_seconds(counted.to_acknowledge),
        time_to_mitigate=_seconds(counted.to_mitigate),
        time_to_resolve=_seconds(counted.to_resolve),
        excluded=counted.excluded,
    )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
