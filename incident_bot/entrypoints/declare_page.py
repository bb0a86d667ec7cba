"""The console's form for an incident that a person declares, with those that are open and may be the same.

A plain form that works without script. Reads through `flow.alike`, acts through `flow.commands`; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.errors import Refused
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.incident_page import SOURCE
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import commands
from incident_bot.flow.access import Caller
from incident_bot.flow.alike import Alike, alike
from incident_bot.flow.commands.declaring import TITLE_MOST

router = APIRouter(include_in_schema=False)

Word = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the form."""

    title: str = ""
    severity: str = ""
    service: str = ""
    team: str = ""
    impact: str = ""
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Why nothing was opened yet."""

    refused: str = ""
    alike: list[Alike] = field(default_factory=list)


@router.get("/declare")
def declare_page(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show the form; only the title has to be filled in."""
    return _drawn(request, at, caller, Typed(), Answer())


@router.post("/declare")
def declare(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    title: Annotated[str, Form(max_length=TITLE_MOST)] = "",
    severity: Word = "",
    service: Word = "",
    team: Word = "",
    impact: Annotated[str, Form(max_length=2000)] = "",
    private: Word = "",
    sure: Word = "",
    key: Word = "",
) -> Response:
    """Open the incident and lead to its page; where others may be the same, show them first and ask once."""
    typed = Typed(
        title=title, severity=severity, service=service, team=team, impact=impact, private=bool(private)
    )
    context = at.seen_by(caller)
    if title.strip() and not sure:
        found = alike(context, title=title, service=service or None, actor=caller.actor, key=key)
        if found:
            return _drawn(request, at, caller, typed, Answer(alike=found))
    try:
        reply = commands.declare(
            context,
            title=title,
            severity=severity or None,
            service=service or None,
            team=team or None,
            impact=impact.strip() or None,
            private=typed.private,
            actor=caller.actor,
            source=SOURCE,
            key=key or None,
            now=at.now(),
        )
    except Refused as refused:
        return _drawn(request, at, caller, typed, Answer(refused=str(refused)))
    return RedirectResponse(f"/incidents/{reply.incident}", HTTPStatus.SEE_OTHER)


def _drawn(request: Request, at: Desk, caller: Caller, typed: Typed, answer: Answer) -> Response:
    revision = at.context.live.current.revision
    return draw(
        request,
        at,
        caller,
        "declare.html",
        status=HTTPStatus.CONFLICT if answer.refused or answer.alike else HTTPStatus.OK,
        typed=typed,
        refused=answer.refused,
        alike=answer.alike,
        default=revision.routing.default.severity,
        services=sorted(revision.services),
        teams=sorted((team.name, team.id) for team in revision.teams.values()),
        most=TITLE_MOST,
    )
