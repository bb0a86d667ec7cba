"""The list of incidents: every filter stands in the address, so that a list can be linked to and kept.

Reads through `flow.incident_list`; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from incident_bot.core.walltime import zone as zone_of
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import incident_list

router = APIRouter(include_in_schema=False)

INCIDENTS_SHOWN: Final = 50
_LABELS: Final = {
    "q": "text",
    "from": "since",
    "to": "until",
    "person": "paged",
    "slower": "taken later than",
}
"""What a chip calls a filter, where that is another word than its parameter."""

Place = Annotated[int | None, Query(ge=1, le=2**53)]


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force, and the address without it."""

    label: str
    value: str
    address: str


@router.get("/incidents")
def incidents_page(
    request: Request, at: AtDesk, caller: Visitor, before: Place = None, after: Place = None
) -> Response:
    """List incidents, the newest first, by the filters of the address."""
    person = at.context.live.current.revision.people.get(caller.actor)
    asked = incident_list.read(request.query_params, zone_of(person.time_zone) if person else None)
    found = incident_list.page(at.seen_by(caller), asked, before=before, after=after, limit=INCIDENTS_SHOWN)
    given = asked.given
    return draw(
        request, at, caller, "incidents.html",
        incidents=found.incidents,
        given=given,
        problems=asked.problems,
        chips=[
            Chip(_LABELS.get(name, name), value, address(asked.without(name))) for name, value in given.items()
        ],
        newer=address({**given, "after": str(found.newer)}) if found.newer else None,
        older=address({**given, "before": str(found.older)}) if found.older else None,
        first=address(given) if before or after else None,
        states=incident_list.STATES,
        **_offered(at),
    )  # fmt: skip


def address(filters: Mapping[str, str]) -> str:
    """Give the address of a list."""
    return f"/incidents?{urlencode(filters)}" if filters else "/incidents"


def _offered(at: Desk) -> dict[str, Any]:
    """Give what the filters offer: names of the configuration in force."""
    revision = at.context.live.current.revision
    return {
        "teams": sorted(revision.teams),
        "services": sorted(revision.services),
        "people": sorted((one.id, one.name) for one in revision.people.values() if one.active),
    }
