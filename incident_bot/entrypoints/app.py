"""Puts the doors together.

The intake door outermost, then the frame, then the API, the live stream and the console.

Wires and describes; every decision is made elsewhere.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from starlette.types import Lifespan

from incident_bot import __version__
from incident_bot.clock import Clock
from incident_bot.entrypoints import (
    acklink,
    api,
    calendar_page,
    console,
    declare_page,
    incident_page,
    incidents_page,
    insights_page,
    lists_page,
    live,
    oncall_page,
    oncall_take_page,
    pagerduty,
    palette,
    papers_page,
    postmortem_page,
    problems,
    routing_page,
    settings_audit_page,
    settings_page,
    signin,
    silence_page,
    slack,
    status_page,
    status_subscribe,
    taps,
    twilio,
    why_page,
)
from incident_bot.entrypoints.auth import Doorkeeper
from incident_bot.entrypoints.desk import Desk
from incident_bot.entrypoints.frame import Frame
from incident_bot.entrypoints.ingest import IntakeDoor
from incident_bot.entrypoints.looks import Looks
from incident_bot.entrypoints.openapi import describe
from incident_bot.entrypoints.streams import Streams
from incident_bot.flow.context import Context
from incident_bot.flow.intake import Intake
from incident_bot.flow.sight import NOBODY
from incident_bot.flow.signin import Refusals
from incident_bot.flow.status.shelf import Shelf
from incident_bot.telemetry import Metrics

DESCRIPTION: Final = "Alerts in, the right person paged, every step on the record."
ROUTERS: Final = (
    *api.ROUTERS,
    live.router,
    live.pulse,
    console.router,
    declare_page.router,
    incidents_page.router,
    incident_page.router,
    lists_page.router,
    insights_page.router,
    oncall_page.router,
    oncall_take_page.router,
    why_page.router,
    routing_page.router,
    palette.router,
    calendar_page.router,
    silence_page.router,
    postmortem_page.router,
    papers_page.router,
    status_page.router,
    status_subscribe.router,
    signin.router,
    settings_page.router,
    settings_audit_page.router,
    acklink.router,
    taps.router,
    pagerduty.router,
    twilio.router,
    slack.router,
)
"""Every door, in the order in which an address is looked for."""


def build_app(
    context: Context,
    clock: Clock,
    intake: Intake,
    metrics: Metrics,
    *,
    lifespan: Lifespan[FastAPI] | None = None,
) -> FastAPI:
    """Give the whole application.

    On shutdown call `app.state.desk.streams.close()` before waiting for connections.
    """
    app = FastAPI(
        title="incident-bot",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    looks = Looks()
    app.state.looks = looks
    app.state.desk = Desk(
        context=context.seen_by(NOBODY),
        clock=clock,
        doorkeeper=Doorkeeper(context, clock),
        refusals=Refusals(context),
        metrics=metrics,
        streams=Streams(),
    )
    app.state.status = Shelf(context)
    app.state.slack = slack.SlackDoor(context, clock) if context.slack is not None else None
    for router in ROUTERS:
        app.include_router(router)
    problems.Refusals(console.error_page).install(app)
    console.install(app)
    # The last one added stands outermost.
    app.add_middleware(Frame, metrics=metrics, secure=context.settings.public_url.startswith("https://"))
    app.add_middleware(IntakeDoor, context=context, intake=intake, metrics=metrics)
    _describe_once(app, context)
    return app


def _describe_once(app: FastAPI, context: Context) -> None:
    guarded = context.settings.api_token is not None or context.settings.sign_in_configured

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app, guarded=guarded)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents for extending the schema
