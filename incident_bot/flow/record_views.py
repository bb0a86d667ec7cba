"""What readers get of an incident's record: plain values with the field names of the HTTP interface."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneView:
    """One key time."""

    milestone: str
    """The word by which it is corrected: `mitigated`."""
    name: str
    at: datetime | None
    source: str
    author: str | None
    author_name: str | None
    corrected: bool
    recorded: datetime | None
    """What the record says, where a person corrected it."""
    reason: str | None
    measured: bool = False
    """Whether it was read from a series of Prometheus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuresView:
    """The durations between key times, in seconds; None where an end of one is not known."""

    time_to_detect: float | None
    time_to_acknowledge: float | None
    time_to_mitigate: float | None
    time_to_resolve: float | None
    excluded: str | None
    """Why the incident is in no figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbyView:
    """One change beside an incident."""

    id: int
    kind: str
    what: str
    service: str | None
    who: str | None
    version: str | None
    url: str | None
    at: datetime
    minutes_before: float
    """Before the trouble began; less than nothing where it came after."""
    why: str
