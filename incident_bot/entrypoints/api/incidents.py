"""`/api/v1/incidents` and `/api/v1/alerts`: lists, one incident, its record, and commands upon it."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from incident_bot.core.errors import NotFound
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.filters import Filters
from incident_bot.entrypoints.api.parameters import (
    Before,
    IdempotencyKey,
    Limit,
    Number,
    Portion,
    cursor_after,
    cut,
    number_of,
    refusals,
)
from incident_bot.entrypoints.api.record_shapes import IncidentDetail
from incident_bot.entrypoints.desk import AtDesk, Desk, Reader, Writer
from incident_bot.entrypoints.documents import document
from incident_bot.flow import commands, export, incident_list, queries, records
from incident_bot.flow import why as chain
from incident_bot.flow.access import Caller
from incident_bot.flow.context import Context
from incident_bot.flow.postmortems import documents
from incident_bot.flow.views import ReplyView

router = APIRouter(prefix="/api/v1", tags=["incidents"])

SOURCE: Final = "api"
FORMATS: Final = ("md", "html", "json", "pdf")
PDF: Final = "application/pdf"
ALERTS_SHOWN: Final = 10
"""Of each incident in a list, at most; one by itself comes with all of them."""
ALERTS_IN_ALL: Final = 500
"""In one answer, so that a long list stays quick: the more incidents, the fewer of each."""
_MARKDOWN: Final = frozenset({"text/markdown", "text/plain"})


@router.get("/incidents", response_model=schemas.Page[schemas.Incident], responses=refusals(400))
def list_incidents(at: AtDesk, caller: Reader, before: Before, asked: Filters, limit: Limit = 50) -> Any:
    """List incidents, the newest first, each with its first ten alerts, fewer where `limit` is above 50."""
    alerts = min(ALERTS_SHOWN, ALERTS_IN_ALL // limit)
    found = incident_list.page(at.seen_by(caller), asked, before=before, limit=limit, alerts=alerts)
    return {"items": found.incidents, "next": cursor_after(found.older) if found.older else None}


@router.post("/incidents", status_code=201, response_model=schemas.Commanded, responses=refusals(404, 409))
def declare(at: AtDesk, caller: Writer, body: schemas.Declare, idempotency_key: IdempotencyKey = None) -> Any:
    """Declare an incident; pages people like one that an alert opened."""
    acting = at.doorkeeper.acting(caller, body.actor)
    reply = commands.declare(
        at.seen_by(acting),
        title=body.title, severity=body.severity, service=body.service, team=body.team, impact=body.impact,
        private=body.private, actor=acting.actor, source=SOURCE, key=idempotency_key, now=at.now(),
    )  # fmt: skip
    return commanded(at, acting, reply)


@router.get("/incidents/{id}", response_model=IncidentDetail, responses=refusals(404))
def show_incident(at: AtDesk, caller: Reader, number: Number) -> Any:
    """Show one incident with its alerts and key times."""
    return queries.incident(at.seen_by(caller), number)


@router.post("/commands", response_model=schemas.Commanded, responses=refusals(404, 409))
def command_anywhere(
    at: AtDesk, caller: Writer, body: schemas.Command, idempotency_key: IdempotencyKey = None
) -> Any:
    """Run a command that needs no incident, or names one: `list`, `new Checkout is slow`, `INC-42 ack`."""
    return _run(at, caller, body, None, idempotency_key)


@router.post("/incidents/{id}/commands", response_model=schemas.Commanded, responses=refusals(404, 409))
def command(
    at: AtDesk, caller: Writer, number: Number, body: schemas.Command, idempotency_key: IdempotencyKey = None
) -> Any:
    """Run one command in the words of the chat."""
    return _run(at, caller, body, number, idempotency_key)


@router.get(
    "/incidents/{id}/timeline",
    response_model=schemas.Page[schemas.Entry],
    responses={
        200: {
            "description": "Entries, or the whole timeline as a document.",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "text/markdown": {"schema": {"type": "string"}},
            },
        },
        **refusals(400, 404),
    },
)
def timeline(
    at: AtDesk,
    caller: Reader,
    number: Number,
    after: Annotated[int, Query(ge=0, le=2**53, description="Only entries with a larger `seq`.")] = 0,
    cursor: Annotated[
        str | None, Query(max_length=16, pattern="^[0-9]+$", description="From `next`.")
    ] = None,
    limit: Limit = 500,
    format: Annotated[  # noqa: A002 - as in the contract
        Literal["json", "csv", "md"] | None,
        Query(description="The whole timeline as a document, with what came of checking its hash chain."),
    ] = None,
    view: Annotated[
        Literal["full", "curated"] | None,
        Query(description="Of the document: everything, or what tells the story."),
    ] = None,
) -> Any:
    """List what happened, in the order it was recorded; with `format` or `view`, give all of it as a document."""
    if format or view:
        return _whole_timeline(at.seen_by(caller), number, format or "json", view or "full")
    start = max(after, int(cursor or 0))
    views = queries.timeline(at.seen_by(caller), number, after=start, limit=limit + 1)
    items = views[:limit]
    return {"items": items, "next": str(items[-1].seq) if len(views) > limit else None}


@router.get(
    "/incidents/{id}/pages", response_model=schemas.Page[schemas.PageSent], responses=refusals(400, 404)
)
def pages(at: AtDesk, caller: Reader, number: Number, portion: Portion) -> Any:
    """List every page with its attempts and receipts."""
    return portion.of(queries.pages(at.seen_by(caller), number))


@router.get("/incidents/{id}/why", response_model=dict[str, JsonValue], responses=refusals(404))
def why(at: AtDesk, caller: Reader, number: Number) -> Any:
    """Show the chain of custody: delivery, deduplication, route, schedule, pages, receipts."""
    return chain.explain(at.seen_by(caller), number, now=at.now())


@router.get(
    "/incidents/{id}/postmortem",
    response_class=Response,
    responses={
        200: {
            "description": "The draft.",
            "content": {
                "text/markdown": {"schema": {"type": "string"}},
                "text/html": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "object"}},
                PDF: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **refusals(404, 406, 409),
    },
)
def postmortem(
    at: AtDesk,
    caller: Reader,
    number: Number,
    format: Annotated[str, Query(json_schema_extra={"enum": list(FORMATS)})] = "md",  # noqa: A002 - as in the contract
    view: Annotated[
        Literal["names", "blameless"] | None,
        Query(
            description="With people's names, or roles in their place; left out, roles in what is made to be handed on."
        ),
    ] = None,
) -> Response:
    """Give the post-mortem with everything that the record can fill in."""
    if format not in FORMATS:
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"This release writes {', '.join(FORMATS)}.")
    context, now = at.seen_by(caller), at.now()
    if format == "pdf":
        headers = {"content-disposition": f'attachment; filename="inc-{number}-postmortem.pdf"'}
        return Response(export.pdf(context, number, view=view, now=now), media_type=PDF, headers=headers)
    body, media_type = export.postmortem(context, number, format=format, view=view, now=now)
    return document(body, media_type)


@router.put(
    "/incidents/{id}/postmortem",
    status_code=204,
    responses=refusals(400, 404, 409, 415),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/markdown": {"schema": {"type": "string", "minLength": 1}}},
        }
    },
)
async def save_postmortem(request: Request, at: AtDesk, caller: Writer, number: Number) -> None:
    """Keep the text that people wrote into the draft."""
    text = markdown_of(request.headers.get("content-type", ""), await request.body())
    await run_in_threadpool(
        documents.save,
        at.seen_by(caller),
        number,
        text,
        after=None,
        actor=caller.actor,
        source=SOURCE,
        now=at.now(),
    )


@router.get(
    "/alerts", response_model=schemas.Page[schemas.Alert], responses=refusals(400, 404), tags=["alerts"]
)
def list_alerts(
    at: AtDesk,
    caller: Reader,
    before: Before,
    status: Literal["firing", "resolved"] | None = None,
    incident: Annotated[str | None, Query(max_length=20, description="`INC-42` or `42`.")] = None,
    source: schemas.Word | None = None,
    limit: Limit = 50,
) -> Any:
    """List episodes, the newest first."""
    number = None if incident is None else number_of(incident)
    views = queries.alerts(
        at.seen_by(caller), status=status, incident=number, source=source, before=before, limit=limit + 1
    )
    items, cursor = cut(views, limit, lambda view: view.id)
    return {"items": items, "next": cursor}


@router.get("/alerts/{id}/why", response_model=dict[str, JsonValue], responses=refusals(404), tags=["alerts"])
def alert_why(
    at: AtDesk,
    caller: Reader,
    id: Annotated[  # noqa: A002 -- as in the contract
        str, Path(max_length=200, description="Its `id`, its `fingerprint`, or its name: the newest of it.")
    ],
) -> Any:
    """Show why an alert was paged for, or why nobody was: delivery, deduplication, route, muting, incident, pages."""
    return chain.explain_alert(at.seen_by(caller), id, now=at.now()).to_json()


def _whole_timeline(context: Context, number: int, form: str, view: str) -> Response:
    body, media_type = records.timeline(context, number, format=form, view=view)
    response = document(body, media_type)
    if form == "csv":
        response.headers["content-disposition"] = f'attachment; filename="inc-{number}-timeline.csv"'
    return response


def markdown_of(content_type: str, body: bytes) -> str:
    """Read a body of Markdown; raises 415 and 400."""
    if content_type.partition(";")[0].strip().lower() not in _MARKDOWN:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the draft as text/markdown in UTF-8.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The draft is not UTF-8 text.") from None
    if not text.strip() or "\x00" in text:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The draft is empty, or holds a NUL character.")
    return text


def _run(
    at: Desk, caller: Caller, body: schemas.Command, number: int | None, key: str | None
) -> dict[str, object]:
    acting = at.doorkeeper.acting(caller, body.actor)
    reply = commands.handle(
        at.seen_by(acting),
        body.text,
        incident=number,
        actor=acting.actor,
        source=SOURCE,
        key=key,
        now=at.now(),
    )
    return commanded(at, acting, reply, number)


def commanded(at: Desk, caller: Caller, reply: ReplyView, number: int | None = None) -> dict[str, object]:
    """Give the reply with its incident as the caller may see it: none where they made it private for others."""
    shown = number_of(reply.incident) if reply.incident else number
    try:
        incident = None if shown is None else queries.incident(at.seen_by(caller), shown)
    except NotFound:
        incident = None
    return {"reply": reply, "incident": incident}
