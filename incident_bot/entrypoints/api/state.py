"""Health and metrics: how the bot is. Open to whoever reaches the port; holds nothing secret."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from incident_bot.entrypoints import problems
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import PROBLEM_REF
from incident_bot.entrypoints.desk import AtDesk
from incident_bot.flow import health as health_checks
from incident_bot.telemetry import METRICS_MEDIA_TYPE

router = APIRouter(tags=["state"])


@router.get("/health", response_model=schemas.Health, responses={503: {"model": schemas.Health}})
def health(at: AtDesk, response: Response) -> Any:
    """Show every check; 503 when deliveries cannot be stored."""
    view = health_checks.health(at.context, now=at.now())
    response.status_code = 503 if view.status == "failing" else 200
    return view


@router.get("/health/live", response_model=schemas.Live)
async def live() -> Any:
    """Answer as long as the process does; never touches the database."""
    return {"status": "ok"}


@router.get(
    "/health/ready",
    response_model=schemas.Live,
    responses={503: {"description": "Deliveries cannot be stored.", "content": PROBLEM_REF}},
)
def ready(request: Request, at: AtDesk) -> Response:
    """Say whether deliveries can be stored."""
    if health_checks.ready(at.context, now=at.now()):
        return JSONResponse({"status": "ok"})
    return problems.respond(request, 503, "Deliveries cannot be stored.", headers={"retry-after": "1"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
def metrics(at: AtDesk) -> Response:
    """Show every number in Prometheus' text format."""
    health_checks.refresh_metrics(at.context, now=at.now())
    return Response(at.metrics.render(), media_type=METRICS_MEDIA_TYPE)
