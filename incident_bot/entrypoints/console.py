"""The console: the pages on which people see what is open, take it, and talk to it in the words of the chat.

Every action is a plain form and works without script. Reads through `flow.queries`, acts through
`flow.commands`; decides nothing.
"""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Form, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from incident_bot.core.errors import NotFound, Refused
from incident_bot.entrypoints import loopback
from incident_bot.entrypoints.api.parameters import Before, Number, cut
from incident_bot.entrypoints.auth import SignInNeeded
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.looks import Looks
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import commands, evidence, queries, roster
from incident_bot.flow import health as health_checks
from incident_bot.flow import why as chain
from incident_bot.flow.access import Caller
from incident_bot.flow.commands import VERBS
from incident_bot.flow.views import EntryView, IncidentView, ReplyView
from incident_bot.render.documents import to_html

router = APIRouter(include_in_schema=False)

SOURCE: Final = "console"
ENTRIES_SHOWN: Final = 200
INCIDENTS_SHOWN: Final = 50
_FOREVER: Final = "public, max-age=31536000, immutable"


@router.get("/")
def now_page(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show what is open, who answers now, and how the bot is."""
    now = at.now()
    return draw(
        request,
        at,
        caller,
        "now.html",
        incidents=_most_urgent_first(
            at, queries.incidents(at.seen_by(caller), state="open", limit=INCIDENTS_SHOWN)
        ),
        on_call=roster.on_call(at.context, at=now),
        health=health_checks.health(at.context, now=now),
    )


@router.get("/incidents")
def incidents_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    before: Before,
    state: str = "all",
    severity: str | None = None,
) -> Response:
    """List incidents, the newest first."""
    states = ("all", "open", "triggered", "acknowledged", "snoozed", "resolved")
    chosen = state if state in states else "all"
    views = queries.incidents(
        at.seen_by(caller), state=chosen, severity=severity or None, before=before, limit=INCIDENTS_SHOWN + 1
    )
    shown, cursor = cut(views, INCIDENTS_SHOWN, lambda view: view.number)
    return draw(
        request, at, caller, "incidents.html",
        incidents=shown, cursor=cursor, chosen=chosen, states=states, wanted=severity or "",
    )  # fmt: skip


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


@router.get("/runbooks/{path:path}")
def runbook_page(request: Request, at: AtDesk, caller: Visitor, path: str) -> Response:
    """Show one runbook as it is written."""
    books = at.context.live.current.revision.runbooks
    book = next((one for one in books if one.path == path), None)
    if book is None:
        raise NotFound(f"There is no runbook {path[:80]!r}.")
    return draw(request, at, caller, "runbook.html", book=book, text=to_html(book.text))


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Serve one asset; its address changes with its content."""
    looks: Looks = request.app.state.looks
    asset = looks.assets.get(name)
    if asset is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return Response(asset.body, media_type=asset.media_type, headers={"cache-control": _FOREVER})


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Send browsers that ask by habit to the drawn icon."""
    looks: Looks = request.app.state.looks
    return RedirectResponse(looks.address("icon.svg"), HTTPStatus.SEE_OTHER)


def install(app: FastAPI) -> None:
    """Send whoever is unknown at the console to the sign-in."""

    def on_unknown(request: Request, _error: Exception) -> Response:
        if request.method != "GET":
            return error_page(request, HTTPStatus.UNAUTHORIZED, "Sign in first; nothing was done.")
        if request.headers.get("sec-fetch-site") == "cross-site":
            # A link in a chat: the cookie is SameSite=Strict, so it was left out; our own page asks again.
            return HTMLResponse(
                '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0"><p>One moment …'
            )
        return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", HTTPStatus.SEE_OTHER)

    app.add_exception_handler(SignInNeeded, on_unknown)


def error_page(request: Request, status: int, detail: str) -> Response:
    """Draw a refusal for people."""
    looks: Looks = request.app.state.looks
    foreign = loopback.is_navigation(request.headers) and loopback.cross_site(request.scope) is not None
    html = looks.draw(
        "error.html",
        title="Not possible",
        status=status,
        detail=detail,
        path=request.url.path if foreign else None,
    )
    return HTMLResponse(html, status)


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
        why=chain.explain(at.seen_by(caller), number, now=now),
        book=next(
            (one for one in at.context.live.current.revision.runbooks if one.path == view.runbook), None
        ),
        verbs=VERBS,
        said="" if reply is not None and reply.ok else said,
        reply=reply,
    )


def _most_urgent_first(at: Desk, incidents: list[IncidentView]) -> list[IncidentView]:
    """What nobody has taken comes first, then the worst, then the newest."""
    ranks = {rung.name: rung.rank for rung in at.context.live.current.revision.ladder.rungs}
    return sorted(
        incidents, key=lambda one: (one.escalation != "triggered", ranks.get(one.severity, 99), -one.number)
    )
