"""The shapes of the HTTP interface: what is answered, and what is taken.

Field names are the contract of the interface. Built from the views of `flow.views`; never handed to it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)

ItemT = TypeVar("ItemT")

FIRST_YEAR, LAST_YEAR = 1970, 2199
# Zones and calendars overflow at the ends of time; nobody is on call there.
_YEARS = r"^(19[7-9][0-9]|2[01][0-9]{2})-"

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _written(value: object) -> object:
    """Refuse what pydantic would take for seconds since 1970, or for a date."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        message = "write an instant such as 2026-03-03T03:00:00Z"
        raise ValueError(message)
    return value


def _within(value: datetime) -> datetime:
    instant = value.astimezone(UTC) if value.year not in (1, 9999) else value
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        message = f"must lie between {FIRST_YEAR} and {LAST_YEAR}"
        raise ValueError(message)
    return instant


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_written),
    AfterValidator(_within),
    Field(json_schema_extra={"pattern": _YEARS}),
]
"""An instant that somebody sent: RFC 3339 with `Z` or an offset."""

Time = Annotated[datetime, AfterValidator(_utc)]
"""An instant that we tell: RFC 3339 in UTC, with `Z`."""

# NUL is no text to PostgreSQL.
_PRINTED = r"^[^\x00]*$"
Word = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTED)]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")
]
Labels = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=16_384, pattern=_PRINTED)]], Field(max_length=200)
]


class Answered(BaseModel):
    """Something we tell; made from a view."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Taken(BaseModel):
    """Something we are sent; unknown fields are refused, so that a typing error is not a silent no."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(BaseModel, Generic[ItemT]):
    """One page of a list."""

    items: list[ItemT]
    next: str | None = Field(description="The cursor of the next page, null on the last one.")


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    path: str | None = Field(default=None, description="Where in a body the first wrong field stands.")
    errors: list[dict[str, str]] | None = None
    problems: list[str] | None = None
    formats: list[str] | None = None


class Alert(Answered):
    """One episode: one continuous firing of an alert."""

    id: int
    source: str
    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    status: str
    starts_at: Time
    ends_at: Time | None
    incident: str | None
    reason: str | None = Field(description="Why it has no incident; null while it has one.")
    runbook: str | None
    flags: list[str]
    severity: str | None
    service: str | None
    team: str | None
    title: str
    generator_url: str
    disposition: str
    refires: int
    opened_at: Time
    updated_at: Time
    why: dict[str, JsonValue] | None


class Item(Answered):
    """One task, follow-up, temporary change, theory or decision."""

    number: int
    kind: str
    text: str
    owner: str | None
    due: Time | None
    undo: str | None
    done_at: Time | None
    outcome: str | None
    why: str | None
    type: str | None = Field(
        description="Of a follow-up: prevent, mitigate, detect, process, repair or other."
    )
    done_when: str | None = Field(
        description="Of a follow-up: the condition that Prometheus is asked each week."
    )
    proven_at: Time | None = Field(description="Since when that condition is known to hold.")


class Silence(Answered):
    """One silence that was asked for in an incident."""

    number: int
    source: str
    matchers: dict[str, str]
    state: str = Field(description="asked, held, lifting or over.")
    on: bool = Field(description="Whether it holds, or is about to.")
    ends_at: Time = Field(description="When it ends; of one that is over, when it ended.")
    asked_at: Time
    asked_by: str
    reason: str | None
    outcome: str | None = Field(description="What became of one that is over.")


class RunbookStep(Answered):
    """One step of an incident's runbook."""

    number: int
    section: str
    text: str
    done_at: Time | None
    done_by: str | None


class Link(Answered):
    """One link that helps."""

    title: str
    url: str


class Call(Answered):
    """Somebody to phone, as no channel reached them."""

    person: str
    name: str
    phone: str


class Tally(Answered):
    """The alerts of one name and service on an incident, counted."""

    name: str
    service: str | None
    firing: int
    total: int


class Incident(Answered):
    """One incident; lists carry it with its first alerts."""

    id: str
    number: int
    title: str
    severity: str
    phase: str
    escalation: str
    team: str
    service: str | None
    lead: str | None
    lead_since: Time | None
    offered_to: str | None = Field(description="Who is asked to take the lead and has not answered.")
    roles: dict[str, str]
    impact: str | None
    opened_at: Time
    opened_by: str
    acknowledged_at: Time | None
    acknowledged_by: str | None
    taken_by: list[str] = Field(
        description="Who has their part of it while others are awaited: `acks: each` in the configuration."
    )
    awaited: list[str] = Field(description="Whose answer it still waits for, once somebody has their part.")
    snoozed_until: Time | None
    resolved_at: Time | None
    next_update_at: Time | None
    update_overdue: bool = Field(description="Whether the update that was promised has not come.")
    reminders_off: bool
    public: str | None = Field(description="Its title on the status page; null where it is not there.")
    reminders_until: Time | None
    epoch: int
    escalation_state: str
    next_step: int | None
    next_step_at: Time | None
    firing: int
    private: bool
    drill: bool
    forced: bool
    runbook: str | None
    room: str | None
    previous: str | None
    merged_into: str | None
    storm: str | None
    flapping_since: Time | None
    tally: list[Tally]
    links: list[Link]
    items: list[Item]
    steps: list[RunbookStep] = Field(description="The steps of its runbook; lists carry it without.")
    silences: list[Silence] = Field(description="Every silence that was asked for, those that are over, too.")
    seq: int
    alerts: list[Alert]
    call: list[Call]


class Attempt(Answered):
    """One call to a provider."""

    at: Time
    result: str
    provider_id: str | None
    error: str | None


class Receipt(Answered):
    """What a provider said later of a page that it had taken."""

    at: Time
    status: str = Field(description="The provider's word, such as `delivered`, `undelivered` or `no-answer`.")
    detail: str | None


class PageSent(Answered):
    """One logical page with its attempts."""

    id: int
    person: str
    name: str
    channel: str
    step: int | str
    loop: int
    epoch: int
    due_at: Time
    state: str
    sent_at: Time | None
    reason: str
    attempts: list[Attempt]
    receipts: list[Receipt] = Field(default_factory=list, description="What the provider said later.")
    carried_by: int | None = Field(default=None, description="The page in whose message it stood.")
    beside: str | None = Field(default=None, description="What else that message told of: INC-3 and 12 more.")


class Entry(Answered):
    """One timeline entry."""

    seq: int
    kind: str
    text: str
    actor: str
    actor_name: str
    source: str
    happened_at: Time
    recorded_at: Time
    data: dict[str, JsonValue]
    hash: str


class Reply(Answered):
    """What a command answered."""

    text: str
    ok: bool
    title: str | None
    facts: list[tuple[str, str]]
    lines: list[str]
    actions: list[str] = Field(description="The likeliest next commands.")
    incident: str | None


class Commanded(Answered):
    """A command's reply and the incident as it is now."""

    reply: Reply
    incident: Incident | None


class Check(Answered):
    """One check of the health page."""

    name: str
    ok: bool
    detail: str


class Health(Answered):
    """How the bot is."""

    status: str = Field(description="ok, degraded or failing.")
    version: str
    revision: str
    checks: list[Check]


class Reloaded(Answered):
    """An applied configuration."""

    revision: str
    changed: bool
    problems: list[str] = Field(description="Warnings; errors would have refused the set.")


class Live(Answered):
    """The process answers."""

    status: str


class Declare(Taken):
    """A new incident, declared by a person."""

    title: Annotated[
        str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")
    ]
    severity: Word | None = None
    service: Word | None = None
    team: Word | None = None
    impact: Text | None = None
    private: bool = Field(default=False, description="Only those who work on it see it.")
    actor: Word | None = Field(default=None, description="The person of people.yaml who declares it.")


class Command(Taken):
    """One command in the words of the chat."""

    text: Text = Field(examples=["ack", "sev P2 only one region", "resolve"])
    actor: Word | None = Field(default=None, description="The person of people.yaml who acts.")
