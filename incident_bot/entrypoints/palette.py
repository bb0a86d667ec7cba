"""`GET /palette`: what the console's palette offers for some words, as JSON. Decides nothing."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from incident_bot.entrypoints import navigation
from incident_bot.entrypoints.desk import AtDesk
from incident_bot.entrypoints.sheet import Visitor
from incident_bot.flow import palette

router = APIRouter(include_in_schema=False)

_HERE: Final = re.compile(r"/incidents/INC-([0-9]{1,9})(?:/|$)", re.IGNORECASE)


@router.get("/palette")
def find(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    q: Annotated[str, Query(max_length=200)] = "",
    here: Annotated[str, Query(max_length=500)] = "",
) -> list[dict[str, Any]]:
    """Find pages, incidents, people, schedules and runbooks, and the verbs of the incident whose page is open."""
    status_page = at.context.live.current.revision.status is not None
    places = navigation.shown(request.app.state.places, status_page=status_page)
    incident = _HERE.match(here)
    found = palette.find(
        at.seen_by(caller),
        q,
        pages=[*((place.path, place.label) for place in places), ("/declare", "Declare a new incident")],
        number=int(incident[1]) if incident else None,
    )
    return [asdict(one) for one in found]
