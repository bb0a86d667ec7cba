"""What people ask of an incident's silences, and what sources say of them. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from incident_bot.core.model import Kind
from incident_bot.core.silencing import Hidden, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceAlerts:
    """`silence 2h [reason]`: silence its alerts at their source, or move the end of that.

    The matchers and what they hide come from the flow, which knows the routes and what fires.
    """

    wanted: tuple[Wanted, ...]
    until: datetime
    reason: str | None = None
    hidden: Hidden = field(default_factory=Hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftSilence:
    """`unsilence [number]`: lift these, or all that there are."""

    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceTold:
    """A source did what was asked of a silence, or did not; or a silence ended."""

    number: int
    kind: Kind
    """One of `silenced`, `silence_failed`, `silence_lifted`, `silence_gone` and `silence_ended`."""
    until: datetime | None = None
    """Until when the source holds it."""
    reason: str | None = None
    again: bool = False
    """Whether the source is asked again."""
