"""The console's answers to *why*: how an incident, an alert or a person came to be paged, or not. Decides nothing."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response

from incident_bot.entrypoints.api.parameters import Number
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow.access import Caller
from incident_bot.flow.why import Chain, explain_alert, explain_incident, explain_person

router = APIRouter(include_in_schema=False)

DAYS_MOST: Final = 400


@router.get("/incidents/{id}/why")
def incident_why(request: Request, at: AtDesk, caller: Visitor, number: Number) -> Response:
    """Show why an incident paged whom it paged."""
    return _page(
        request, at, caller, explain_incident(at.seen_by(caller), number, listed=False, now=at.now())
    )


@router.get("/alerts/{name}/why")
def alert_why(
    request: Request, at: AtDesk, caller: Visitor, name: Annotated[str, Path(max_length=200)]
) -> Response:
    """Show why an alert was paged for, or not."""
    return _page(request, at, caller, explain_alert(at.seen_by(caller), name, now=at.now()))


@router.get("/people/{name}/why")
def person_why(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    name: Annotated[str, Path(max_length=64)],
    days: Annotated[int, Query(ge=1, le=DAYS_MOST)] = 1,
) -> Response:
    """Show what a person was sent in the last days and why, and what not."""
    now = at.now()
    found = explain_person(at.seen_by(caller), name, start=now - timedelta(days=days), end=now, now=now)
    return _page(request, at, caller, found)


def _page(request: Request, at: Desk, caller: Caller, chain: Chain) -> Response:
    return draw(request, at, caller, "why.html", chain=chain)
