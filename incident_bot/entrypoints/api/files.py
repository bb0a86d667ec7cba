"""`/api/v1/incidents/{id}/files`: the files of an incident's record, to be saved and never to be shown in place."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Response

from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Number, Portion, refusals
from incident_bot.entrypoints.desk import AtDesk, Reader
from incident_bot.flow import evidence

router = APIRouter(prefix="/api/v1", tags=["incidents"])


class File(schemas.Answered):
    """One file that came with a message on the timeline."""

    number: int
    name: str
    kind: str
    size: int
    sha256: str | None
    added_by: str
    added_at: schemas.Time
    state: Literal["kept", "waiting", "not kept"]
    reason: str | None


@router.get("/incidents/{id}/files", response_model=schemas.Page[File], responses=refusals(400, 404))
def list_files(at: AtDesk, caller: Reader, number: Number, portion: Portion) -> Any:
    """List the files that came with messages on the timeline."""
    return portion.of(evidence.files(at.seen_by(caller), number))


@router.get(
    "/incidents/{id}/files/{n}",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"application/octet-stream": {}}},
        **refusals(404),
    },
)
def one_file(
    at: AtDesk, caller: Reader, number: Number, n: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> Response:
    """Give one file, as an attachment."""
    file = evidence.file(at.seen_by(caller), number, n)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    return Response(file.content, media_type=file.kind, headers=headers)
