"""The console's *try it*: labels or a webhook body in, the whole decision out, minute by minute. Decides nothing."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from incident_bot.core.errors import Refused, Unreadable
from incident_bot.core.walltime import parse_instant
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import simulate as simulation
from incident_bot.flow.views import SimulatedView

router = APIRouter(include_in_schema=False)

TEXT_MOST: Final = 8000
_BETWEEN: Final = re.compile(r"\s*\n\s*|,\s*(?=[A-Za-z_][A-Za-z0-9_]*=)")


@router.get("/simulate")
def simulate_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    text: Annotated[str, Query(max_length=TEXT_MOST)] = "",
    when: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show what would happen to an alert; an address with its labels can be passed on."""
    views: list[SimulatedView] = []
    refused = ""
    if text.strip():
        try:
            views = _simulated(at, text.strip(), when.strip())
        except (Refused, Unreadable) as problem:
            refused = str(problem)
    return draw(
        request, at, caller, "simulate.html",
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        views=views, refused=refused, text=text, when=when,
    )  # fmt: skip


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
