"""`/api/v1/incidents/{id}/bundle`: the whole record of an incident in one sealed file."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from fastapi import APIRouter, Response

from incident_bot.entrypoints.api.parameters import Number, refusals
from incident_bot.entrypoints.desk import AtDesk, Reader
from incident_bot.flow.bundle import MEDIA_TYPE, bundle

router = APIRouter(prefix="/api/v1", tags=["incidents"])


@router.get(
    "/incidents/{id}/bundle",
    response_class=Response,
    responses={
        200: {
            "description": "The bundle; `incident-bot verify` checks it.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        **refusals(404),
    },
)
def sealed_bundle(at: AtDesk, caller: Reader, number: Number) -> Response:
    """Give the whole record of an incident in one sealed zip, as an attachment."""
    made = bundle(at.seen_by(caller), number, actor=caller.actor, now=at.now())
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "X-Content-Type-Options": "nosniff",
        "X-Bundle-Seal": made.seal,
        "Cache-Control": "private, no-store",
    }
    return Response(made.content, media_type=MEDIA_TYPE, headers=headers)
