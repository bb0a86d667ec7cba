"""`/api/v1/oncall` and schedules: whose turn it is, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from incident_bot.core.errors import Refused
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import refusals
from incident_bot.entrypoints.desk import AtDesk, Reader
from incident_bot.flow import queries

router = APIRouter(prefix="/api/v1", tags=["on call"])

SHIFTS_LONGEST: Final = timedelta(days=800)
SHIFTS_DEFAULT: Final = timedelta(days=28)


@router.get("/oncall", response_model=list[schemas.OnCall], responses=refusals(404))
def on_call(
    at: AtDesk,
    _caller: Reader,
    schedule: schemas.Word | None = None,
    instant: Annotated[schemas.Instant | None, Query(alias="at", description="Now, when left out.")] = None,
) -> Any:
    """List who is on call at an instant, on one schedule or on all, with the reason."""
    return queries.on_call(at.context, schedule=schedule, at=instant or at.now())


@router.get(
    "/schedules/{name}/shifts", response_model=schemas.Page[schemas.Shift], responses=refusals(404, 409)
)
def shifts(
    at: AtDesk,
    _caller: Reader,
    name: Annotated[str, Path(max_length=64)],
    start: Annotated[schemas.Instant | None, Query(alias="from", description="Now, when left out.")] = None,
    end: Annotated[
        schemas.Instant | None, Query(alias="to", description="Four weeks on, when left out.")
    ] = None,
) -> Any:
    """List the maximal stretches with one set of people, cut to [from, to).

    Stretches with nobody are left out.
    """
    begin = start or at.now()
    finish = end or begin + SHIFTS_DEFAULT
    if finish <= begin:
        raise Refused("`to` must come after `from`.")
    if finish - begin > SHIFTS_LONGEST:
        raise Refused(f"Ask for at most {SHIFTS_LONGEST.days} days at once.")
    return {"items": queries.shifts(at.context, name, start=begin, end=finish), "next": None}
