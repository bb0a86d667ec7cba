"""What every handler works with, and the dependencies that hand it over.

Holds references, decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from incident_bot.clock import Clock
from incident_bot.entrypoints.auth import Doorkeeper
from incident_bot.entrypoints.streams import Streams
from incident_bot.flow.access import Caller
from incident_bot.flow.context import Context
from incident_bot.flow.signin import Refusals
from incident_bot.telemetry import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts of one application that its handlers share."""

    context: Context
    """As whoever has not said who they are sees it; `seen_by` for all that reads or changes an incident."""
    clock: Clock
    doorkeeper: Doorkeeper
    refusals: Refusals
    """Who was not let in."""
    metrics: Metrics
    streams: Streams

    def now(self) -> datetime:
        """Read the clock once for this request."""
        return self.clock.now()

    def seen_by(self, caller: Caller) -> Context:
        """Give the context as this caller may see it, and act in it."""
        return self.context.seen_by(self.doorkeeper.seer(caller)).acting(caller.warrant)


async def desk(request: Request) -> Desk:
    """Give the desk of the application that answers this request."""
    found: Desk = request.app.state.desk
    return found


AtDesk = Annotated[Desk, Depends(desk)]


def reader(request: Request, at: AtDesk) -> Caller:
    """Name a caller who may read."""
    return at.doorkeeper.api(request, scope="read")


def writer(request: Request, at: AtDesk) -> Caller:
    """Name a caller who may act on incidents."""
    return at.doorkeeper.api(request, scope="write")


def pipeline(request: Request, at: AtDesk) -> Caller:
    """Name a caller who may tell of changes."""
    return at.doorkeeper.api(request, scope="changes")


def operator(request: Request, at: AtDesk) -> Caller:
    """Name a caller who may change how the bot itself works."""
    return at.doorkeeper.api(request, scope="admin")


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
Pipeline = Annotated[Caller, Depends(pipeline)]
Operator = Annotated[Caller, Depends(operator)]
