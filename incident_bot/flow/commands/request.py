"""One line that changes an incident, on its way to a command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from incident_bot.core.model import Incident
from incident_bot.flow.directory import Directories
from incident_bot.flow.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One line to be turned into a command, and where it was said."""

    ledger: Ledger
    incident: Incident
    rest: str
    actor: str
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this person says clock times."""
        person = self.ledger.current.revision.people.get(self.actor)
        return ZoneInfo(person.time_zone if person else "UTC")

    @property
    def directories(self) -> Directories:
        """Who stands behind a target, under the revision in force."""
        return self.ledger.directories
