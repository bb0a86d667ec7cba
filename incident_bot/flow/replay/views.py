"""What a replay brought, as values for text, JSON and a chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident_bot.flow.replay.recordings import Skipped

Hours = tuple[int, ...]
"""Pages by hour of the day, 24 figures; each on the clock of the person who was paged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedView:
    """One page: one person told of one step, however many channels it took."""

    at: datetime
    local: str
    """On the person's own clock: `2026-03-03 04:00 CET`."""
    night: bool
    person: str
    name: str
    channels: tuple[str, ...]
    incident: str
    title: str
    severity: str
    step: int | str
    loop: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """What one person got."""

    person: str
    name: str
    time_zone: str
    pages: int
    night_pages: int
    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyView:
    """What one alert, by its name, brought; a page counts for every alert of its incident."""

    alert: str
    firings: int
    incidents: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceView:
    """One person's pages in the replay and in what really happened."""

    person: str
    name: str
    pages: int
    happened: int
    difference: int
    """Above zero: paged more often by the replay."""
    night_difference: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDifferenceView:
    """One alert's pages in the replay and in what really happened."""

    alert: str
    pages: int
    happened: int
    difference: int
    """Above zero: more pages by the replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedView:
    """The replay beside what really happened in the same time."""

    incidents: int
    pages: int
    night_pages: int
    hours: Hours
    people: tuple[DifferenceView, ...]
    alerts: tuple[AlertDifferenceView, ...]
    """Those that paged on either side, the largest increase first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """What a replay brought in `[start, end)`."""

    start: datetime
    end: datetime
    deliveries: int
    skipped: tuple[Skipped, ...]
    alerts: int
    incidents: int
    pages: int
    night_pages: int
    hours: Hours
    people: tuple[PersonView, ...]
    """Whoever was paged most comes first."""
    noisiest: tuple[NoisyView, ...]
    """Every alert that paged, and more up to twenty."""
    paged: tuple[PagedView, ...]
    """Every page, in order."""
    happened: ComparedView | None = None
