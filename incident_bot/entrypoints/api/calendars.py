"""Calendars to subscribe to, and the secret links that open them for programs that cannot sign in."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import StringConstraints

from incident_bot.core.errors import NotFound
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Portion, refusals
from incident_bot.entrypoints.desk import AtDesk, Desk, Reader, Writer
from incident_bot.flow import calendars
from incident_bot.flow.calendars import FeedKind
from incident_bot.render.calendars import MEDIA_TYPE

router = APIRouter(tags=["calendars"])

CACHING: Final = "private, max-age=300"
CLOSED: Final = "There is no calendar at this address, or its link is wrong or was revoked."

FeedName = Annotated[str, Path(max_length=64)]
Token = Annotated[
    str | None,
    Query(
        description="The secret of a calendar link, or an API token that may read; without it the caller signs in "
        "as elsewhere."
    ),
]
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The calendar.", "content": {"text/calendar": {"schema": {"type": "string"}}}},
    304: {"description": "As If-None-Match has it."},
    **refusals(404),
}


class Link(schemas.Answered):
    """One link, without its secret."""

    id: int
    kind: FeedKind
    name: str
    created_at: schemas.Time
    created_by: str
    revoked_at: schemas.Time | None
    last_used_at: schemas.Time | None


class NewLink(Link):
    """A new link; its address is shown this once."""

    url: str


class Wanted(schemas.Taken):
    """Which calendar a link is to open."""

    kind: FeedKind
    name: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/schedules/{name}.ics", response_class=Response, responses=_ANSWER)
def schedule_calendar(request: Request, at: AtDesk, name: FeedName, token: Token = None) -> Response:
    """Give a schedule's shifts as a calendar, from 30 days back to 180 ahead."""
    return _calendar(request, at, FeedKind.SCHEDULE, name, token)


@router.get("/teams/{name}.ics", response_class=Response, responses=_ANSWER)
def team_calendar(request: Request, at: AtDesk, name: FeedName, token: Token = None) -> Response:
    """Give the shifts of a team's schedule as a calendar."""
    return _calendar(request, at, FeedKind.TEAM, name, token)


@router.get("/people/{name}.ics", response_class=Response, responses=_ANSWER)
def person_calendar(request: Request, at: AtDesk, name: FeedName, token: Token = None) -> Response:
    """Give a person's shifts on all schedules as a calendar."""
    return _calendar(request, at, FeedKind.PERSON, name, token)


@router.get("/api/v1/calendars", response_model=schemas.Page[Link], responses=refusals(400))
def list_links(at: AtDesk, _caller: Reader, portion: Portion) -> Any:
    """List the links to calendars, with their last use to the hour; secrets are not among them."""
    return portion.of(calendars.links(at.context))


@router.post("/api/v1/calendars", status_code=201, response_model=NewLink, responses=refusals(404))
def make_link(at: AtDesk, caller: Writer, body: Wanted) -> Any:
    """Make a secret link to one calendar; its address is answered this once."""
    made = calendars.link(at.context, body.kind, body.name, by=caller.actor, now=at.now())
    return {**Link.model_validate(made.link).model_dump(), "url": made.url}


@router.delete("/api/v1/calendars/{id}", status_code=204, responses=refusals(404))
def revoke_link(
    at: AtDesk,
    caller: Writer,
    id: Annotated[int, Path(ge=1, le=2**53)],  # noqa: A002 - the contract calls it id
) -> None:
    """Revoke a link: it opens nothing from now on."""
    calendars.revoke(at.context, id, by=caller.actor, now=at.now())


def _calendar(request: Request, at: Desk, kind: FeedKind, name: str, token: str | None) -> Response:
    """Answer whoever has the calendar's link or may read anyway; to all others every calendar looks alike."""
    now = at.now()
    if token is None:
        at.doorkeeper.api(request, scope="read")
    else:
        link = calendars.opened_by(at.context, kind, name, token, now=now)
        caller = at.doorkeeper.known(request, token) if link is None else None
        if link is None and caller is None:
            raise NotFound(CLOSED)
        request.state.actor = f"calendar link {link.id}" if link else caller.actor if caller else None
    found = calendars.feed(at.context, kind, name, now=now)
    etag = f'"{found.etag}"'
    headers = {"etag": etag, "cache-control": CACHING}
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = 'inline; filename="on-call.ics"'
    return Response(found.text, headers=headers, media_type=MEDIA_TYPE)


def _has(known: str, etag: str) -> bool:
    """Say whether a caller has this version already (RFC 9110 section 13.1.2, weak comparison)."""
    return any(one.strip().removeprefix("W/") in ("*", etag) for one in known.split(","))
