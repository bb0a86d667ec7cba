"""`/api/v1/changes`: deploys and configuration changes, told by pipelines and listed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from incident_bot.core.nearby import ChangeEvent
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Before, IdempotencyKey, Limit, cut, refusals
from incident_bot.entrypoints.desk import AtDesk, Pipeline, Reader
from incident_bot.flow import change_events

router = APIRouter(prefix="/api/v1", tags=["changes"])

Kind = Literal["deploy", "config", "flag", "migration", "infrastructure", "other"]
Address = Annotated[
    str, StringConstraints(max_length=2000, pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\x00/]+[^\s\x00]*$")
]


class TellChange(schemas.Taken):
    """What changed; without `service`, `team` and `labels` it concerns everything."""

    what: schemas.Text = Field(description="In one line: `checkout 41 to production`.")
    kind: Kind = "deploy"
    service: schemas.Word | None = None
    team: schemas.Word | None = None
    who: schemas.Word | None = Field(default=None, description="Who or what did it.")
    version: schemas.Word | None = None
    url: Address | None = Field(default=None, description="Where to read on: http or https.")
    at: schemas.Instant | None = Field(default=None, description="When it was done; now, when left out.")
    labels: schemas.Labels = Field(
        default_factory=dict, description="Such as `cluster` or `region`, as alerts carry them."
    )


class Change(schemas.Answered):
    """One change, as it is kept."""

    id: int
    kind: str
    what: str
    service: str | None
    team: str | None
    who: str | None
    version: str | None
    url: str | None
    at: schemas.Time
    labels: dict[str, str]
    told_by: str
    told_at: schemas.Time


@router.post("/changes", status_code=201, response_model=Change, responses=refusals(409))
def tell_change(
    at: AtDesk, caller: Pipeline, body: TellChange, idempotency_key: IdempotencyKey = None
) -> Any:
    """Tell of a deploy or another change; a token of scope `changes` may do this and nothing else."""
    now = at.now()
    told = ChangeEvent(
        kind=body.kind, what=body.what, service=body.service or None, team=body.team or None, who=body.who,
        version=body.version, url=body.url, labels=body.labels, at=body.at or now, told_by=caller.actor, told_at=now,
        key=idempotency_key,
    )  # fmt: skip
    return change_events.tell(at.context, told, now=now)


@router.get("/changes", response_model=schemas.Page[Change], responses=refusals(400))
def list_changes(
    at: AtDesk,
    _caller: Reader,
    before: Before,
    service: schemas.Word | None = None,
    team: schemas.Word | None = None,
    start: Annotated[schemas.Instant | None, Query(alias="from", description="Done then or later.")] = None,
    end: Annotated[schemas.Instant | None, Query(alias="to", description="Done before then.")] = None,
    limit: Limit = 50,
) -> Any:
    """List the changes, the last told first."""
    found = change_events.listed(
        at.context, service=service, team=team, start=start, end=end, before=before, limit=limit + 1
    )
    items, cursor = cut(found, limit, lambda change: change.id)
    return {"items": items, "next": cursor}
