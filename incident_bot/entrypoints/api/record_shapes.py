"""The shapes of an incident's record beyond its state: key times and the durations between them."""

from __future__ import annotations

from pydantic import Field

from incident_bot.entrypoints.api import schemas


class Milestone(schemas.Answered):
    """One key time."""

    milestone: str = Field(description="The word by which `milestone` corrects it.")
    name: str
    at: schemas.Time | None
    source: str = Field(description="The record that it comes from: `[event 12]`.")
    author: str | None
    author_name: str | None
    corrected: bool
    measured: bool = Field(default=False, description="Whether it was read from a series of Prometheus.")
    recorded: schemas.Time | None = Field(description="What the record says, where a person corrected it.")
    reason: str | None


class Measures(schemas.Answered):
    """The durations between key times, in seconds."""

    time_to_detect: float | None
    time_to_acknowledge: float | None
    time_to_mitigate: float | None
    time_to_resolve: float | None
    excluded: str | None = Field(
        description="Why the incident is in no figure: a drill, cancelled, in triage."
    )


class Nearby(schemas.Answered):
    """A change shortly before the incident."""

    id: int
    kind: str
    what: str
    service: str | None
    who: str | None
    version: str | None
    url: str | None
    at: schemas.Time
    minutes_before: float = Field(description="Before the trouble began; negative where it came after.")
    why: str = Field(description="Why it stands here.")


class IncidentDetail(schemas.Incident):
    """One incident with everything that is shown of it alone."""

    milestones: list[Milestone]
    measures: Measures | None
    changes: list[Nearby] = Field(description="What changed in the two hours before.")
