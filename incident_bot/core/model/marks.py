"""The key times of an incident, by their names."""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """One key time; in this order they are told."""

    IMPACT_STARTED = "impact_started"
    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    DECLARED = "declared"
    LED = "led"
    FIRST_UPDATE = "first_update"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """How people read it: `First update`."""
        return self.value.replace("_", " ").capitalize()

    @property
    def is_end(self) -> bool:
        """Say whether it comes only once the incident is over."""
        return self in (Mark.RESOLVED, Mark.CLOSED)
