"""Who sits at the console: the ways to sign in and out, and the choice of a name to act under.

Sets cookies, no more; `flow.signin` decides who comes in.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from incident_bot.core.errors import NotFound
from incident_bot.entrypoints import loopback
from incident_bot.entrypoints.auth import PERSON_COOKIE, SESSION_COOKIE, SESSION_LASTS
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.looks import Hours, Looks
from incident_bot.entrypoints.sheet import FORM_HEADERS, Visitor
from incident_bot.flow import sessions, signin
from incident_bot.flow.signin import ProviderAway, SignInRefused

router = APIRouter(include_in_schema=False)

UNDER_WAY_COOKIE: Final = "incident_bot_sign_in"
_LASTS: Final = int(SESSION_LASTS.total_seconds())
Provider = Annotated[str, Path(max_length=20)]
Secret = Annotated[str, Path(max_length=200)]


@router.get("/sign-in")
def sign_in_page(request: Request, at: AtDesk, next: str = "/") -> Response:  # noqa: A002 - in addresses it is next
    """Offer the ways to sign in."""
    if not at.doorkeeper.guarded:
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    return _form(request, at, next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    at: AtDesk,
    token: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",  # noqa: A002 - in addresses it is next
) -> Response:
    """Let in whoever knows a token."""
    _own_form(request)
    secret = signin.with_token(
        at.context, token.strip(), agent=_agent(request), refusals=at.refusals, now=at.now()
    )
    if secret is None:
        return _form(
            request, at, next, status=HTTPStatus.UNAUTHORIZED, problem="That is not a token that holds."
        )
    response = RedirectResponse(_own(next), HTTPStatus.SEE_OTHER)
    _open(at, response, secret)
    return response


@router.get("/sign-in/{provider}")
def go_to_provider(request: Request, at: AtDesk, provider: Provider, next: str = "/") -> Response:  # noqa: A002 - as above
    """Send the browser to a provider."""
    try:
        begun = signin.begin(at.context, provider, next_page=_own(next), now=at.now())
    except ProviderAway as problem:
        return _form(request, at, next, status=HTTPStatus.SERVICE_UNAVAILABLE, problem=str(problem))
    response = RedirectResponse(begun.address, HTTPStatus.SEE_OTHER)
    # Lax: the provider sends the browser back from another site. It opens nothing by itself.
    response.set_cookie(
        UNDER_WAY_COOKIE,
        begun.cookie,
        max_age=int(signin.UNDER_WAY.total_seconds()),
        path="/sign-in",
        httponly=True,
        samesite="lax",
        secure=at.doorkeeper.secure,
    )
    return response


@router.get("/sign-in/{provider}/callback")
def come_back(request: Request, at: AtDesk, provider: Provider) -> Response:
    """Let in whoever a provider sends back, if they are a person of people.yaml."""
    status, problem = HTTPStatus.FORBIDDEN, ""
    try:
        done = signin.finish(
            at.context,
            provider,
            dict(request.query_params),
            request.cookies.get(UNDER_WAY_COOKIE, ""),
            agent=_agent(request),
            refusals=at.refusals,
            now=at.now(),
        )
    except SignInRefused as refused:
        problem = str(refused)
    except ProviderAway as away:
        status, problem = HTTPStatus.SERVICE_UNAVAILABLE, str(away)
    if problem:
        response = _form(request, at, "/", status=status, problem=problem)
    else:
        # A page of ours leads on: on a redirect from another site the browser would leave our strict cookie out.
        looks: Looks = request.app.state.looks
        response = HTMLResponse(looks.draw("signedin.html", title="Signed in", next=_own(done.next)))
        _open(at, response, done.secret)
    response.delete_cookie(UNDER_WAY_COOKIE, path="/sign-in")
    return response


@router.get("/sign-in/link/{secret}")
def link_page(request: Request, at: AtDesk, secret: Secret) -> Response:
    """Show what a one-time link opens, with a button; changes nothing, as scanners follow links."""
    return _link(request, at, secret)


@router.post("/sign-in/link/{secret}")
def use_link(request: Request, at: AtDesk, secret: Secret) -> Response:
    """Open the session of a one-time link."""
    _own_form(request)
    try:
        opened = signin.use_link(at.context, secret, agent=_agent(request), now=at.now())
    except NotFound as gone:
        return _link(request, at, secret, problem=str(gone))
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    _open(at, response, opened)
    return response


@router.post("/sign-out")
def sign_out(at: AtDesk, caller: Visitor) -> Response:
    """End this session."""
    if caller.session is not None:
        sessions.sign_out(at.context, caller.session, by=caller.actor, now=at.now())
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    for name in (SESSION_COOKIE, PERSON_COOKIE):
        response.delete_cookie(name)
    if at.doorkeeper.secure:
        response.delete_cookie(at.doorkeeper.session_cookie, secure=True, httponly=True)
    return response


@router.get("/me")
def me_page(request: Request, at: AtDesk, caller: Visitor, next: str = "/") -> Response:  # noqa: A002 - as above
    """Ask who is here, so that actions carry a name; whoever signed in as themselves is led to their settings."""
    if caller.person is not None:
        return RedirectResponse("/settings", HTTPStatus.SEE_OTHER)
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


def _form(
    request: Request,
    at: Desk,
    next: str,  # noqa: A002 - as above
    *,
    status: int = HTTPStatus.OK,
    problem: str = "",
) -> Response:
    looks: Looks = request.app.state.looks
    html = looks.draw(
        "signin.html",
        title="Sign in",
        next=_own(next),
        problem=problem,
        ways=signin.offered(at.context),
        days=SESSION_LASTS.days,
    )
    return HTMLResponse(html, status, FORM_HEADERS)


def _link(request: Request, at: Desk, secret: str, *, problem: str = "") -> Response:
    looks: Looks = request.app.state.looks
    view = None
    if not problem:
        try:
            view = signin.look_link(at.context, secret, now=at.now())
        except NotFound as gone:
            problem = str(gone)
    html = looks.draw(
        "signinlink.html",
        title="Sign in once",
        link=view,
        problem=problem,
        secret=secret,
        hours=Hours(at.now()),
    )
    return HTMLResponse(html, HTTPStatus.OK if view else HTTPStatus.NOT_FOUND, FORM_HEADERS)


def _own_form(request: Request) -> None:
    foreign = loopback.cross_site(request.scope)
    if foreign:
        raise HTTPException(HTTPStatus.FORBIDDEN, foreign)


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")[:1000]


def _open(at: Desk, response: Response, secret: str) -> None:
    _keep(at, response, at.doorkeeper.session_cookie, secret)


def _keep(at: Desk, response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=_LASTS, httponly=True, samesite="strict", secure=at.doorkeeper.secure
    )


def _own(address: str) -> str:
    """Give an address on this site, or the front page: a sign-in must not send people elsewhere."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain and "\\" not in address else "/"
