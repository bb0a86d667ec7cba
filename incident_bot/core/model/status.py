"""What an incident says to the public, and the states that a component of the status page can have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class ComponentState(StrEnum):
    """The five usual states, the best first; the words are those of Statuspage."""

    OPERATIONAL = "operational"
    UNDER_MAINTENANCE = "under_maintenance"
    DEGRADED_PERFORMANCE = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"

    @property
    def badness(self) -> int:
        """How bad it is: a worse state has a larger number."""
        return _ORDER.index(self)


_ORDER: Final = tuple(ComponentState)
TROUBLES: Final = (
    ComponentState.DEGRADED_PERFORMANCE,
    ComponentState.PARTIAL_OUTAGE,
    ComponentState.MAJOR_OUTAGE,
)
"""The states that an incident can put a component in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """That an incident stands on the status page, and how; nobody but a person puts it there."""

    title: str
    components: tuple[str, ...]
    """Keys of `status.yaml`."""
    state: ComponentState
    since: datetime
    """When it was published."""
