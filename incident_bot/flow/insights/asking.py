"""What somebody wants to know: a span and filters, as they stand in an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.errors import Refused

SPAN: Final = timedelta(days=28)
"""What is told of where nobody says from when."""
LONGEST: Final = timedelta(days=800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A span and filters; incidents belong to the span in which they opened."""

    start: datetime
    end: datetime
    team: str | None = None
    service: str | None = None
    severity: str | None = None
    zone: ZoneInfo
    """In which weeks begin."""

    @property
    def filtered(self) -> bool:
        """Say whether not everything is wanted."""
        return any((self.team, self.service, self.severity))

    @property
    def days(self) -> int:
        """Give how many days the span has."""
        return max(1, round((self.end - self.start) / timedelta(days=1)))


def asked(
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    team: str | None = None,
    service: str | None = None,
    severity: str | None = None,
    zone: ZoneInfo,
    now: datetime,
) -> Asked:
    """Give what is wanted: the four weeks until now, unless it says otherwise; raises Refused for a wrong span."""
    finish = end or now
    begin = start or finish - SPAN
    if not timedelta(0) < finish - begin <= LONGEST:
        message = f"`to` must come after `from`, and within {LONGEST.days} days of it."
        raise Refused(message)
    return Asked(
        start=begin,
        end=finish,
        team=team or None,
        service=service or None,
        severity=severity or None,
        zone=zone,
    )
