"""The shapes of a simulation: what is to be decided on, and the whole decision."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from incident_bot.entrypoints.api.schemas import Answered, Instant, Labels, Taken, Time, Word


class Planned(Answered):
    """One step of a simulation."""

    at: Time
    minute: float
    kind: str
    person: str | None
    name: str | None
    channel: str | None
    reason: str
    step: int | str | None
    loop: int


class Simulated(Answered):
    """The whole decision on one label set."""

    labels: dict[str, str]
    action: str
    incident_key: str | None
    title: str
    severity: str
    team: str
    service: str | None
    route: str
    tried: list[dict[str, JsonValue]]
    runbook: str | None
    runbook_url: str | None
    runbook_reason: str
    muted: str | None
    muted_until: Time | None
    pages: list[Planned]
    exhausted: bool
    notes: list[str]
    assumed: list[str]


class SimulatedAll(Answered):
    """The decision on each alert of a webhook body."""

    items: list[Simulated]


class Simulate(Taken):
    """Labels, or a whole webhook body, to decide on without doing anything."""

    labels: Labels | None = None
    annotations: Labels = Field(default_factory=dict)
    body: dict[str, JsonValue] | None = Field(default=None, description="A webhook body, instead of labels.")
    source: Word | None = Field(default=None, description="The source whose shape the body has.")
    at: Instant | None = None
    alerts: Annotated[list[Labels], Field(max_length=200)] = Field(
        default_factory=list, description="Label sets that fire beside it, for inhibition."
    )
