"""The console's form for a silence: what it would hide stands there before anybody asks for it. Decides nothing."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.errors import NotFound, Refused
from incident_bot.entrypoints.api.parameters import Number
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.incident_page import SOURCE
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import commands, queries
from incident_bot.flow.access import Caller
from incident_bot.flow.silences.planning import LASTING, preview

router = APIRouter(include_in_schema=False)


@router.get("/incidents/{id}/silence")
def silence_page(request: Request, at: AtDesk, caller: Visitor, number: Number) -> Response:
    """Show what a silence would hide now, and ask for how long and why."""
    return _drawn(request, at, caller, number)


@router.post("/incidents/{id}/silence")
def silence(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    lasting: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    key: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Ask for the silence, as its command does, and go back to the incident."""
    try:
        commands.handle(
            at.seen_by(caller),
            f"silence INC-{number} {lasting} {reason}".strip(),
            incident=number,
            actor=caller.actor,
            source=SOURCE,
            key=key or None,
            now=at.now(),
        )
    except NotFound:
        raise
    except Refused as refused:
        return _drawn(request, at, caller, number, lasting=lasting, reason=reason, refused=str(refused))
    return RedirectResponse(f"/incidents/INC-{number}", HTTPStatus.SEE_OTHER)


def _drawn(
    request: Request,
    at: Desk,
    caller: Caller,
    number: int,
    *,
    lasting: str = "1h",
    reason: str = "",
    refused: str = "",
) -> Response:
    return draw(
        request,
        at,
        caller,
        "silence.html",
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        incident=queries.incident(at.seen_by(caller), number),
        seen=preview(at.seen_by(caller), number),
        choices=LASTING,
        lasting=lasting,
        reason=reason,
        refused=refused,
    )
