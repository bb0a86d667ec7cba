"""One page of the console: who looks at it, and what surrounds every page alike. Decides nothing."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Annotated, Final

from fastapi import Depends, Request, Response
from starlette.responses import HTMLResponse

from incident_bot.entrypoints import navigation
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.looks import Hours, Looks
from incident_bot.entrypoints.packing import packed
from incident_bot.flow.access import Caller
from incident_bot.flow.slack.names import called

FORM_HEADERS: Final = {"referrer-policy": "same-origin"}
"""With `no-referrer` a browser hides the origin of our own forms, and over plain http that is all it tells."""


def visitor(request: Request, at: AtDesk) -> Caller:
    """Name the person at the console, or send them to the sign-in."""
    return at.doorkeeper.console(request)


Visitor = Annotated[Caller, Depends(visitor)]


def draw(
    request: Request, at: Desk, caller: Caller, page: str, *, status: int = 200, **values: object
) -> Response:
    """Answer with a page of the console, with its navigation and in the visitor's time zone."""
    revision = at.context.live.current.revision
    person = revision.people.get(caller.actor)
    looks: Looks = request.app.state.looks
    html = looks.draw(
        page,
        hours=Hours(at.now(), person.time_zone if person else "UTC"),
        names=partial(called, at.context),
        ranks={rung.name: rung.rank for rung in revision.ladder.rungs},
        me=person.name if person else caller.actor,
        guarded=at.doorkeeper.guarded,
        troubles=len(at.context.live.problems),
        emergencies=at.doorkeeper.emergencies(),
        key=secrets.token_urlsafe(12),
        here=request.url.path,
        places=navigation.shown(request.app.state.places, status_page=revision.status is not None),
        **values,
    )
    return packed(HTMLResponse(html, status, FORM_HEADERS), request.headers)
