"""Who sits at the console: the sign-in with a token, and the choice of a name to act under.

Sets cookies, no more.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from incident_bot.entrypoints import loopback
from incident_bot.entrypoints.auth import PERSON_COOKIE, SESSION_COOKIE, SESSION_LASTS
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.looks import Looks
from incident_bot.entrypoints.sheet import FORM_HEADERS, Visitor

router = APIRouter(include_in_schema=False)

_LASTS: Final = int(SESSION_LASTS.total_seconds())


@router.get("/sign-in")
def sign_in_page(request: Request, at: AtDesk, next: str = "/") -> Response:  # noqa: A002 - in addresses it is next
    """Ask for the token."""
    if not at.doorkeeper.guarded:
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    return _form(request, next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    at: AtDesk,
    token: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",  # noqa: A002 - in addresses it is next
) -> Response:
    """Let in whoever knows the token."""
    foreign = loopback.cross_site(request.scope)
    if foreign:
        raise HTTPException(HTTPStatus.FORBIDDEN, foreign)
    session = at.doorkeeper.new_session(token.strip())
    if session is None:
        return _form(request, next, wrong=True)
    response = RedirectResponse(_own(next), HTTPStatus.SEE_OTHER)
    _keep(at, response, SESSION_COOKIE, session)
    return response


@router.post("/sign-out")
def sign_out(_caller: Visitor) -> Response:
    """Forget who was here."""
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    response.delete_cookie(SESSION_COOKIE)
    response.delete_cookie(PERSON_COOKIE)
    return response


@router.get("/me")
def me_page(request: Request, at: AtDesk, caller: Visitor, next: str = "/") -> Response:  # noqa: A002 - as above
    """Ask who is here, so that actions carry a name."""
    people = at.context.live.current.revision.people.values()
    known = sorted((one for one in people if one.active), key=lambda one: one.name.casefold())
    looks: Looks = request.app.state.looks
    html = looks.draw(
        "me.html",
        title="Who are you?",
        people=known,
        actor=caller.actor,
        next=_own(next),
        guarded=at.doorkeeper.guarded,
    )
    return HTMLResponse(html, headers=FORM_HEADERS)


@router.post("/me")
def choose_me(
    at: AtDesk,
    caller: Visitor,
    person: Annotated[str, Form(max_length=100)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",  # noqa: A002 - as above
) -> Response:
    """Act under this name from now on."""
    response = RedirectResponse(_own(next), HTTPStatus.SEE_OTHER)
    if not person:
        response.delete_cookie(PERSON_COOKIE)
        return response
    _keep(at, response, PERSON_COOKIE, at.doorkeeper.acting(caller, person).actor)
    return response


def _form(request: Request, next: str, *, wrong: bool = False) -> Response:  # noqa: A002 - as above
    looks: Looks = request.app.state.looks
    html = looks.draw("signin.html", title="Sign in", next=_own(next), wrong=wrong)
    return HTMLResponse(html, HTTPStatus.UNAUTHORIZED if wrong else HTTPStatus.OK, FORM_HEADERS)


def _keep(at: Desk, response: Response, name: str, value: str) -> None:
    secure = at.context.settings.public_url.startswith("https://")
    response.set_cookie(name, value, max_age=_LASTS, httponly=True, samesite="strict", secure=secure)


def _own(address: str) -> str:
    """Give an address on this site, or the front page: a sign-in must not send people elsewhere."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain and "\\" not in address else "/"
