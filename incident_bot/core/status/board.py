"""What the status page says at an instant: the state of each component, of the whole, and of the last 90 days.

All of it follows from what was published and from the maintenance that was made public: nobody sets a component by
hand, so nothing is forgotten in red, and nothing is green while an incident says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Final

from incident_bot.core.model import ComponentState
from incident_bot.core.status.page import Component, StatusPage
from incident_bot.core.status.publications import PublicIncident, Stretch

DAYS: Final = 90
DAY: Final = timedelta(days=1)
WEIGHTS: Final = {
    ComponentState.OPERATIONAL: Fraction(0),
    ComponentState.UNDER_MAINTENANCE: Fraction(0),
    ComponentState.DEGRADED_PERFORMANCE: Fraction(0),
    ComponentState.PARTIAL_OUTAGE: Fraction(3, 10),
    ComponentState.MAJOR_OUTAGE: Fraction(1),
}
"""How much of its time counts as an outage: what Statuspage counts."""


class Indicator(StrEnum):
    """How the whole is, in the words of Statuspage."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


INDICATORS: Final = {
    ComponentState.OPERATIONAL: Indicator.NONE,
    ComponentState.UNDER_MAINTENANCE: Indicator.NONE,
    ComponentState.DEGRADED_PERFORMANCE: Indicator.MINOR,
    ComponentState.PARTIAL_OUTAGE: Indicator.MAJOR,
    ComponentState.MAJOR_OUTAGE: Indicator.CRITICAL,
}
STATE_WORDS: Final = {
    ComponentState.OPERATIONAL: "Operational",
    ComponentState.UNDER_MAINTENANCE: "Under maintenance",
    ComponentState.DEGRADED_PERFORMANCE: "Degraded performance",
    ComponentState.PARTIAL_OUTAGE: "Partial outage",
    ComponentState.MAJOR_OUTAGE: "Major outage",
}
_WHOLE_WORDS: Final = {
    ComponentState.OPERATIONAL: "All systems operational",
    ComponentState.UNDER_MAINTENANCE: "Maintenance in progress",
    ComponentState.DEGRADED_PERFORMANCE: "Degraded performance",
    ComponentState.PARTIAL_OUTAGE: "Partial outage",
    ComponentState.MAJOR_OUTAGE: "Major outage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicMaintenance:
    """Planned work that the public is told of, `[start, end)`."""

    id: str
    title: str
    text: str
    components: tuple[str, ...]
    start: datetime
    end: datetime
    announced_at: datetime
    called_off_at: datetime | None = None
    """When it was called off, where it was: before it began, and it never does."""

    @property
    def told_at(self) -> tuple[datetime, ...]:
        """Say when the public is told of it: announced, begun and over, or called off."""
        if self.called_off_at is not None:
            return (self.announced_at, self.called_off_at)
        return (self.announced_at, self.start, self.end)

    def runs(self, now: datetime) -> bool:
        """Say whether it is in progress."""
        return self.start <= now < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of UTC of one component."""

    date: date
    state: ComponentState | None
    """The worst of the day; None for a day without data."""
    out: timedelta = timedelta(0)
    """How long it was not fully there: partial and major outages, whatever their weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStatus:
    """One component now, and its history."""

    component: Component
    state: ComponentState
    days: tuple[Day, ...]
    """The oldest first; the last one is today, as far as it has come."""
    uptime: str
    """In percent with two decimals, never rounded up: 100.00 says that there was no outage at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The whole page."""

    page: StatusPage
    at: datetime
    """The instant at which it is so."""
    state: ComponentState
    """The worst of all."""
    components: tuple[ComponentStatus, ...]
    open: tuple[PublicIncident, ...]
    """The newest first."""
    past: tuple[PublicIncident, ...]
    """What ended in the time that is shown, the newest first."""
    maintenance: tuple[PublicMaintenance, ...]
    """What runs or is to come, the next one first."""
    announced: tuple[PublicMaintenance, ...]
    """The same with what is over or was called off, for those who are told of it."""
    called_off: tuple[PublicMaintenance, ...]
    """What was called off within the last day: somebody may count on it still."""
    updated_at: datetime | None
    """When the public was last told something."""

    @property
    def indicator(self) -> Indicator:
        """How the whole is."""
        return INDICATORS[self.state]

    @property
    def description(self) -> str:
        """How the whole is, in words."""
        return _WHOLE_WORDS[self.state]


def board(
    page: StatusPage,
    incidents: Iterable[PublicIncident],
    maintenance: Iterable[PublicMaintenance],
    *,
    now: datetime,
) -> Board:
    """Give the page as it is at an instant; incidents that ended before the history begins are left out."""
    first = _midnight(now.astimezone(UTC).date() - (DAYS - 1) * DAY)
    known = [one for one in incidents if one.resolved_at is None or one.resolved_at >= first]
    known.sort(key=lambda one: (one.started_at, one.number), reverse=True)
    announced = sorted(maintenance, key=lambda one: (one.start, one.id))
    planned = [one for one in announced if one.called_off_at is None]
    stretches = [stretch for one in known for stretch in one.stretches]
    works = [
        Stretch(
            components=one.components, state=ComponentState.UNDER_MAINTENANCE, start=one.start, end=one.end
        )
        for one in planned
    ]
    components = tuple(_status(one, [*stretches, *works], now=now) for one in page.components)
    opened = tuple(one for one in known if one.is_open)
    states = [*(one.state for one in components), *(one.state for one in opened)]
    told = [
        *(one.updated_at for one in known),
        *(at for one in announced for at in one.told_at if at <= now),
    ]
    return Board(
        page=page,
        at=now,
        state=worst(states),
        components=components,
        open=opened,
        past=tuple(one for one in known if not one.is_open),
        maintenance=tuple(one for one in planned if one.end > now),
        announced=tuple(announced),
        called_off=tuple(one for one in announced if one.called_off_at and now - one.called_off_at < DAY),
        updated_at=max(told, default=None),
    )


def worst(states: Iterable[ComponentState]) -> ComponentState:
    """Give the worst of these states; of none, that all is well."""
    return max(states, key=lambda state: state.badness, default=ComponentState.OPERATIONAL)


def _status(component: Component, stretches: Sequence[Stretch], *, now: datetime) -> ComponentStatus:
    mine = [one for one in stretches if component.key in one.components and one.start <= now]
    days, lost, known = [], Fraction(0), timedelta(0)
    today = now.astimezone(UTC).date()
    for back in range(DAYS - 1, -1, -1):
        at = today - back * DAY
        start, end = _midnight(at), min(_midnight(at + DAY), now)
        if component.since is not None and at < component.since:
            days.append(Day(date=at, state=None))
            continue
        pieces = _pieces(mine, start, end)
        known += end - start
        lost += sum((WEIGHTS[state] * _seconds(length) for state, length in pieces), Fraction(0))
        out = sum((length for state, length in pieces if WEIGHTS[state]), timedelta(0))
        days.append(Day(date=at, state=worst(state for state, _ in pieces), out=out))
    state = worst(one.state for one in mine if one.end is None or one.end > now)
    return ComponentStatus(
        component=component, state=state, days=tuple(days), uptime=_percent(lost, _seconds(known))
    )


def _pieces(
    stretches: Sequence[Stretch], start: datetime, end: datetime
) -> list[tuple[ComponentState, timedelta]]:
    """Cut a time where anything begins or ends, and give the worst state of each piece in which there is one."""
    within = [one for one in stretches if one.start < end and (one.end is None or one.end > start)]
    edges = {start, end, *(max(one.start, start) for one in within), *(_until(one, end) for one in within)}
    cuts = sorted(edges)
    pieces: list[tuple[ComponentState, timedelta]] = []
    for at, until in pairwise(cuts):
        state = worst(one.state for one in within if one.start <= at and _until(one, end) >= until)
        if state is not ComponentState.OPERATIONAL:
            pieces.append((state, until - at))
    return pieces


def _until(stretch: Stretch, end: datetime) -> datetime:
    return end if stretch.end is None else min(stretch.end, end)


def _percent(lost: Fraction, known: Fraction) -> str:
    """Write what was not lost in percent, cut and not rounded."""
    if not known:
        return "100.00"
    hundredths = int((known - lost) * 10_000 / known)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def _seconds(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1), 1_000_000)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
