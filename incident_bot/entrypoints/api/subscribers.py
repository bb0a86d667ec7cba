"""`/api/v1/status/subscribers`: who follows the status page, for operators."""

# ruff: noqa: FAST003 -- the parameter `number` reads `{id}`

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Before, Limit, cut, refusals
from incident_bot.entrypoints.desk import AtDesk, Operator
from incident_bot.flow.status import followers

router = APIRouter(prefix="/api/v1/status", tags=["status"])

Number = Annotated[int, Path(alias="id", ge=1, le=2**53)]


class Subscriber(schemas.Answered):
    """One address; without `confirmed_at` nothing but the question goes there."""

    id: int
    outlet: str
    address: str
    components: list[str]
    asked_at: schemas.Time
    confirmed_at: schemas.Time | None


@router.get("/subscribers", response_model=schemas.Page[Subscriber], responses=refusals(400))
def subscribers(at: AtDesk, _caller: Operator, before: Before, limit: Limit = 50) -> Any:
    """List who follows the status page, and who was asked and has not confirmed yet; the newest first."""
    found = followers.listed(at.context, before=before, limit=limit + 1)
    items, cursor = cut(found, limit, lambda one: one.id)
    return {"items": items, "next": cursor}


@router.delete("/subscribers/{id}", status_code=204, responses=refusals(404))
def remove(at: AtDesk, caller: Operator, number: Number) -> None:
    """Take one off and forget the address."""
    followers.remove(at.context, number, by=caller.actor, now=at.now())
