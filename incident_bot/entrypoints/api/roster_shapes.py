"""The shapes of on call: schedules, who answers and when, and the overrides that people make at run time.

The keys of an override are those of the files.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StringConstraints

from incident_bot.entrypoints.api.schemas import Answered, Instant, Reply, Taken, Time, Word

PersonName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
People = Annotated[list[PersonName], Field(max_length=100)]
Reason = Annotated[str, StringConstraints(max_length=1000)]


class OnCall(Answered):
    """One person who is on call."""

    schedule: str
    person: str
    name: str
    why: str
    since: Time | None
    until: Time | None


class Shift(Answered):
    """One maximal stretch with the same people."""

    start: Time
    end: Time
    people: list[str]
    why: str


class Gap(Answered):
    """One maximal stretch in which nobody answers."""

    start: Time
    end: Time
    deliberate: bool = Field(description="Whether a blocking layer or an override asks for it.")
    why: str


class Schedule(Answered):
    """One schedule of the configuration in force."""

    name: str
    time_zone: str
    layers: list[str] = Field(description="Their names, the highest first.")
    people: list[str] = Field(description="Everybody whom it may put on call.")


class Overriding(Taken):
    """A change to who answers for a time: exactly one of cover, replace with by, remove and add."""

    cover: People | None = Field(default=None, description="These people instead of everybody.")
    replace: PersonName | None = Field(default=None, description="This person, wherever they would answer, …")
    by: PersonName | None = Field(default=None, description="… by this one.")
    remove: PersonName | None = Field(default=None, description="Not this person.")
    add: People | None = Field(default=None, description="These people besides whoever else answers.")
    start: Instant | None = Field(default=None, description="Now, when left out; never in the past.")
    end: Instant
    reason: Reason = ""
    nobody: StrictBool = Field(default=False, description="What an empty cover needs, with a reason.")
    actor: Word | None = Field(default=None, description="The person of people.yaml who makes it.")


class Override(Answered):
    """One override that somebody made at run time; of the four kinds the others are null."""

    id: int
    schedule: str
    cover: list[str] | None
    replace: str | None
    by: str | None
    remove: str | None
    add: list[str] | None
    start: Time
    end: Time = Field(description="When it was cut off, where it was.")
    reason: str
    nobody: bool
    state: str = Field(description="planned, running, ended, or cancelled: taken back before it began.")
    ignored: bool = Field(
        description="It counts for nothing: it puts on somebody who is not active any more."
    )
    created_by: str
    created_at: Time
    ended_by: str | None
    ended_at: Time | None


class Line(Taken):
    """One line in the words of `/oncall`; an empty one asks who is on call."""

    text: Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")] = Field(
        examples=["", "tomorrow 18:00", "me", "override @bob fri 18:00 mon 09:00"]
    )
    actor: Word | None = Field(default=None, description="The person of people.yaml who acts.")


class Replied(Answered):
    """What a line was answered."""

    reply: Reply
