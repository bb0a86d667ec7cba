"""The console's lists of post-mortems and follow-ups: what is owed after incidents, by whom, until when."""

from __future__ import annotations

from typing import Annotated, Final, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from incident_bot.core.model import Person
from incident_bot.entrypoints.api.papers import FollowUpState, State, whole_incidents
from incident_bot.entrypoints.api.parameters import Before, cut
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow.postmortems import listing

router = APIRouter(include_in_schema=False)

SHOWN: Final = 50
Word = Annotated[str, Query(max_length=200)]


@router.get("/postmortems")
def postmortems_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    before: Before,
    state: Word = "open",
    owner: Word = "",
    team: Word = "",
    overdue: Word = "",
) -> Response:
    """List post-mortems with where they stand; without a filter those that are not published or waived."""
    chosen = state if state in get_args(State) else "open"
    rows = listing.postmortems(
        at.seen_by(caller), state=chosen, owner=owner or None, team=team or None, overdue=bool(overdue),
        before=before, limit=SHOWN + 1, now=at.now(),
    )  # fmt: skip
    shown, cursor = cut(rows, SHOWN, lambda row: row.number)
    asked = {"state": chosen, "owner": owner, "team": team, "overdue": overdue}
    return draw(
        request, at, caller, "postmortems.html",
        rows=shown, cursor=cursor, chosen=chosen, states=get_args(State), owner=owner, team=team, overdue=overdue,
        query=_query(asked), people=_people(at), teams=sorted(at.context.live.current.revision.teams),
    )  # fmt: skip


@router.get("/follow-ups")
def followups_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    before: Before,
    state: Word = "open",
    owner: Word = "",
    team: Word = "",
) -> Response:
    """List follow-ups; without a filter those that are open."""
    chosen = state if state in get_args(FollowUpState) else "open"
    rows = listing.followups(
        at.seen_by(caller), state=chosen, owner=owner or None, team=team or None, before=before, limit=SHOWN,
        now=at.now(),
    )  # fmt: skip
    shown, cursor = whole_incidents(rows, SHOWN)
    asked = {"state": chosen, "owner": owner, "team": team}
    return draw(
        request, at, caller, "followups.html",
        rows=shown, cursor=cursor, chosen=chosen, states=get_args(FollowUpState), owner=owner, team=team,
        query=_query(asked), people=_people(at), teams=sorted(at.context.live.current.revision.teams),
    )  # fmt: skip


def _query(asked: dict[str, str]) -> str:
    """Give the filters as they stand in an address."""
    return urlencode({name: value for name, value in asked.items() if value})


def _people(at: Desk) -> list[Person]:
    revision = at.context.live.current.revision
    return sorted((one for one in revision.people.values() if one.active), key=lambda one: one.name)
