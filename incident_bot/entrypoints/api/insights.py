"""`/api/v1/insights`: what the past says, as figures; lengths in seconds, each with of how many it is told."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field

from incident_bot.core.errors import Refused
from incident_bot.core.walltime import zone as zone_of
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Number, Portion, refusals
from incident_bot.entrypoints.desk import AtDesk, Reader
from incident_bot.flow import insights as flow
from incident_bot.flow.similar import similar_to

router = APIRouter(prefix="/api/v1", tags=["insights"])


class Spread(schemas.Answered):
    """How long something took."""

    n: int = Field(description="Of how many times it is told.")
    median: float
    p90: float | None = Field(description="Null where there are fewer than ten.")


class Times(schemas.Answered):
    """How long the incidents of one group took, drills and cancelled ones left out."""

    key: str
    incidents: int
    detect: Spread | None
    acknowledge: Spread | None
    mitigate: Spread | None
    resolve: Spread | None


class Week(schemas.Answered):
    """The incidents that opened in one ISO week of the zone."""

    week: str
    start: schemas.Time
    end: schemas.Time
    incidents: int
    severities: dict[str, int]


class Paged(schemas.Answered):
    """How often one person was paged, by their own clock."""

    person: str
    name: str
    time_zone: str
    pages: int = Field(description="Once a step, however many channels told of it.")
    night: int = Field(description="22:00 to 06:00.")
    hours: list[int] = Field(description="Pages by the hour of the day, 24 figures.")


class Noise(schemas.Answered):
    """One alert, whichever paged most first."""

    alert: str
    episodes: int
    incidents: int
    pages: int
    night: int
    judged: int = Field(description="Of how many incidents it is known whether somebody had to act.")
    actionable: int
    share: float | None
    verdicts: dict[str, int]
    length: Spread | None = Field(description="Of the newest fifty that ended.")
    flapping: int
    proposal: str | None = Field(description="A change of its rule and what it would have done.")
    patch: str | None = Field(description="The change as YAML.")


class Hole(schemas.Answered):
    """A stretch of the four weeks ahead in which nobody is on call."""

    schedule: str
    start: schemas.Time
    end: schemas.Time
    why: str


class Runbook(schemas.Answered):
    """How one runbook did, in all incidents in which somebody said so."""

    path: str
    title: str
    worked: int
    failed: int
    outdated: int
    last: str | None
    last_by: str | None
    last_at: schemas.Time | None
    last_reason: str | None
    last_incident: str | None


class Insights(schemas.Answered):
    """What the past says of [start, end)."""

    start: schemas.Time
    end: schemas.Time
    zone: str
    team: str | None
    service: str | None
    severity: str | None
    all: Times
    severities: list[Times]
    teams: list[Times]
    services: list[Times]
    alerts: list[Times]
    weeks: list[Week]
    people: list[Paged]
    pages: int
    night: int
    hours: list[int]
    noise: list[Noise]
    alert_names: int
    gaps: list[Hole]
    runbooks: list[Runbook]


class Promise(schemas.Answered):
    """A follow-up that is not done."""

    number: int
    text: str
    owner: str | None
    owner_name: str | None


class Similar(schemas.Answered):
    """A past incident that is like this one."""

    id: str
    title: str
    severity: str
    opened_at: schemas.Time
    why: str
    promises: list[Promise]


@router.get(
    "/incidents/{id}/similar",
    response_model=schemas.Page[Similar],
    responses=refusals(400, 404),
    tags=["incidents"],
)
def similar(at: AtDesk, caller: Reader, number: Number, portion: Portion) -> Any:
    """List the past incidents that are most like this one, with what was to be done after them and is not."""
    return portion.of(similar_to(at.seen_by(caller), number))


@router.get("/insights", response_model=Insights, responses=refusals(409))
def insights(
    at: AtDesk,
    caller: Reader,
    start: Annotated[
        schemas.Instant | None, Query(alias="from", description="Four weeks before `to`, when left out.")
    ] = None,
    end: Annotated[schemas.Instant | None, Query(alias="to", description="Now, when left out.")] = None,
    team: schemas.Word | None = None,
    service: schemas.Word | None = None,
    severity: schemas.Word | None = None,
    zone: Annotated[schemas.Word, Query(description="In which weeks begin, such as Europe/Berlin.")] = "UTC",
) -> Any:
    """Say how long incidents took, who was paged at night, and which alerts are noise.

    Incidents belong to the span in which they opened. Private ones count for those who see them.
    """
    now = at.now()
    wanted = flow.asked(
        start=start, end=end, team=team, service=service, severity=severity, zone=_zone(zone), now=now
    )
    return flow.insights(at.seen_by(caller), wanted, now=now)


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_of(name)
    except ValueError as error:
        raise Refused(str(error)) from error
