"""Insights as readers get them: plain values with the field names of the HTTP interface; lengths in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.insights import (
    Case,
    Noise,
    Spread,
    Times,
    burdens,
    noisiest,
    proposed,
    rule_patch,
    times,
    times_by,
    told,
    weeks,
)
from incident_bot.core.insights.noise import HOURS
from incident_bot.core.model import Verdict
from incident_bot.flow import opinions, roster
from incident_bot.flow.context import Context
from incident_bot.flow.insights.asking import Asked
from incident_bot.flow.insights.reading import Gathered, gather
from incident_bot.flow.opinions import RecordView
from incident_bot.flow.slack.names import called
from incident_bot.flow.views import GapView

AHEAD: Final = timedelta(days=28)
"""How far ahead gaps are looked for."""
GROUPS_MOST: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadView:
    """How long something took, over `n` times that are known."""

    n: int
    median: float
    p90: float | None
    """None where there are fewer than ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesView:
    """How long the incidents of one group took."""

    key: str
    incidents: int
    detect: SpreadView | None
    acknowledge: SpreadView | None
    mitigate: SpreadView | None
    resolve: SpreadView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekView:
    """The incidents that opened in one ISO week."""

    week: str
    start: datetime
    end: datetime
    incidents: int
    severities: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedView:
    """How often one person was paged, by their own clock."""

    person: str
    name: str
    time_zone: str
    pages: int
    night: int
    hours: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseView:
    """One alert: how often it fired, whom it woke, what that was worth, and what a changed rule would have done."""

    alert: str
    episodes: int
    incidents: int
    pages: int
    night: int
    judged: int
    actionable: int
    share: float | None
    verdicts: Mapping[str, int]
    length: SpreadView | None
    flapping: int
    proposal: str | None
    """A change of its rule and what it would have done, in words; None where none is worth it."""
    patch: str | None
    """The change, ready to paste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleView:
    """A stretch ahead in which nobody is on call."""

    schedule: str
    start: datetime
    end: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightsView:
    """Everything that is told of one span."""

    start: datetime
    end: datetime
    zone: str
    team: str | None
    service: str | None
    severity: str | None
    all: TimesView
    severities: tuple[TimesView, ...]
    teams: tuple[TimesView, ...]
    services: tuple[TimesView, ...]
    alerts: tuple[TimesView, ...]
    weeks: tuple[WeekView, ...]
    people: tuple[PagedView, ...]
    pages: int
    night: int
    hours: tuple[int, ...]
    """All pages by the local hour of whoever was paged."""
    noise: tuple[NoiseView, ...]
    alert_names: int
    """How many alerts fired, by name; `noise` has those that paged or fired most."""
    gaps: tuple[HoleView, ...]
    runbooks: tuple[RecordView, ...]
    """How each did, in all incidents in which somebody said so."""


def insights(context: Context, wanted: Asked, *, now: datetime) -> InsightsView:
    """Give everything that is told of the span, as the context's seer may see it."""
    with context.store.read() as tx:
        found = gather(context, tx, wanted)
    cases = found.cases
    people = tuple(
        PagedView(
            person=one.person, name=called(context, one.person), pages=one.pages, night=one.night, hours=one.hours,
            time_zone=found.zones[one.person].key if one.person in found.zones else "UTC",
        )
        for one in burdens(found.pages, found.zones)
    )  # fmt: skip
    return InsightsView(
        start=wanted.start,
        end=wanted.end,
        zone=wanted.zone.key,
        team=wanted.team,
        service=wanted.service,
        severity=wanted.severity,
        all=_times(times("all", cases)),
        severities=_by_rank(context, times_by(cases, lambda case: (case.severity,))),
        teams=_groups(times_by(cases, lambda case: (case.team,))),
        services=_groups(times_by(cases, lambda case: (case.service,) if case.service else ())),
        alerts=_groups(times_by(cases, lambda case: case.alerts)),
        weeks=_weeks(wanted, cases),
        people=people,
        pages=sum(one.pages for one in people),
        night=sum(one.night for one in people),
        hours=tuple(sum(one.hours[hour] for one in people) for hour in range(HOURS)),
        noise=noise(found, wanted),
        alert_names=found.alerts,
        gaps=_gaps(context, wanted, now),
        runbooks=opinions.records(context),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartsView:
    """What the charts draw."""

    weeks: tuple[WeekView, ...]
    hours: tuple[int, ...]


def charted(context: Context, wanted: Asked) -> ChartsView:
    """Give what the charts draw of the span, as the context's seer may see it."""
    with context.store.read() as tx:
        found = gather(context, tx, wanted, noisy=False)
    people = burdens(found.pages, found.zones)
    hours = tuple(sum(one.hours[hour] for one in people) for hour in range(HOURS))
    return ChartsView(weeks=_weeks(wanted, found.cases), hours=hours)


def noise(found: Gathered, wanted: Asked) -> tuple[NoiseView, ...]:
    """Give the noisiest alerts, each with the change of its rule that is worth it."""
    ranked = noisiest(found.fired, found.cases, found.pages, found.verdicts, found.zones)
    return tuple(_noise(found, one, wanted.days) for one in ranked)


def _noise(found: Gathered, one: Noise, days: int) -> NoiseView:
    effect = proposed(found.firings(one.name)) if one.pages else None
    return NoiseView(
        alert=one.name,
        episodes=one.episodes,
        incidents=one.incidents,
        pages=one.pages,
        night=one.night,
        judged=one.judged,
        actionable=one.actionable,
        share=None if one.share is None else round(one.share, 4),
        verdicts={verdict.label: one.verdicts[verdict] for verdict in Verdict if one.verdicts.get(verdict)},
        length=_spread(one.length),
        flapping=one.flapping,
        proposal=told(effect, days=days) if effect else None,
        patch=rule_patch(one.name, effect) if effect else None,
    )


def _weeks(wanted: Asked, cases: Iterable[Case]) -> tuple[WeekView, ...]:
    return tuple(
        WeekView(
            week=one.name, start=one.start, end=one.end, incidents=one.incidents, severities=one.severities
        )
        for one in weeks(cases, start=wanted.start, end=wanted.end, zone=wanted.zone)
    )


def _groups(found: Iterable[Times]) -> tuple[TimesView, ...]:
    return tuple(_times(one) for one in list(found)[:GROUPS_MOST])


def _by_rank(context: Context, found: Iterable[Times]) -> tuple[TimesView, ...]:
    ranks = {rung.name: rung.rank for rung in context.live.current.revision.ladder.rungs}
    return _groups(sorted(found, key=lambda one: (ranks.get(one.key, len(ranks)), one.key)))


def _times(one: Times) -> TimesView:
    return TimesView(
        key=one.key,
        incidents=one.incidents,
        detect=_spread(one.detect),
        acknowledge=_spread(one.acknowledge),
        mitigate=_spread(one.mitigate),
        resolve=_spread(one.resolve),
    )


def _spread(one: Spread | None) -> SpreadView | None:
    if one is None:
        return None
    return SpreadView(
        n=one.n,
        median=one.median.total_seconds(),
        p90=None if one.p90 is None else one.p90.total_seconds(),
    )


def _gaps(context: Context, wanted: Asked, now: datetime) -> tuple[HoleView, ...]:
    """Give where nobody is on call in the four weeks ahead, without what is meant so; with a team, of its schedule."""
    team = context.live.current.revision.teams.get(wanted.team or "")
    names = [one.name for one in roster.schedules(context)]
    if wanted.team:
        names = [name for name in names if team is not None and name == team.schedule]
    found: list[tuple[str, GapView]] = [
        (name, gap)
        for name in names
        for gap in roster.gaps(context, name, start=now, end=now + AHEAD)
        if not gap.deliberate
    ]
    return tuple(
        HoleView(schedule=name, start=gap.start, end=gap.end, why=gap.why)
        for name, gap in sorted(found, key=lambda one: (one[1].start, one[0]))
    )
