"""The words that columns of this layer's own may hold; those of `core`'s values stand in `core`."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Whether a delivery's effects were stored with it."""

    APPLIED = "applied"
    DEFERRED = "deferred"
    """Stored raw: its effects could not be computed yet (I1)."""
    FAILED = "failed"
    """Given up; a person has to look."""


class RowKind(StrEnum):
    """A page reaches a person, a message goes to a channel."""

    PAGE = "page"
    MESSAGE = "message"


class RowState(StrEnum):
    """Where a row of the outbox stands; the last three are final."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"
    FAILED = "failed"


class AttemptResult(StrEnum):
    """What became of one provider call."""

    SENT = "sent"
    AGAIN = "again"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Its lease ran out before anybody recorded an end (S4)."""


class TimerState(StrEnum):
    """Whether a timer still falls due."""

    PENDING = "pending"
    PARKED = "parked"
    """Its firing failed too often; a person has to look."""


class SilenceWish(StrEnum):
    """What a source of alerts is to do with a silence."""

    HOLD = "hold"
    LIFT = "lift"


class OverrideKind(StrEnum):
    """What an override of a schedule does (R13)."""

    COVER = "cover"
    REPLACE = "replace"
    REMOVE = "remove"
    ADD = "add"


class FeedKind(StrEnum):
    """Whose shifts a calendar shows."""

    SCHEDULE = "schedule"
    TEAM = "team"
    PERSON = "person"


class OfferState(StrEnum):
    """Where an offer of a shift stands; one whose time is over has expired, without a word of its own."""

    OFFERED = "offered"
    TAKEN = "taken"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
