"""The Calendars page: links to subscribe to, made, shown once and revoked.

Every action is a plain form. Reads and acts through `flow.calendars`; decides nothing.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import calendars
from incident_bot.flow.access import Caller
from incident_bot.flow.calendars import FeedKind, Linked

router = APIRouter(include_in_schema=False)


@router.get("/calendars")
def calendars_page(
    request: Request, at: AtDesk, caller: Visitor, schedule: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Show how to subscribe, and every link that still opens a calendar."""
    return _page(request, at, caller, wanted=f"schedule:{schedule}" if schedule else "")


@router.post("/calendars")
def link(
    request: Request, at: AtDesk, caller: Visitor, calendar: Annotated[str, Form(max_length=80)]
) -> Response:
    """Make a link and show its address, this once."""
    kind, _, name = calendar.partition(":")
    made = calendars.link(at.context, calendars.kind_of(kind), name, by=caller.actor, now=at.now())
    return _page(request, at, caller, wanted=calendar, made=made)


@router.post("/calendars/{number}/revoke")
def revoke(at: AtDesk, caller: Visitor, number: Annotated[int, Path(ge=1, le=2**53)]) -> Response:
    """Revoke a link: it opens nothing from now on."""
    calendars.revoke(at.context, number, by=caller.actor, now=at.now())
    return RedirectResponse("/calendars", HTTPStatus.SEE_OTHER)


def _page(request: Request, at: Desk, caller: Caller, *, wanted: str, made: Linked | None = None) -> Response:
    revision = at.context.live.current.revision
    person = revision.people.get(caller.actor)
    offered = [("person", person.id, f"My shifts on every schedule ({person.name})")] if person else []
    offered += [("schedule", name, f"Schedule {name}") for name in sorted(revision.schedules)]
    offered += [
        ("team", one.id, f"Team {one.name}")
        for one in sorted(revision.teams.values(), key=lambda team: team.name.casefold())
        if one.schedule
    ]
    return draw(
        request, at, caller, "calendars.html",
        offered=offered,
        wanted=wanted,
        made=made,
        webcal=made.url.replace("https://", "webcal://").replace("http://", "webcal://") if made else "",
        links=[one for one in calendars.links(at.context) if one.revoked_at is None][::-1],
        days=(calendars.BACK.days, calendars.AHEAD.days),
        person_kind=FeedKind.PERSON,
    )  # fmt: skip
