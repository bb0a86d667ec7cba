"""Which alerts page whom how often, and whether anybody had to do anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from incident_bot.core.insights.cases import Case
from incident_bot.core.insights.figures import Spread, spread
from incident_bot.core.model import Verdict
from incident_bot.core.oncall.load import is_night

HOURS: Final = 24
UTC: Final = ZoneInfo("UTC")


class Paged(NamedTuple):
    """One page of one step to one person, however many channels told of it."""

    person: str
    incident: int
    at: datetime


class Sampled(NamedTuple):
    """One of the newest episodes of an alert."""

    length: timedelta | None
    """None while it fires."""
    flapping: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """How often one person was paged, by the person's own clock."""

    person: str
    pages: int
    night: int
    """From 22:00 to 06:00."""
    hours: tuple[int, ...]
    """Pages by the hour of the day, 24 figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What is known of one alert by its name, before anything is counted."""

    name: str
    episodes: int
    sample: Sequence[Sampled] = ()
    """Its newest episodes: lengths and flapping are told of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """One alert: how often it fired, whom it woke, and what that was worth."""

    name: str
    episodes: int
    incidents: int
    pages: int
    night: int
    judged: int
    """Of how many of its incidents it is known whether somebody had to act."""
    actionable: int
    """In how many of them somebody had: by its verdict, else because a person took the incident."""
    verdicts: Mapping[Verdict, int]
    length: Spread | None
    flapping: int
    """How many of its newest episodes flapped."""

    @property
    def share(self) -> float | None:
        """Give the share of its incidents in which somebody had to act; None where nothing is known."""
        return self.actionable / self.judged if self.judged else None


def burdens(pages: Iterable[Paged], zones: Mapping[str, ZoneInfo]) -> tuple[Burden, ...]:
    """Give how often each was paged, whoever was paged most at night first; UTC for whom no zone is known."""
    at: dict[str, list[datetime]] = {}
    for page in pages:
        at.setdefault(page.person, []).append(page.at)
    found = []
    for person, instants in at.items():
        zone = zones.get(person, UTC)
        hours = Counter(instant.astimezone(zone).hour for instant in instants)
        found.append(
            Burden(
                person=person,
                pages=len(instants),
                night=sum(is_night(instant, zone) for instant in instants),
                hours=tuple(hours[hour] for hour in range(HOURS)),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.night, -one.pages, one.person)))


def noisiest(
    fired: Iterable[Fired],
    cases: Iterable[Case],
    pages: Iterable[Paged],
    verdicts: Mapping[tuple[int, str], Verdict],
    zones: Mapping[str, ZoneInfo],
) -> tuple[Noise, ...]:
    """Give what each alert cost and was worth, whichever paged most first.

    A page counts for every alert of its incident. `verdicts` are by incident and alert; where one has none, it counts
    whether a person acted on the incident.
    """
    of_alert: dict[str, list[Case]] = {}
    for case in cases:
        for name in case.alerts:
            of_alert.setdefault(name, []).append(case)
    of_incident: dict[int, list[Paged]] = {}
    for page in pages:
        of_incident.setdefault(page.incident, []).append(page)
    found = [_noise(one, of_alert.get(one.name, []), of_incident, verdicts, zones) for one in fired]
    return tuple(sorted(found, key=lambda one: (-one.pages, -one.episodes, one.name)))


def _noise(
    one: Fired,
    cases: Sequence[Case],
    of_incident: Mapping[int, Sequence[Paged]],
    verdicts: Mapping[tuple[int, str], Verdict],
    zones: Mapping[str, ZoneInfo],
) -> Noise:
    pages = [page for case in cases for page in of_incident.get(case.number, ())]
    given = {case.number: verdicts.get((case.number, one.name)) for case in cases}
    worth = [verdict.is_actionable if (verdict := given[case.number]) else case.acted for case in cases]
    known = [one for one in worth if one is not None]
    return Noise(
        name=one.name,
        episodes=one.episodes,
        incidents=len(cases),
        pages=len(pages),
        night=sum(is_night(page.at, zones.get(page.person, UTC)) for page in pages),
        judged=len(known),
        actionable=sum(known),
        verdicts=Counter(verdict for verdict in given.values() if verdict),
        length=spread(each.length for each in one.sample),
        flapping=sum(each.flapping for each in one.sample),
    )
