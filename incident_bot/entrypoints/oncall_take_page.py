"""A shift taken over in two taps, and an override ended: the forms behind the buttons of the On-call pages.

Plain forms that work without script; acts through `flow.oncall_take` and `flow.roster`, decides nothing.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.errors import NotFound, Refused
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.oncall_looks import length, marks
from incident_bot.entrypoints.oncall_sight import Field, Name, Word, chosen_wall, instant_of, sight_of
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import oncall_take, roster
from incident_bot.flow.access import Caller
from incident_bot.flow.oncall_take import Offer, Take

router = APIRouter(include_in_schema=False)


@router.get("/oncall/{schedule}/take")
def take_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    schedule: Name,
    instant: Annotated[str, Query(alias="at", max_length=40)],
    zone: Word = "",
) -> Response:
    """Ask once whether a shift is to be taken over, with its times on every clock that matters."""
    offer = oncall_take.offer(at.context, schedule, at=instant_of(instant), now=at.now())
    return _take(request, at, caller, offer, zone)


@router.post("/oncall/{schedule}/take")
def take(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    schedule: Name,
    start: Field,
    end: Field,
    person: Field = "",
    by: Field = "",
    reason: Annotated[str, Form(max_length=1000)] = "",
    zone: Field = "",
    key: Field = "",
) -> Response:
    """Take a shift over, if it still is as it was shown; leads back to the schedule, which says so."""
    now = at.now()
    begins = instant_of(start)
    try:
        made = oncall_take.take(
            at.context,
            schedule,
            Take(person=person or None, by=by, start=begins, end=instant_of(end), reason=reason),
            actor=caller.actor,
            key=key or None,
            now=now,
        )
    except NotFound:
        raise
    except Refused as refused:
        offer = oncall_take.offer(at.context, schedule, at=begins, now=now)
        return _take(request, at, caller, offer, zone, refused=str(refused), reason=reason)
    _, wall = chosen_wall(at, schedule, at.context.live.current.revision.people.get(caller.actor), zone, now)
    sight = sight_of(
        schedule, "week", wall.local(max(begins, now)).date().isoformat(), zone or "schedule", wall
    )
    return RedirectResponse(sight.address(done=made.id if made else 0), HTTPStatus.SEE_OTHER)


@router.post("/oncall/{schedule}/overrides/{number}/end")
def end(
    at: AtDesk,
    caller: Visitor,
    schedule: Name,
    number: Annotated[int, Path(ge=1, le=2**53)],
    view: Field = "week",
    since: Annotated[str, Form(alias="from", max_length=32)] = "",
    zone: Field = "",
) -> Response:
    """Cut an override off now, or take it back before it begins; leads back to the schedule."""
    now = at.now()
    roster.end_override(at.context, number, schedule=schedule, actor=caller.actor, now=now)
    person = at.context.live.current.revision.people.get(caller.actor)
    word, wall = chosen_wall(at, schedule, person, zone, now)
    sight = sight_of(schedule, view, since, word, wall)
    return RedirectResponse(sight.address(done=number), HTTPStatus.SEE_OTHER)


def _take(
    request: Request,
    at: Desk,
    caller: Caller,
    offer: Offer,
    zone: str,
    *,
    refused: str = "",
    reason: str = "",
) -> Response:
    now = at.now()
    revision = at.context.live.current.revision
    person = revision.people.get(caller.actor)
    word, wall = chosen_wall(at, offer.schedule, person, zone, now)
    schedule = revision.schedules[offer.schedule]
    own = person is not None and person.id in offer.people
    free = [one for one in revision.people.values() if one.active and one.id not in offer.people]
    free.sort(key=lambda one: (one.id not in schedule.people, one.name.casefold()))
    clocks_told = {schedule.zone.key: "The schedule’s clock"}
    for one in offer.people:
        if one in revision.people:
            clocks_told.setdefault(revision.people[one].time_zone, f"{revision.people[one].name}’s clock")
    if person is not None:
        clocks_told.pop(person.time_zone, None)
        clocks_told = {person.time_zone: "Your clock", **clocks_told}
    sight = sight_of(offer.schedule, "week", wall.local(offer.start).date().isoformat(), word, wall)
    return draw(
        request, at, caller, "oncall_take.html",
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        offer=offer, refused=refused, reason=reason, own=own, person=person, free=free, zone=word,
        usual=schedule.people,
        marks=marks({*offer.people, *schedule.people}, revision.people),
        spans=[
            (told, wall.elsewhere(name).span(offer.start, offer.end), name) for name, told in clocks_told.items()
        ],
        length=length(offer.end - offer.start),
        running=offer.start <= now,
        exact=wall.exact,
        back=sight.address(),
        quote=quote,
    )  # fmt: skip
