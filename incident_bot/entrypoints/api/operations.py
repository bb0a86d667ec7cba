"""Trying things out and running the bot: simulation, maintenance windows, reload."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import JSONResponse

from incident_bot.core.errors import Refused
from incident_bot.entrypoints import problems
from incident_bot.entrypoints.api import schemas, simulation_shapes
from incident_bot.entrypoints.api.maintenance_shapes import Maintain, Maintenance
from incident_bot.entrypoints.api.parameters import Portion, refusals
from incident_bot.entrypoints.desk import AtDesk, Operator, Reader, Writer
from incident_bot.flow import interventions, overview
from incident_bot.flow import simulate as simulation
from incident_bot.flow.commands.publishing import PublicWords

router = APIRouter(tags=["operations"])


@router.post(
    "/api/v1/simulate",
    response_model=simulation_shapes.Simulated | simulation_shapes.SimulatedAll,
    responses=refusals(400, 404, 409),
)
def simulate(at: AtDesk, _caller: Reader, body: simulation_shapes.Simulate) -> Any:
    """Decide on labels, or on each alert of a webhook body (then under `items`), without doing anything."""
    instant = body.at or at.now()
    source = body.source or simulation.SOURCE
    if (body.labels is None) == (body.body is None):
        raise Refused("Send either labels or body.")
    if body.body is not None:
        return {"items": simulation.simulate_body(at.context, body.body, source=source, at=instant)}
    return simulation.simulate(
        at.context,
        labels=body.labels or {}, annotations=body.annotations, at=instant, source=source, alerts=body.alerts,
    )  # fmt: skip


@router.get("/api/v1/maintenance", response_model=schemas.Page[Maintenance], responses=refusals(400))
def list_maintenance(at: AtDesk, _caller: Reader, portion: Portion) -> Any:
    """List the maintenance windows that run or are still to come."""
    return portion.of(interventions.maintenance(at.context, now=at.now()))


@router.post("/api/v1/maintenance", status_code=201, response_model=Maintenance, responses=refusals(404, 409))
def add_maintenance(at: AtDesk, caller: Writer, body: Maintain) -> Any:
    """Announce work: matching incidents page nobody while it lasts."""
    acting = at.doorkeeper.acting(caller, body.actor)
    now = at.now()
    return interventions.add_maintenance(
        at.context,
        matchers=list(body.matchers), start=body.start or now, end=body.end, reason=body.reason,
        actor=acting.actor, public=PublicWords(**body.public.model_dump()) if body.public else None, now=now,
    )  # fmt: skip


@router.delete("/api/v1/maintenance/{id}", status_code=204, responses=refusals(404, 409))
def end_maintenance(
    at: AtDesk,
    caller: Writer,
    id: Annotated[int, Path(ge=1, le=2**31 - 1)],  # noqa: A002 - the contract calls it id
) -> None:
    """End a maintenance window now."""
    interventions.end_maintenance(at.context, id, actor=caller.actor, now=at.now())


@router.post("/-/reload", response_model=schemas.Reloaded, responses=refusals())
def reload(request: Request, at: AtDesk, caller: Operator) -> Response:
    """Apply the configuration on disk whole; a bad one is refused whole and the old one stays."""
    done = overview.reload(at.context, by=caller.actor, now=at.now())
    if not done.ok:
        count = len(done.problems)
        detail = (
            f"The configuration has {count} problem{'' if count == 1 else 's'}; the old one stays in force."
        )
        return problems.respond(request, 422, detail, problems=list(done.problems))
    return JSONResponse({"revision": done.revision, "changed": done.changed, "problems": list(done.problems)})
