"""What counts: incidents with how long they took, by group and by week (definitions in `docs/howto/insights.md`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.insights.figures import Spread, spread
from incident_bot.core.milestones import Measured
from incident_bot.core.walltime import to_instant

WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One incident that is counted."""

    number: int
    opened_at: datetime
    severity: str
    team: str
    service: str | None
    alerts: frozenset[str]
    """The names of its alerts; none where a person declared it."""
    measured: Measured
    """Its durations; none where it is in no figure (a drill, cancelled, taken by nobody yet)."""
    acted: bool | None
    """Whether somebody had to act (`was_acted`); None where that is not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long the incidents of one group took."""

    key: str
    incidents: int
    """All of them, also those that are in no figure yet."""
    detect: Spread | None
    acknowledge: Spread | None
    mitigate: Spread | None
    resolve: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The incidents that opened in one ISO week of a zone: Monday to Sunday."""

    monday: date
    start: datetime
    end: datetime
    severities: Mapping[str, int]

    @property
    def name(self) -> str:
        """How it is written: `2026-W47`."""
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def incidents(self) -> int:
        """Give how many there were."""
        return sum(self.severities.values())


def was_acted(*, taken: bool, cancelled: bool, over: bool) -> bool | None:
    """Say whether a person had to act on an incident, by what happened: somebody took it, and it was not cancelled.

    None where nobody took it and it is not over yet.
    """
    if cancelled or (over and not taken):
        return False
    return True if taken else None


def times(key: str, cases: Iterable[Case]) -> Times:
    """Give how long these incidents took."""
    found = list(cases)
    return Times(
        key=key,
        incidents=len(found),
        detect=spread(case.measured.to_detect for case in found),
        acknowledge=spread(case.measured.to_acknowledge for case in found),
        mitigate=spread(case.measured.to_mitigate for case in found),
        resolve=spread(case.measured.to_resolve for case in found),
    )


def times_by(cases: Iterable[Case], keys: Callable[[Case], Iterable[str]]) -> tuple[Times, ...]:
    """Give how long the incidents of each group took, the largest group first; one may be in several."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        for key in keys(case):
            groups.setdefault(key, []).append(case)
    found = (times(key, group) for key, group in groups.items())
    return tuple(sorted(found, key=lambda one: (-one.incidents, one.key)))


def weeks(cases: Iterable[Case], *, start: datetime, end: datetime, zone: ZoneInfo) -> tuple[Week, ...]:
    """Give every ISO week that `[start, end)` touches in this zone, those without an incident too, the oldest first."""
    first = _monday(start.astimezone(zone).date())
    counted: dict[date, Counter[str]] = {}
    for case in cases:
        monday = _monday(case.opened_at.astimezone(zone).date())
        counted.setdefault(monday, Counter())[case.severity] += 1
    found = []
    monday, begins = first, _begins(first, zone)
    while begins < end:
        following = _begins(monday + WEEK, zone)
        found.append(
            Week(monday=monday, start=begins, end=following, severities=dict(counted.get(monday, {})))
        )
        monday, begins = monday + WEEK, following
    return tuple(found)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _begins(monday: date, zone: ZoneInfo) -> datetime:
    return to_instant(datetime.combine(monday, time()), zone)
