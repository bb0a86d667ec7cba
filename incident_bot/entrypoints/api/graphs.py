"""`/api/v1/incidents/{id}/graphs`: what the alerts' own expressions did, as figures, pictures and tables."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.incidents import commanded
from incident_bot.entrypoints.api.parameters import IdempotencyKey, Number, refusals
from incident_bot.entrypoints.desk import AtDesk, Reader, Writer
from incident_bot.entrypoints.documents import document
from incident_bot.flow import commands
from incident_bot.flow.graphs import reading

router = APIRouter(prefix="/api/v1", tags=["incidents"])

SOURCE = "api"
_MEDIA = {"svg": "image/svg+xml", "json": "application/json", "csv": "text/csv; charset=utf-8"}


class Line(schemas.Answered):
    """One line of a graph in figures."""

    name: str
    low: float | None
    high: float | None
    last: float | None
    sparkline: str


class Graph(schemas.Answered):
    """One expression over the time of an incident."""

    number: int
    kind: Literal["alert", "sli"]
    title: str
    expression: str
    source: str
    compare: str | None
    threshold: float | None
    start: schemas.Time
    end: schemas.Time
    step: float = Field(description="In seconds.")
    taken_at: schemas.Time
    moment: Literal["opened", "phase", "resolved", "asked"]
    what: str
    newest: bool = Field(description="Whether no later one shows the same expression.")
    lines: list[Line] = Field(description="Of the newest ones.")
    more: int = Field(description="How many other series there were.")
    text: str


class Graphs(schemas.Answered):
    """All graphs of an incident, the newest first."""

    items: list[Graph]
    waiting: bool = Field(description="Whether some are being taken.")
    error: str | None = Field(description="What went wrong with the last look.")
    set_up: bool = Field(description="Whether any source names its Prometheus.")


@router.get("/incidents/{id}/graphs", response_model=Graphs, responses=refusals(404))
def list_graphs(at: AtDesk, caller: Reader, number: Number) -> Any:
    """List the graphs of an incident, and say why there are none."""
    return reading.listed(at.seen_by(caller), number)


@router.post("/incidents/{id}/graphs", response_model=schemas.Commanded, responses=refusals(404, 409))
def take_graphs(at: AtDesk, caller: Writer, number: Number, idempotency_key: IdempotencyKey = None) -> Any:
    """Have the graphs taken now; they are there a moment later."""
    reply = commands.handle(
        at.seen_by(caller),
        "graph",
        incident=number,
        actor=caller.actor,
        source=SOURCE,
        key=idempotency_key,
        now=at.now(),
    )
    return commanded(at, caller, reply)


@router.get(
    "/incidents/{id}/graphs/{n}.{format}",
    response_class=Response,
    responses={
        200: {
            "description": "The graph.",
            "content": {"image/svg+xml": {}, "image/png": {}, "application/json": {}, "text/csv": {}},
        },
        **refusals(404, 409),
    },
)
def one_graph(
    at: AtDesk,
    caller: Reader,
    number: Number,
    n: Annotated[int, Path(ge=1, le=2**31 - 1)],
    format: Literal["svg", "png", "json", "csv"],  # noqa: A002 - as in the contract
) -> Response:
    """Give one graph as a picture, or its values as JSON or CSV."""
    if format == "png":
        response = Response(reading.as_png(at.seen_by(caller), number, n), media_type="image/png")
    else:
        text = reading.file(at.seen_by(caller), number, n, format)
        response = document(text, _MEDIA[format])
    response.headers["cache-control"] = "private, no-store"
    return response
