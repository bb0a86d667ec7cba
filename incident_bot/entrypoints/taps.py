"""The page behind a tap's secret link: shows the question, and takes the answer by a button.

Programs that follow every link in a message (mail scanners, previews) must not answer for a person: only POST does.
Whoever has the link is the person who got it, so nobody is asked to sign in. Works without script.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.looks import Hours, Looks
from incident_bot.flow.oncall import taps
from incident_bot.flow.oncall.links import PATH

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Path(max_length=200)]
HEADERS: Final = {"x-robots-tag": "noindex, nofollow"}


@router.get(PATH + "{token}")
def tap_page(request: Request, at: AtDesk, token: Token) -> Response:
    """Show what is asked; changes nothing."""
    return _page(request, at, taps.shown(at.context, token, now=at.now()), token)


@router.post(PATH + "{token}")
def tap(request: Request, at: AtDesk, token: Token) -> Response:
    """Take the answer, once, and show it."""
    found = taps.tap(at.context, token, now=at.now())
    request.state.actor = found.person
    return RedirectResponse(f"{PATH}{token}", HTTPStatus.SEE_OTHER, HEADERS)


def _page(request: Request, at: Desk, found: taps.TapView, token: str) -> Response:
    looks: Looks = request.app.state.looks
    html = looks.draw(
        "tap.html",
        title="Are you reachable?",
        tap=found,
        action=f"{PATH}{token}",
        hours=Hours(at.now(), found.time_zone),
    )
    return HTMLResponse(html, headers=HEADERS)
