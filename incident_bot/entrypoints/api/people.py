"""`/api/v1/oncall` and schedules: whose turn it is, and when, and the overrides that people make."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import JsonValue

from incident_bot.core.errors import Refused
from incident_bot.entrypoints.api import roster_shapes as shapes
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import IdempotencyKey, Portion, refusals
from incident_bot.entrypoints.desk import AtDesk, Desk, Reader, Writer
from incident_bot.flow import roster
from incident_bot.flow.oncall import run
from incident_bot.flow.why import explain_person

router = APIRouter(prefix="/api/v1", tags=["on call"])

SHIFTS_LONGEST: Final = timedelta(days=800)
SHIFTS_DEFAULT: Final = timedelta(days=28)
DAY: Final = timedelta(days=1)

ScheduleName = Annotated[str, Path(max_length=64)]
From = Annotated[schemas.Instant | None, Query(alias="from", description="Now, when left out.")]
To = Annotated[schemas.Instant | None, Query(alias="to", description="Four weeks on, when left out.")]
_NUMBER_MOST: Final = 2**53


@router.get("/oncall", response_model=list[shapes.OnCall], responses=refusals(404))
def on_call(
    at: AtDesk,
    _caller: Reader,
    schedule: schemas.Word | None = None,
    instant: Annotated[schemas.Instant | None, Query(alias="at", description="Now, when left out.")] = None,
) -> Any:
    """List who is on call at an instant, on one schedule or on all, with the reason.

    The past is answered by the configuration that was in force then.
    """
    return roster.on_call(at.context, schedule=schedule, at=instant or at.now())


@router.post("/oncall/commands", response_model=shapes.Replied, responses=refusals(404, 409))
def run_line(at: AtDesk, caller: Writer, body: shapes.Line, idempotency_key: IdempotencyKey = None) -> Any:
    """Run one line in the words of `/oncall`."""
    acting = at.doorkeeper.acting(caller, body.actor)
    reply = run.run(at.seen_by(acting), body.text, acting.actor, key=idempotency_key, now=at.now())
    return {"reply": reply}


@router.get("/schedules", response_model=schemas.Page[shapes.Schedule], responses=refusals(400))
def schedules(at: AtDesk, _caller: Reader, portion: Portion) -> Any:
    """List the schedules of the configuration in force."""
    return portion.of(roster.schedules(at.context))


@router.get(
    "/schedules/{name}/shifts", response_model=schemas.Page[shapes.Shift], responses=refusals(400, 404, 409)
)
def shifts(
    at: AtDesk, _caller: Reader, name: ScheduleName, portion: Portion, start: From = None, end: To = None
) -> Any:
    """List the maximal stretches with one set of people, cut to [from, to).

    Stretches with nobody are left out.
    """
    begin, finish = _span(at, start, end)
    return portion.of(roster.shifts(at.context, name, start=begin, end=finish))


@router.get(
    "/schedules/{name}/gaps", response_model=schemas.Page[shapes.Gap], responses=refusals(400, 404, 409)
)
def gaps(
    at: AtDesk, _caller: Reader, name: ScheduleName, portion: Portion, start: From = None, end: To = None
) -> Any:
    """List the maximal stretches in which nobody answers, cut to [from, to)."""
    begin, finish = _span(at, start, end)
    return portion.of(roster.gaps(at.context, name, start=begin, end=finish))


@router.get(
    "/schedules/{name}/overrides",
    response_model=schemas.Page[shapes.Override],
    responses=refusals(400, 404, 409),
)
def list_overrides(
    at: AtDesk,
    _caller: Reader,
    name: ScheduleName,
    portion: Portion,
    start: From = None,
    end: Annotated[schemas.Instant | None, Query(alias="to", description="No end, when left out.")] = None,
) -> Any:
    """List the overrides made at run time that overlap [from, to), the newest last, cancelled ones too.

    Those of the files stand in the files.
    """
    now = at.now()
    begin = start or now
    if end is not None and end <= begin:
        raise Refused("`to` must come after `from`.")
    found = roster.overrides(at.context, name, start=begin, end=end, now=now)
    return portion.of(found)


@router.post(
    "/schedules/{name}/overrides",
    status_code=201,
    response_model=shapes.Override,
    responses=refusals(404, 409),
)
def make_override(
    at: AtDesk,
    caller: Writer,
    name: ScheduleName,
    body: shapes.Overriding,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Change who answers for a time, from now on or later; whoever is paged next is paged by it."""
    acting = at.doorkeeper.acting(caller, body.actor)
    wanted = roster.Wanted(
        cover=None if body.cover is None else tuple(body.cover),
        replace=body.replace,
        by=body.by,
        remove=body.remove,
        add=None if body.add is None else tuple(body.add),
        start=body.start,
        end=body.end,
        reason=body.reason,
        nobody=body.nobody,
    )
    return roster.make_override(
        at.context, name, wanted, actor=acting.actor, key=idempotency_key, now=at.now()
    )


@router.delete("/schedules/{name}/overrides/{id}", status_code=204, responses=refusals(404, 409))
def end_override(
    at: AtDesk,
    caller: Writer,
    name: ScheduleName,
    id: Annotated[int, Path(ge=1, le=_NUMBER_MOST)],  # noqa: A002 - the contract calls it id
) -> None:
    """Cut an override off now, or take it back where it has not begun; what has passed stays."""
    roster.end_override(at.context, id, schedule=name, actor=caller.actor, now=at.now())


@router.delete("/schedules/{name}/overrides", status_code=204, responses=refusals(404, 409))
def end_override_named(
    at: AtDesk,
    caller: Writer,
    name: ScheduleName,
    id: Annotated[int, Query(ge=1, le=_NUMBER_MOST)],  # noqa: A002 - the contract calls it id
) -> None:
    """Do the same for the override that `?id=` names."""
    roster.end_override(at.context, id, schedule=name, actor=caller.actor, now=at.now())


@router.get("/people/{name}/why", response_model=dict[str, JsonValue], responses=refusals(404, 409))
def person_why(
    at: AtDesk,
    caller: Reader,
    name: Annotated[str, Path(max_length=64, description="An id of `people.yaml`.")],
    start: Annotated[
        schemas.Instant | None, Query(alias="from", description="A day before `to`, when left out.")
    ] = None,
    end: Annotated[schemas.Instant | None, Query(alias="to", description="Now, when left out.")] = None,
) -> Any:
    """Show what was sent to a person in [from, to) and why, and for which incidents nothing was, and why not."""
    now = at.now()
    finish = end or now
    begin = start or finish - DAY
    if finish <= begin:
        raise Refused("`to` must come after `from`.")
    if finish - begin > SHIFTS_LONGEST:
        raise Refused(f"Ask for at most {SHIFTS_LONGEST.days} days at once.")
    return explain_person(at.seen_by(caller), name, start=begin, end=finish, now=now).to_json()


def _span(at: Desk, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    begin = start or at.now()
    finish = end or begin + SHIFTS_DEFAULT
    if finish <= begin:
        raise Refused("`to` must come after `from`.")
    if finish - begin > SHIFTS_LONGEST:
        raise Refused(f"Ask for at most {SHIFTS_LONGEST.days} days at once.")
    return begin, finish
