"""The durations of incidents, worked out once: an incident's last event says whether they are still right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from incident_bot.core.milestones import Measured

REMEMBERED_MOST: Final = 50_000


@dataclass(slots=True)
class Measures:
    """What was worked out: by number, with the number of the incident's last event; shared by all threads."""

    known: dict[int, tuple[int, Measured]] = field(default_factory=dict)

    def of(self, number: int, seq: int) -> Measured | None:
        """Give what is known of an incident whose last event this is."""
        at, found = self.known.get(number, (-1, None))
        return found if at == seq else None

    def keep(self, number: int, seq: int, found: Measured) -> None:
        """Remember it."""
        if len(self.known) >= REMEMBERED_MOST:
            self.known.clear()
        self.known[number] = (seq, found)
