"""When an incident's expressions are looked at: as it opens, as its phase changes, as it ends, and when somebody asks.

Writes a row in the transaction of the decision; nobody waits for what comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from incident_bot.core.model import Event, Incident, Kind
from incident_bot.flow.configure import Current
from incident_bot.store.graphs import NewCapture


def is_set_up(current: Current) -> bool:
    """Say whether any source names its Prometheus."""
    return any(source.prometheus_url for source in current.revision.sources)


def owed(current: Current, incident: Incident, events: Sequence[Event], *, new: bool) -> list[NewCapture]:
    """Give the look that a decision calls for: none for a drill, none where no Prometheus is named."""
    if incident.drill or not is_set_up(current):
        return []
    kinds = {event.kind for event in events}
    if new:
        moment, what = "opened", "opened"
    elif Kind.RESOLVED in kinds:
        moment, what = "resolved", "resolved"
    elif Kind.PHASE_CHANGED in kinds:
        moment, what = "phase", incident.phase.value
    else:
        return []
    return [NewCapture(incident_id=incident.id, moment=moment, what=what, by="bot")]
