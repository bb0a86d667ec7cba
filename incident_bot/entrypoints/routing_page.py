"""The routing page: every route with its file and line, and *try it*: labels in, the whole decision out.

Shows the configuration in force and asks the code that decides on alerts. Decides nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.errors import Refused, Unreadable
from incident_bot.core.walltime import parse_instant
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import queries
from incident_bot.flow import simulate as simulation
from incident_bot.flow.access import Caller
from incident_bot.flow.views import SimulatedView

router = APIRouter(include_in_schema=False)

TEXT_MOST: Final = 8000
RECENT_SHOWN: Final = 8
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_BETWEEN: Final = re.compile(r"\s*\n\s*|,\s*(?=[A-Za-z_][A-Za-z0-9_]*=)")


@dataclass(frozen=True, slots=True)
class Recent:
    """One alert that came lately, to be tried as it would be decided today."""

    title: str
    id: int
    address: str


@router.get("/routing")
def routing_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    text: Annotated[str, Query(max_length=TEXT_MOST)] = "",
    when: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show the routes, and what would happen to an alert; an address with its labels can be passed on."""
    views: list[SimulatedView] = []
    refused = ""
    if text.strip():
        try:
            views = _simulated(at, text.strip(), when.strip())
        except (Refused, Unreadable) as problem:
            refused = str(problem)
    revision = at.context.live.current.revision
    return draw(
        request, at, caller, "routing.html",
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        routing=revision.routing, opening_hours=revision.hours, days=DAYS, revision=revision.id,
        tried=_tried(views[0]) if views else {}, took=views[0].route if views else None,
        recent=_recent(at, caller),
        views=views, refused=refused, text=text, when=when,
    )  # fmt: skip


@router.get("/simulate")
def simulate_page(_caller: Visitor, request: Request) -> Response:
    """Lead old links to the page that took this one in."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/routing{query}", HTTPStatus.PERMANENT_REDIRECT)


def _tried(view: SimulatedView) -> dict[str, list[tuple[str, bool, str]]]:
    """Give what was asked at each place: the matcher, whether it passed, and the value that it saw."""
    found: dict[str, list[tuple[str, bool, str]]] = {}
    for one in view.tried:
        told = (str(one["matcher"]), one["matched"] is True, str(one["value"]))
        found.setdefault(str(one["place"]), []).append(told)
    return found


def _recent(at: Desk, caller: Caller) -> list[Recent]:
    alerts = queries.alerts(at.seen_by(caller), limit=RECENT_SHOWN)
    return [
        Recent(
            one.title,
            one.id,
            "/routing?"
            + urlencode({"text": "\n".join(f"{key}={value}" for key, value in one.labels.items())}),
        )
        for one in alerts
    ]


def _simulated(at: Desk, text: str, when: str) -> list[SimulatedView]:
    try:
        instant = parse_instant(when, ZoneInfo("UTC")) if when else at.now()
    except ValueError as error:
        raise Refused(f"{when!r} is no instant; write 2026-11-21T03:00:00Z.") from error
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Refused("This begins like a webhook body, and is not JSON.") from error
        return simulation.simulate_body(at.context, body, at=instant)
    labels: dict[str, str] = {}
    for word in _BETWEEN.split(text):
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise Refused(f"{word[:40]!r} is no label; write name=value, one a line.")
        labels[name.strip()] = value.strip().strip('"')
    return [simulation.simulate(at.context, labels=labels, annotations={}, at=instant)]
