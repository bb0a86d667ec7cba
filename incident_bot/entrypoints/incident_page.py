"""The page of one incident: what is broken, since when, what to do, who has it; its buttons and its command line.

Every action is a plain form and works without script. Reads through `flow.queries`, acts through
`flow.commands`; decides nothing.
"""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.errors import NotFound, Refused
from incident_bot.entrypoints.api.parameters import Number
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import commands, evidence, queries
from incident_bot.flow import why as chain
from incident_bot.flow.access import Caller
from incident_bot.flow.commands import VERBS
from incident_bot.flow.views import EntryView, ReplyView

router = APIRouter(include_in_schema=False)

SOURCE: Final = "console"
ENTRIES_SHOWN: Final = 200


@router.get("/incidents/{id}")
def incident_page(request: Request, at: AtDesk, caller: Visitor, number: Number) -> Response:
    """Show one incident: what is broken, since when, what to do, who has it."""
    return _incident(request, at, caller, number)


@router.post("/incidents/{id}/commands")
def command(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    text: Annotated[str, Form(max_length=4000)] = "",
    key: Annotated[str, Form(max_length=200)] = "",
    back: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Run one command; a button goes back to its page, the command line shows the reply."""
    try:
        reply = commands.handle(
            at.seen_by(caller),
            text,
            incident=number,
            actor=caller.actor,
            source=SOURCE,
            key=key or None,
            now=at.now(),
        )
    except NotFound:
        raise
    except Refused as refused:
        reply = ReplyView(text=str(refused), ok=False)
    if back and reply.ok:
        return RedirectResponse("/" if back == "now" else f"/incidents/INC-{number}", HTTPStatus.SEE_OTHER)
    if reply.incident and reply.incident != f"INC-{number}":
        return RedirectResponse(f"/incidents/{reply.incident}", HTTPStatus.SEE_OTHER)
    return _incident(request, at, caller, number, said=text, reply=reply)


@router.get("/incidents/{id}/commands")
def after_command(_caller: Visitor, number: Number) -> Response:
    """Lead whoever reloads or shares the address of a reply back to the incident."""
    return RedirectResponse(f"/incidents/INC-{number}", HTTPStatus.SEE_OTHER)


def _incident(
    request: Request, at: Desk, caller: Caller, number: int, *, said: str = "", reply: ReplyView | None = None
) -> Response:
    now = at.now()
    view = queries.incident(at.seen_by(caller), number)
    entries: list[EntryView] = queries.timeline(
        at.seen_by(caller), number, after=max(0, view.seq - ENTRIES_SHOWN), limit=ENTRIES_SHOWN
    )
    return draw(
        request,
        at,
        caller,
        "incident.html",
        status=HTTPStatus.CONFLICT if reply is not None and not reply.ok else HTTPStatus.OK,
        incident=view,
        entries=entries[::-1],
        pages=queries.pages(at.seen_by(caller), number),
        files=evidence.files(at.seen_by(caller), number),
        why=chain.explain_incident(at.seen_by(caller), number, listed=False, now=now).text,
        book=next(
            (one for one in at.context.live.current.revision.runbooks if one.path == view.runbook), None
        ),
        verbs=VERBS,
        said="" if reply is not None and reply.ok else said,
        reply=reply,
    )
