"""What is kept around hand-offs, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from incident_bot.core.oncall import Shift
from incident_bot.core.walltime import Span
from incident_bot.store.tables.states import OfferState


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one person has on one schedule: the stretches of an offer, in order."""

    schedule: str
    spans: tuple[Span, ...]

    @property
    def start(self) -> datetime:
        """Give when the first begins."""
        return self.spans[0][0]

    @property
    def end(self) -> datetime:
        """Give when the last ends."""
        return self.spans[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One offer of a shift; `id` is 0 until the store has given one."""

    id: int = 0
    offered_by: str
    offered_to: str | None
    """None for whoever takes it first."""
    given: Held
    wanted: Held | None = None
    """What is asked for in return."""
    reason: str = ""
    state: OfferState = OfferState.OFFERED
    created_at: datetime
    expires_at: datetime
    settled_by: str | None = None
    settled_at: datetime | None = None
    overrides: tuple[int, ...] = field(default=())
    """Those that taking it made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """That one person was asked whether they are reachable for the shift that begins then."""

    id: int
    schedule: str
    starts_at: datetime
    person: str
    asked_at: datetime
    due_at: datetime
    """Without a tap by then, others are told."""
    tapped_at: datetime | None
    missed_at: datetime | None
    """When others were told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was last known of one schedule."""

    schedule: str
    people: tuple[str, ...]
    """Who was on call then."""
    looked_at: datetime
    digest: str
    """Of the configuration by which the shifts were counted."""
    clocks: str
    """The version of the rules of the world's clocks by which they were."""
    counted_at: datetime
    counted_until: datetime
    shifts: tuple[Shift, ...]
    """The stretches of `[counted_at, counted_until)`, without their reasons."""
