"""The door for PagerDuty's webhooks. Checks the signature over the raw body; `flow.pagerduty` does the rest."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from incident_bot.entrypoints.api.parameters import PROBLEM_REF
from incident_bot.entrypoints.desk import AtDesk
from incident_bot.flow import pagerduty

router = APIRouter(tags=["webhooks"])

CLOSED: Final = "Set PAGERDUTY_WEBHOOK_SECRET to open this door."


class Heard(BaseModel):
    """What came of a webhook."""

    event: str
    result: str
    detail: str
    incident: str | None = None


async def raw_body(request: Request) -> bytes:
    """Give the body as it came, byte for byte: a signature covers nothing else."""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]

_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": what, "content": PROBLEM_REF}
    for status, what in (
        (400, "Not a webhook of PagerDuty's; `path` names the first wrong field."),
        (401, "No signature of a known secret."),
        (403, "No secret is configured."),
        (413, "Larger than 1 MB."),
        (503, "It cannot be stored now; PagerDuty tries again."),
    )
}


@router.post(
    "/webhooks/pagerduty",
    response_model=Heard,
    responses=_REFUSALS,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    },
)
def hear(request: Request, at: AtDesk, body: RawBody) -> Any:
    """Take what happened in PagerDuty to an alert from here; once, whatever is sent again."""
    if not pagerduty.configured(at.context):
        raise HTTPException(HTTPStatus.FORBIDDEN, CLOSED)
    if not pagerduty.signed(at.context, body, request.headers.get("x-pagerduty-signature", "")):
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "The signature is not one of a known secret's.")
    heard = pagerduty.receive(at.context, body, now=at.now())
    request.state.actor = "pagerduty"
    return Heard(event=heard.event, result=heard.result, detail=heard.detail, incident=heard.incident)
