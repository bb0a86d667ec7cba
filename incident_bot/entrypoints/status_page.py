"""The status page: open to everybody, made elsewhere, kept ready. Knows nothing of who reads it; decides nothing.

Every route here is public. None of them takes anything but a name, and all of them read the same few files.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from incident_bot.core.errors import NotFound
from incident_bot.entrypoints.api.parameters import PROBLEM_REF
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.flow.status.shelf import Shelf

router = APIRouter(tags=["status"])

CACHING: Final = "public, max-age=10, stale-while-revalidate=60, stale-if-error=86400"
NOT_SET_UP: Final = "There is no status page here. To set one up, write rotations/status.yaml."
GONE: Final = "There is nothing of that name on the status page."
_NOTHING_MORE: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
Key = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_MISSING: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "No status page is set up.", "content": PROBLEM_REF},
}


@router.get("/status", include_in_schema=False)
async def home(request: Request, at: AtDesk) -> Response:
    """Show the whole page."""
    return await _answer(request, at, "/status")


@router.get("/status/incidents/{id}", include_in_schema=False)
async def incident(request: Request, at: AtDesk, id: Id) -> Response:  # noqa: A002 -- as the addresses call it
    """Show one published incident by its public name."""
    return await _answer(request, at, f"/status/incidents/{id}")


@router.get("/status/badge.svg", include_in_schema=False)
async def whole_badge(request: Request, at: AtDesk) -> Response:
    """Draw how the whole is."""
    return await _answer(request, at, "/status/badge.svg")


@router.get("/status/components/{key}.svg", include_in_schema=False)
async def component_badge(request: Request, at: AtDesk, key: Key) -> Response:
    """Draw how one component is."""
    return await _answer(request, at, f"/status/components/{key}.svg")


@router.get("/status.json", response_class=Response, responses={
    200: {"description": "The page in the summary format of Statuspage.", "content": {"application/json": {}}},
    304: {"description": "As it was."},
    **_MISSING,
})  # fmt: skip
async def summary(request: Request, at: AtDesk) -> Response:
    """Give the page for programs: components, open incidents, maintenance."""
    return await _answer(request, at, "/status.json")


@router.get("/status.atom", response_class=Response, responses={
    200: {"description": "The newest incidents.", "content": {"application/atom+xml": {}}},
    304: {"description": "As it was."},
    **_MISSING,
})  # fmt: skip
async def feed(request: Request, at: AtDesk) -> Response:
    """Give the newest incidents as a feed."""
    return await _answer(request, at, "/status.atom")


async def _answer(request: Request, at: Desk, path: str) -> Response:
    shelf: Shelf = request.app.state.status
    now = at.now()
    files = shelf.ready(now=now)
    if files is None:
        files = await run_in_threadpool(shelf.files, now=now)
    if not files:
        raise NotFound(NOT_SET_UP)
    file = files.get(path)
    if file is None:
        raise NotFound(GONE)
    headers = {
        "etag": file.etag,
        "cache-control": CACHING,
        # What everybody may read, everybody's pages may read.
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "content-security-policy": file.policy or _NOTHING_MORE,
    }
    known = request.headers.get("if-none-match", "")
    if any(one.strip().removeprefix("W/") in ("*", file.etag) for one in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=file.media_type)
