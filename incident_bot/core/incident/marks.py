"""The command that corrects a key time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMilestone:
    """`milestone mitigated 03:45 [reason]`: a key time that people know better than the record."""

    mark: Mark
    at: datetime | None = None
    """None gives it back to the record."""
    reason: str | None = None
    before: datetime | None = None
    """What it was until now."""
    corrected: bool = False
    """Whether a person had set that."""
    measured: bool = False
    """Whether it was read from a series, and not by a person."""
