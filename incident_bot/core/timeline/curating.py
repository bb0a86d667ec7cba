"""Which entries tell the story, and which are routine: true, kept, and left to whoever wants every line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from incident_bot.core.model import Kind
from incident_bot.core.timeline.entries import Entry

ROUTINE: Final = frozenset(
    {
        Kind.PAGE_PLANNED,
        Kind.PAGE_SENT,
        Kind.PAGES_CANCELLED,
        Kind.MESSAGE_FAILED,
        Kind.ALERT_REFIRED,
        Kind.POSTMORTEM_SAVED,
        Kind.POSTMORTEM_SET,
        Kind.POSTMORTEM_MOVED,
    }
)
"""What is kept for the appendix: true, and not the story."""


def curated(told: Iterable[Entry]) -> tuple[Entry, ...]:
    """Give the entries that tell the story, in the order given."""
    return tuple(entry for entry in told if entry.kind not in ROUTINE)
