"""The console: the pages on which people see what is open, take it, and talk to it in the words of the chat.

Every action is a plain form and works without script. Reads through `flow.queries`, acts through
`flow.commands`; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from incident_bot.core.errors import NotFound
from incident_bot.entrypoints import loopback, navigation
from incident_bot.entrypoints.auth import SignInNeeded
from incident_bot.entrypoints.desk import AtDesk
from incident_bot.entrypoints.looks import Looks
from incident_bot.entrypoints.packing import packed
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.entrypoints.status_page import GONE
from incident_bot.flow import now, opinions
from incident_bot.render.documents import to_html

router = APIRouter(include_in_schema=False)

_TITLES: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "Sign in first",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Not here",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Not understood",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database does not answer",
}
_ADVICE: Final[Mapping[int, str]] = {
    HTTPStatus.NOT_FOUND: "Perhaps it never was, or it is private and not your work. Look for it in the list.",
    HTTPStatus.FORBIDDEN: "Choose your name, or ask whoever runs this for a token that may.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Deliveries come again, and pages that were due go out, as soon as it is back. "
    "Look at its server, its disk, and at /health.",
}
_FOREVER: Final = "public, max-age=31536000, immutable"


@router.get("/")
def now_page(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show what is open, who answers now, what is on its way, and how the bot is."""
    front = now.front(at.seen_by(caller), caller.actor, now=at.now())
    return draw(request, at, caller, "now.html", front=front, advice=now.advice)


@router.get("/runbooks/{path:path}")
def runbook_page(request: Request, at: AtDesk, caller: Visitor, path: str) -> Response:
    """Show one runbook as it is written."""
    books = at.context.live.current.revision.runbooks
    book = next((one for one in books if one.path == path), None)
    if book is None:
        raise NotFound(f"There is no runbook {path[:80]!r}.")
    return draw(
        request,
        at,
        caller,
        "runbook.html",
        book=book,
        text=to_html(book.text),
        record=opinions.record(at.seen_by(caller), path),
    )


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Serve one asset; its address changes with its content."""
    looks: Looks = request.app.state.looks
    asset = looks.assets.get(name)
    if asset is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    answer = Response(asset.body, media_type=asset.media_type, headers={"cache-control": _FOREVER})
    return packed(answer, request.headers, ready=asset.packed)


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Send browsers that ask by habit to the drawn icon."""
    looks: Looks = request.app.state.looks
    return RedirectResponse(looks.address("icon.svg"), HTTPStatus.SEE_OTHER)


def install(app: FastAPI) -> None:
    """Draw the navigation of the routes that are there, and send whoever is unknown to the sign-in."""
    app.state.places = navigation.present(app)

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
    """Draw a refusal for people; whoever reads the status page is led back there, and told nothing of the rest."""
    looks: Looks = request.app.state.looks
    public = request.url.path.startswith("/status/")
    if public and request.method == "GET" and status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status, detail = HTTPStatus.NOT_FOUND, GONE
    foreign = loopback.is_navigation(request.headers) and loopback.cross_site(request.scope) is not None
    html = looks.draw(
        "error.html",
        title=_TITLES.get(status, "Not possible"),
        advice="" if public else _ADVICE.get(status, ""),
        public=public,
        again=status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET",
        here=request.url.path,
        status=status,
        detail=detail,
        path=request.url.path if foreign else None,
    )
    return HTMLResponse(html, status)
