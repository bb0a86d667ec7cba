"""The shapes of maintenance windows: what is taken, and what is answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from incident_bot.entrypoints.api.schemas import Answered, Instant, Taken, Text, Time, Word


class PublicWork(Taken):
    """What the status page says of planned work."""

    title: Annotated[Text, Field(max_length=120)]
    text: Annotated[str, Field(max_length=2000)] = ""
    components: Annotated[tuple[Word, ...], Field(max_length=100)] = ()


class Maintain(Taken):
    """A window in which matching incidents page nobody."""

    matchers: Annotated[list[Text], Field(min_length=1, max_length=50)]
    start: Instant | None = Field(default=None, description="Now, when left out.")
    end: Instant
    reason: Text
    actor: Word | None = None
    public: PublicWork | None = Field(default=None, description="Shown on the status page; else it is not.")


class Maintenance(Answered):
    """A window in which matching incidents page nobody."""

    model_config = ConfigDict(extra="allow")

    id: int
    matchers: list[str]
    start: Time
    end: Time
    reason: str
    public: dict[str, object] | None
