"""The doors for those who follow the status page: the form, and the links that confirm and end it.

Open to everybody; they work without script and set no cookie, so there is nothing that another site could ride on. A
link changes nothing until its button is pressed, or a mail program presses it (RFC 8058). Decides nothing;
`flow.status.followers` does.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Request, Response
from starlette.responses import HTMLResponse

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.status import Outlet, Purpose
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.flow.status import followers
from incident_bot.flow.status.files import DOORS
from incident_bot.flow.status.followers import Leaf
from incident_bot.flow.status.shelf import Shelf
from incident_bot.render.status import Form as Filled
from incident_bot.render.status import subscribe_page

router = APIRouter(include_in_schema=False)

HEADERS: Final = {
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow, noarchive",
}
_ASK: Final = "Subscribe to news"
_TITLES: Final = {Purpose.CONFIRM: "Confirm", Purpose.UNSUBSCRIBE: "Unsubscribe"}
_COMPONENTS_MOST: Final = 100
Token = Annotated[str, Path(max_length=100)]


@router.get("/status/subscribe")
def form_page(request: Request, at: AtDesk) -> Response:
    """Show the form."""
    return _page(request, at, title=_ASK, action=followers.DOOR, form=Filled())


@router.post("/status/subscribe")
def subscribe(
    request: Request,
    at: AtDesk,
    address: Annotated[str, Form(max_length=1000)] = "",
    url: Annotated[str, Form(max_length=1000)] = "",
    name: Annotated[str, Form(max_length=1000)] = "",
    components: Annotated[list[str], Form(max_length=_COMPONENTS_MOST)] = [],  # noqa: B006 -- FastAPI copies it
) -> Response:
    """Have an address asked whether it wants news; whoever fills in what nobody sees is a program, and gets thanks."""
    form = Filled(address=address, url=url, ticked=frozenset(components))
    said = followers.ASKED
    if not name:
        # Where no mail is sent the form asks for an address of a program alone.
        program = not address and (url or Outlet.MAIL not in followers.outlets(at.context))
        outlet, to = (Outlet.WEBHOOK, url) if program else (Outlet.MAIL, address)
        try:
            said = followers.subscribe(at.context, outlet, to, components, now=at.now())
        except NotFound:
            raise
        except Refused as refused:
            return _page(
                request,
                at,
                title=_ASK,
                action=followers.DOOR,
                form=form,
                said=str(refused),
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
            )
    return _page(request, at, title="Look at your messages", action=followers.DOOR, said=said)


@router.get("/status/confirm/{token}")
def confirm_page(request: Request, at: AtDesk, token: Token) -> Response:
    """Ask whether they want news."""
    return _leaf(request, at, Purpose.CONFIRM, token, followers.look(at.context, Purpose.CONFIRM, token))


@router.post("/status/confirm/{token}")
def confirm(request: Request, at: AtDesk, token: Token) -> Response:
    """Have news sent from now on."""
    done = followers.act(at.context, Purpose.CONFIRM, token, now=at.now())
    return _leaf(request, at, Purpose.CONFIRM, token, done)


@router.get("/status/unsubscribe/{token}")
def unsubscribe_page(request: Request, at: AtDesk, token: Token) -> Response:
    """Ask whether they want nothing more."""
    found = followers.look(at.context, Purpose.UNSUBSCRIBE, token)
    return _leaf(request, at, Purpose.UNSUBSCRIBE, token, found)


@router.post("/status/unsubscribe/{token}")
def unsubscribe(request: Request, at: AtDesk, token: Token) -> Response:
    """Send nothing more, and forget the address."""
    done = followers.act(at.context, Purpose.UNSUBSCRIBE, token, now=at.now())
    return _leaf(request, at, Purpose.UNSUBSCRIBE, token, done)


def _leaf(request: Request, at: Desk, purpose: Purpose, token: str, leaf: Leaf) -> Response:
    return _page(
        request,
        at,
        title=_TITLES[purpose],
        action=f"/status/{purpose.value}/{token}" if leaf.button else "",
        said=leaf.said,
        button=leaf.button,
        status=HTTPStatus.OK if leaf.known else HTTPStatus.GONE,
    )


def _page(
    request: Request,
    at: Desk,
    *,
    title: str,
    action: str,
    said: str = "",
    button: str = "",
    form: Filled | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    shelf: Shelf = request.app.state.status
    board = shelf.board(now=at.now())
    outlets = followers.outlets(at.context)
    if board is None or (form is not None and not outlets):
        raise NotFound(followers.NOT_HERE)
    templates = at.context.live.current.templates
    written, policy = subscribe_page(
        templates,
        board,
        DOORS,
        title=title,
        action=action,
        outlets=outlets,
        said=said,
        button=button,
        form=form,
    )
    headers = {**HEADERS, "content-security-policy": f"{policy}; frame-ancestors 'none'"}
    return HTMLResponse(written.text, status, headers)
