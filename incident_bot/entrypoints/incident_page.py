"""The page of one incident: what is broken, since when, what to do, who has it; its buttons and its command line.

Every action is a plain form and works without script. Reads through `flow.queries`, acts through
`flow.commands`; decides nothing.
"""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Form, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.timeline import Part
from incident_bot.entrypoints.api.parameters import Number
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import commands, evidence, lists, opinions, queries, similar, timeline_page
from incident_bot.flow import why as chain
from incident_bot.flow.access import Caller
from incident_bot.flow.commands import VERBS
from incident_bot.flow.graphs import reading
from incident_bot.flow.views import ReplyView

router = APIRouter(include_in_schema=False)

SOURCE: Final = "console"
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")

Line = Annotated[str, Form(max_length=4000)]
Key = Annotated[str, Form(max_length=200)]
Before = Annotated[int | None, Query(ge=1, le=2**31)]


@router.get("/incidents/{id}")
def incident_page(
    request: Request, at: AtDesk, caller: Visitor, number: Number, before: Before = None
) -> Response:
    """Show one incident: what is broken, since when, what to do, who has it."""
    return _incident(request, at, caller, number, before=before)


@router.post("/incidents/{id}/commands")
def command(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    text: Line = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    key: Key = "",
    back: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Run one command; a button goes back to its page, the command line shows the reply."""
    return _said(request, at, caller, number, f"{text} {reason}".rstrip(), key=key, back=back)


@router.post("/incidents/{id}/notes")
def note(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    text: Line = "",
    clock: Annotated[str, Form(max_length=10)] = "",
    key: Key = "",
) -> Response:
    """Put a note on the timeline, at the time it happened where one is given."""
    if clock.strip() and not _CLOCK.fullmatch(clock.strip()):
        wrong = ReplyView(text=f"{clock.strip()!r} is no time; write it as 03:45, or leave it out.", ok=False)
        said = f"note {text.strip()}"
        return _incident(request, at, caller, number, said=said, reply=wrong)
    return _said(request, at, caller, number, f"note {clock.strip()} {text.strip()}", key=key, back="here")


@router.post("/incidents/{id}/notes/{seq}")
def correct_note(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    seq: Annotated[int, Path(ge=1, le=2**31)],
    text: Line = "",
    do: Annotated[str, Form(max_length=10)] = "edit",
    key: Key = "",
) -> Response:
    """Say how a note reads now, or take it back."""
    said = f"retract {seq}" if do == "retract" else f"edit {seq} {text.strip()}"
    return _said(request, at, caller, number, said, key=key and f"{key}-{do}", back="here")


@router.get("/incidents/{id}/commands")
@router.get("/incidents/{id}/notes")
@router.get("/incidents/{id}/notes/{seq}")
def after_command(at: AtDesk, caller: Visitor, number: Number) -> Response:
    """Lead whoever reloads or shares the address of a reply back to the incident."""
    queries.epoch_of(at.seen_by(caller), number)
    return RedirectResponse(f"/incidents/INC-{number}", HTTPStatus.SEE_OTHER)


def _said(
    request: Request, at: Desk, caller: Caller, number: int, text: str, *, key: str, back: str
) -> Response:
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
        there = "/" if back == "now" else f"/incidents/INC-{number}{_shown(request)}"
        return RedirectResponse(there, HTTPStatus.SEE_OTHER)
    if reply.incident and reply.incident != f"INC-{number}":
        return RedirectResponse(f"/incidents/{reply.incident}", HTTPStatus.SEE_OTHER)
    return _incident(request, at, caller, number, said=text, reply=reply)


def _part(request: Request) -> Part:
    """Give the part of the timeline that the reader looks at, whether they ask for the page or press a button on it."""
    query = (
        request.url.query if request.method == "GET" else urlsplit(request.headers.get("referer", "")).query
    )
    return timeline_page.part_of(parse_qs(query).get("show", [""])[0])


def _shown(request: Request) -> str:
    part = _part(request)
    return "" if part is Part.ALL else f"?show={part.value}"


def _incident(
    request: Request,
    at: Desk,
    caller: Caller,
    number: int,
    *,
    said: str = "",
    reply: ReplyView | None = None,
    before: int | None = None,
) -> Response:
    now = at.now()
    context = at.seen_by(caller)
    view = queries.incident(context, number, most=chain.LOOKED_AT)
    revision = at.context.live.current.revision
    return draw(
        request,
        at,
        caller,
        "incident.html",
        status=HTTPStatus.CONFLICT if reply is not None and not reply.ok else HTTPStatus.OK,
        incident=view,
        apart=lists.told_apart(view.alerts),
        told=timeline_page.read(context, number, part=_part(request), before=before, actor=caller.actor),
        parts=tuple(Part),
        pages=queries.pages(context, number),
        files=evidence.files(context, number),
        graphs=reading.listed(context, number),
        opinions=opinions.of_incident(context, number),
        similar=similar.similar_to(context, number),
        why=chain.explain_incident(context, number, listed=False, now=now).text,
        book=next((one for one in revision.runbooks if one.path == view.runbook), None),
        verbs=VERBS,
        people=sorted(one.id for one in revision.people.values() if one.active),
        said="" if reply is not None and reply.ok else said,
        reply=reply,
    )
