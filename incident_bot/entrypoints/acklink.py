"""The page behind the link in a mail: one button that acknowledges one incident as one person.

Works without script and without a sign-in: whoever has the link has what it needs. Reading it changes nothing, because
mail scanners follow links. Decides nothing; `flow.acklinks` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import HTMLResponse

from incident_bot.entrypoints.desk import AtDesk
from incident_bot.entrypoints.looks import Looks
from incident_bot.entrypoints.packing import packed
from incident_bot.flow import acklinks
from incident_bot.flow.acklinks import Door, DoorState

router = APIRouter(include_in_schema=False)

HEADERS: Final = {
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow, noarchive",
}
_STATUS: Final[Mapping[DoorState, HTTPStatus]] = {
    DoorState.OPEN: HTTPStatus.OK,
    DoorState.TAKEN: HTTPStatus.OK,
    DoorState.DONE: HTTPStatus.OK,
    DoorState.OVER: HTTPStatus.GONE,
    DoorState.UNKNOWN: HTTPStatus.NOT_FOUND,
}
_TITLES: Final[Mapping[DoorState, str]] = {
    DoorState.OPEN: "Acknowledge",
    DoorState.TAKEN: "Already acknowledged",
    DoorState.DONE: "Acknowledged",
    DoorState.OVER: "Nothing to acknowledge",
    DoorState.UNKNOWN: "Unknown link",
}
Token = Annotated[str, Path(max_length=200)]


@router.get("/ack/{token}")
def ack_page(request: Request, at: AtDesk, token: Token) -> Response:
    """Show the incident, the person, and the button; changes nothing."""
    return _page(request, acklinks.look(at.context, token, now=at.now()))


@router.post("/ack/{token}")
def ack(request: Request, at: AtDesk, token: Token) -> Response:
    """Acknowledge as the person of the link; the second time says who has it."""
    door = acklinks.acknowledge(at.context, token, now=at.now())
    request.state.actor = door.actor
    return _page(request, door)


def _page(request: Request, door: Door) -> Response:
    looks: Looks = request.app.state.looks
    html = looks.draw("ack.html", title=_TITLES[door.state], door=door)
    return packed(HTMLResponse(html, _STATUS[door.state], HEADERS), request.headers)
