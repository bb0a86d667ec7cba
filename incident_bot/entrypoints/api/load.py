"""`/api/v1/oncall/report`: who carried how much, as figures, as a table and as a chart."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import refusals
from incident_bot.entrypoints.desk import AtDesk, Reader
from incident_bot.entrypoints.documents import document
from incident_bot.flow import load

router = APIRouter(prefix="/api/v1", tags=["on call"])

CSV_MEDIA_TYPE = "text/csv; charset=utf-8"
SVG_MEDIA_TYPE = "image/svg+xml"


class Bearer(schemas.Answered):
    """What one person carried; times in hours, judged on the person's own clock."""

    person: str
    name: str
    time_zone: str
    shifts: int
    hours: float
    weekday_day: float
    weekday_night: float = Field(description="22:00 to 06:00, unless at a weekend or on a holiday.")
    weekend: float = Field(description="Saturday and Sunday, unless a holiday.")
    holiday: float = Field(description="On a date of the schedule's calendar.")
    share: float = Field(description="Of all hours on call by everybody, 0 to 1.")
    pages: int = Field(description="Once a step, however many channels told of it.")
    night_pages: int


class Load(schemas.Answered):
    """What everybody carried in [start, end), whoever had most hours first."""

    start: schemas.Time
    end: schemas.Time
    schedules: list[str]
    people: list[Bearer]


@router.get(
    "/oncall/report",
    response_model=Load,
    responses={
        **refusals(404, 409),
        200: {"description": "The figures.", "content": {"text/csv": {"schema": {"type": "string"}}}},
    },
)
def report(
    at: AtDesk,
    _caller: Reader,
    start: Annotated[
        schemas.Instant | None, Query(alias="from", description="Four weeks before `to`, when left out.")
    ] = None,
    end: Annotated[schemas.Instant | None, Query(alias="to", description="Now, when left out.")] = None,
    schedule: schemas.Word | None = None,
    format: Literal["json", "csv"] = "json",  # noqa: A002 - as in the contract
) -> Any:
    """Say who was on call for how long, by kind of hour, and who was paged how often.

    An hour on call for two schedules at once counts once. With a schedule, only who was on call for it is listed.
    """
    finish = end or at.now()
    view = load.report(at.context, start=start or finish - load.SPAN, end=finish, schedule=schedule)
    if format == "csv":
        return Response(load.as_csv(view), media_type=CSV_MEDIA_TYPE)
    return view


@router.get(
    "/oncall/report.svg",
    response_class=Response,
    responses={
        **refusals(404),
        200: {"description": "The chart.", "content": {SVG_MEDIA_TYPE: {"schema": {"type": "string"}}}},
    },
)
def chart(at: AtDesk, _caller: Reader, schedule: schemas.Word | None = None) -> Response:
    """Draw the last twelve weeks: each person's hours on call and pages by week."""
    return document(load.chart(at.context, schedule=schedule, now=at.now()), SVG_MEDIA_TYPE)
