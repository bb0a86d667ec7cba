"""`/api/v1/postmortems` and `/api/v1/follow-ups`: what is owed after incidents, as lists and as CSV."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Before, Limit, cursor_after, cut, refusals
from incident_bot.entrypoints.desk import AtDesk, Reader
from incident_bot.flow.postmortems import listing
from incident_bot.flow.postmortems.listing import FollowUpRow
from incident_bot.flow.slack.names import called

router = APIRouter(prefix="/api/v1", tags=["post-mortems"])

CSV_MOST: Final = 10_000
State = Literal["all", "open", "draft", "in_review", "approved", "published", "waived"]
FollowUpState = Literal["open", "overdue", "done", "proven", "all"]
Form = Annotated[
    Literal["json", "csv"], Query(description="CSV gives up to 10,000 rows, people by their names.")
]
_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One page, or the whole list as CSV.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


class Postmortem(schemas.Answered):
    """One post-mortem that is wanted."""

    incident: str
    title: str
    severity: str = Field(description="The worst that the incident had.")
    team: str
    state: str = Field(description="draft, in_review, approved, published or waived.")
    owner: str | None
    reviewers: list[str]
    due: schemas.Time | None
    overdue: bool
    resolved_at: schemas.Time | None
    percent: int | None = Field(description="How full its newest version is.")
    missing: list[str]


class FollowUp(schemas.Answered):
    """One follow-up of an incident."""

    incident: str
    number: int
    text: str
    type: str | None
    owner: str | None
    due: schemas.Time | None
    state: str = Field(description="open, overdue, done or proven.")
    done_at: schemas.Time | None
    done_when: str | None = Field(description="The condition that Prometheus is asked each week.")
    proven_at: schemas.Time | None
    checked_at: schemas.Time | None
    checked: str | None = Field(description="What came of asking last.")
    team: str
    title: str = Field(description="The incident's.")


@router.get("/postmortems", response_model=schemas.Page[Postmortem], responses={**_CSV, **refusals(400)})
def list_postmortems(
    at: AtDesk,
    caller: Reader,
    before: Before,
    state: State = "all",
    owner: schemas.Word | None = None,
    team: schemas.Word | None = None,
    overdue: Annotated[bool, Query(description="Only those whose date has passed.")] = False,  # noqa: FBT002 - a query
    limit: Limit = 50,
    format: Form = "json",  # noqa: A002 - as in the contract
) -> Any:
    """List the post-mortems that are wanted, those of the newest incidents first."""
    context, now = at.seen_by(caller), at.now()
    ask = partial(
        listing.postmortems,
        context,
        state=state,
        owner=owner,
        team=team,
        overdue=overdue,
        before=before,
        now=now,
    )
    if format == "csv":
        names = partial(called, at.context)
        return as_csv(
            listing.as_csv(ask(limit=CSV_MOST), listing.POSTMORTEM_COLUMNS, names=names), "post-mortems"
        )
    items, cursor = cut(ask(limit=limit + 1), limit, lambda row: row.number)
    return {"items": items, "next": cursor}


@router.get("/follow-ups", response_model=schemas.Page[FollowUp], responses={**_CSV, **refusals(400)})
def list_followups(
    at: AtDesk,
    caller: Reader,
    before: Before,
    state: FollowUpState = "open",
    owner: schemas.Word | None = None,
    team: schemas.Word | None = None,
    limit: Limit = 50,
    format: Form = "json",  # noqa: A002 - as in the contract
) -> Any:
    """List follow-ups, those of the newest incidents first; all of one incident stand on one page."""
    context, now = at.seen_by(caller), at.now()
    ask = partial(listing.followups, context, state=state, owner=owner, team=team, before=before, now=now)
    if format == "csv":
        names = partial(called, at.context)
        return as_csv(
            listing.as_csv(ask(limit=CSV_MOST), listing.FOLLOWUP_COLUMNS, names=names), "follow-ups"
        )
    items, cursor = whole_incidents(ask(limit=limit), limit)
    return {"items": items, "next": cursor}


def whole_incidents(rows: list[FollowUpRow], limit: int) -> tuple[list[FollowUpRow], str | None]:
    """Give a page of follow-ups, and the cursor behind the last incident on it where there may be more."""
    full = len(rows) >= limit
    return rows, cursor_after(rows[-1].incident_number) if full and rows else None


def as_csv(text: str, name: str) -> Response:
    """Answer with a CSV as a file."""
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
