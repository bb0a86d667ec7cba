"""A silence that an incident has at the source of its alerts: for whom, until when, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

SilenceMatchers: TypeAlias = tuple[tuple[str, str], ...]
"""Labels with the values that they must have, by name; an empty value is a label that is not there."""


class SilenceState(StrEnum):
    """Where a silence stands, as far as the source has said."""

    ASKED = "asked"
    """Somebody asked for it; the source has not confirmed it yet."""
    HELD = "held"
    """The source holds it."""
    LIFTING = "lifting"
    """Somebody asked to have it lifted."""
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence of an incident; it is numbered within it."""

    number: int
    source: str
    matchers: SilenceMatchers
    ends_at: datetime
    """When it ends by itself; of one that is over, when it ended."""
    asked_at: datetime
    asked_by: str
    reason: str | None = None
    state: SilenceState = SilenceState.ASKED
    outcome: str | None = None
    """What became of one that is over."""

    @property
    def is_on(self) -> bool:
        """Say whether it holds, or is about to."""
        return self.state in (SilenceState.ASKED, SilenceState.HELD)

    @property
    def what(self) -> str:
        """Its matchers, as Alertmanager writes them."""
        return matchers_text(self.matchers)


def matchers_text(matchers: SilenceMatchers) -> str:
    """Write matchers as Alertmanager does: `alertname="Down", cluster="eu"`."""
    escaped = ((name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in matchers)
    return ", ".join(f'{name}="{value}"' for name, value in escaped)
