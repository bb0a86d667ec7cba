"""`GET /api/v1/incidents/{id}/live`: the timeline as server-sent events, for as long as somebody looks.

`GET /now/live` tells the pages of the console that something happened, and not what.

One of the two asynchronous doors: a stream waits without holding a thread. A signal only wakes it early; the
poll each second is the truth, so a lost signal costs a second. Never sends an entry twice: the event's id is
the entry's `seq`.
"""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from incident_bot.core.errors import NotFound
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Number, refusals
from incident_bot.entrypoints.desk import AtDesk, Desk, Reader
from incident_bot.entrypoints.sheet import Visitor
from incident_bot.flow import queries
from incident_bot.flow.views import EntryView

router = APIRouter(prefix="/api/v1", tags=["incidents"])

POLL_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 15.0
STILL_SECONDS: Final = 5.0
# A storm signals hundreds of times a second; ten looks a second are live enough.
SETTLE_SECONDS: Final = 0.1
BATCH: Final = 200
RETRY_MILLISECONDS: Final = 2000
_STREAMED: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}


pulse = APIRouter(include_in_schema=False)


@pulse.get("/now/live")
async def now_live(
    request: Request,
    at: AtDesk,
    _caller: Visitor,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """Say each time that something happened anywhere; an event's id is all that is told of it."""
    start = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else after
    still = partial(at.doorkeeper.present, request)
    return StreamingResponse(beats(at, start, still=still), media_type="text/event-stream", headers=_STREAMED)


@router.get(
    "/incidents/{id}/live",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Entries as they happen.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **refusals(404),
    },
)
async def live(
    request: Request,
    at: AtDesk,
    caller: Reader,
    number: Number,
    after: Annotated[int | None, Query(ge=0, le=2**53, description="Start behind this `seq`.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """Follow the timeline: each new entry is one event whose id is its `seq`; Last-Event-ID resumes."""
    seen = replace(at, context=at.seen_by(caller))
    latest = await run_in_threadpool(_latest, seen, number)
    resumed = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else after
    start = latest if resumed is None else resumed
    still = partial(at.doorkeeper.present, request)
    return StreamingResponse(
        follow(seen, number, start, still=still), media_type="text/event-stream", headers=_STREAMED
    )


async def follow(
    at: Desk, number: int, after: int, *, still: Callable[[], bool] = lambda: True
) -> AsyncIterator[str]:
    """Yield the entries behind `after` as they come, until the process stops or the reader leaves.

    It ends, too, where the incident is made private and the reader may not see it any more, and where `still` says that
    the reader would not be let in again: their session was ended, or their token revoked.
    """

    def look() -> list[str]:
        nonlocal after
        entries = _entries(at, number, after)
        after = entries[-1].seq if entries else after
        return [event(entry) for entry in entries]

    try:
        async for told in _stream(at, look, still):
            yield told
    except NotFound:
        return


async def beats(at: Desk, after: int, *, still: Callable[[], bool] = lambda: True) -> AsyncIterator[str]:
    """Yield one event whenever there is something newer than the event `after`, whatever it is; `still` as above."""

    def look() -> list[str]:
        nonlocal after
        newest = queries.newest_event(at.context)
        if newest == after:
            return []
        after = newest
        return [f"id: {newest}\nevent: changed\ndata: 1\n\n"]

    async for told in _stream(at, look, still):
        yield told


async def _stream(at: Desk, look: Callable[[], list[str]], still: Callable[[], bool]) -> AsyncIterator[str]:
    """Yield what each look finds, and a sign of life when nothing is found for a while."""
    loop = asyncio.get_running_loop()
    wake = asyncio.Event()

    def waker() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(wake.set)

    removers = (at.context.signals.add_listener(waker), at.streams.add(waker))
    quiet_since = asked_at = loop.time()
    try:
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        while not at.streams.closed:
            wake.clear()
            if loop.time() - asked_at >= STILL_SECONDS:
                asked_at = loop.time()
                if not await run_in_threadpool(still):
                    return
            for told in await run_in_threadpool(look):
                quiet_since = loop.time()
                yield told
            if loop.time() - quiet_since >= HEARTBEAT_SECONDS:
                quiet_since = loop.time()
                yield ": still here\n\n"
            await _pause(wake)
    finally:
        for remove in removers:
            remove()


def event(entry: EntryView) -> str:
    """Write one entry as a server-sent event; JSON has no bare line breaks, so one data line is enough."""
    return f"id: {entry.seq}\nevent: entry\ndata: {schemas.Entry.model_validate(entry).model_dump_json()}\n\n"


async def _pause(wake: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(wake.wait(), POLL_SECONDS)
    except TimeoutError:
        return
    await asyncio.sleep(SETTLE_SECONDS)


def _latest(at: Desk, number: int) -> int:
    return queries.incident(at.context, number).seq


def _entries(at: Desk, number: int, after: int) -> list[EntryView]:
    return queries.timeline(at.context, number, after=after, limit=BATCH)
