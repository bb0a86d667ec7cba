"""What waits to be sent, and what became of each attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from incident_bot.core.effects import Moment, PageKind
from incident_bot.core.model import JsonObject, Urgency
from incident_bot.store.tables.states import AttemptResult, RowKind, RowState


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One page or message."""

    id: int
    kind: RowKind
    key: str
    incident_id: int | None
    epoch: int | None
    loop: int
    step: int
    page_kind: PageKind | None
    person: str | None
    via: str
    recipient: str | None
    moment: Moment | None
    data: JsonObject
    reason: str
    urgency: Urgency | None
    rank: int
    """The rank of the severity; the worst, 0, goes first."""
    due_at: datetime
    """When it was due at first."""
    ready_at: datetime | None
    """When it may be taken next; None when it is done."""
    state: RowState
    attempts: int
    lease_until: datetime | None
    sent_at: datetime | None
    provider_id: str | None
    error: str | None
    """The last failure, why it was cancelled, or why it did not arrive though it was sent."""
    created_at: datetime
    give_up_at: datetime
    """When it is tried for the last time (S5)."""
    carried_by: int | None = None
    """The page in whose message it stands, where that is another one's (S7)."""
    carries: tuple[OutboxRow, ...] = ()
    """Just claimed: the other pages that stand in its message, the worst first."""

    @property
    def group(self) -> int:
        """The page by which all that stand in one message know each other."""
        return self.carried_by or self.id

    @property
    def lost(self) -> bool:
        """Whether it will not arrive, or is known not to have arrived."""
        return self.state is RowState.FAILED or (self.state is RowState.SENT and self.error is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One provider call."""

    number: int
    at: datetime
    finished_at: datetime | None
    result: AttemptResult
    provider_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenReceipt:
    """What a provider said later of something that it had taken."""

    status: str
    """The provider's word: `delivered`, `undelivered`, `no-answer` …"""
    at: datetime
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """One message to a channel, or to a person about no incident, about to be stored."""

    key: str
    """Unique: a second one of the same key is not stored."""
    coalesce: str | None = None
    """A newer message of the same word supersedes those that still wait."""
    incident_id: int | None = None
    via: str
    recipient: str
    """A channel's name, or the id of the person whom it is for."""
    person: str | None = None
    """That id again, where it is for a person."""
    moment: Moment
    data: JsonObject = field(default_factory=dict)
    due_at: datetime
    rank: int = 9
    give_up_at: datetime | None = None
    """When it is tried for the last time, where that is not an hour after it was due."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim took."""

    rows: list[OutboxRow]
    """Now this owner's to send, until their `lease_until`."""
    dropped: list[OutboxRow]
    """Cancelled instead, `error` says why."""
    late: bool = False
    """Whether pages wait in a lane for too long (S6)."""
    busy: int = 0
    """Due pages left alone because another transaction holds their incident: claim again in some milliseconds."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """It did not go out; try again then."""

    due_at: datetime
    error: str
    asked: bool = False
    """Whether the provider said how long to wait."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It will never go out."""

    error: str


Outcome: TypeAlias = Sent | Again | Failed
"""How one attempt ended."""
