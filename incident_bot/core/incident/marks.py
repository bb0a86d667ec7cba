"""The commands that say what people know better: key times, what an alert was worth, how a runbook did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from incident_bot.core.model import Judged, Mark, Verdict


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


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveVerdict:
    """`verdict noise [alert] [reason]`: what alerts of the incident were worth."""

    verdict: Verdict
    alerts: tuple[str, ...]
    """The names of the alerts that get it and do not have it yet."""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRunbook:
    """`runbook worked|failed|outdated [reason]`: how the incident's runbook did."""

    path: str
    judged: Judged
    reason: str | None = None
    before: Judged | None = None
    """What was said of it in this incident until now."""
    tell: str | None = None
    """Who owns it and is to be told that it is out of date; None where nobody is, or was told already."""


Opinion: TypeAlias = SetMilestone | GiveVerdict | JudgeRunbook
