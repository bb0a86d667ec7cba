"""Which entries of the timeline a room is told of, and how loudly."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from incident_bot.core.model import Event, Kind


class Telling(StrEnum):
    """How an entry is told."""

    LOUD = "loud"
    """In the room, where everybody sees it."""
    QUIET = "quiet"
    """In the one thread for noise."""
    SILENT = "silent"
    """Not at all: the card or a page says it, or the room said it itself."""


_LOUD: Final = (
    Kind.ACKNOWLEDGED, Kind.UNACKNOWLEDGED, Kind.ACK_EXPIRED, Kind.SNOOZED, Kind.WOKEN, Kind.ESCALATED, Kind.REPAGED,
    Kind.EXHAUSTED, Kind.FELL_BACK, Kind.PAUSED, Kind.RESUMED, Kind.SEVERITY_CHANGED, Kind.PHASE_CHANGED,
    Kind.TITLE_CHANGED, Kind.IMPACT_CHANGED, Kind.UPDATE_POSTED, Kind.LEAD_ASSIGNED, Kind.ROLE_ASSIGNED,
    Kind.ITEM_ADDED, Kind.ITEM_DONE, Kind.RESOLVE_OFFERED, Kind.RESOLVED, Kind.REOPENED, Kind.CANCELLED, Kind.MERGED,
    Kind.CANNOT, Kind.MERGED_HERE, Kind.UNMERGED, Kind.UNMERGED_HERE, Kind.POSTMORTEM_SAVED, Kind.THEORY_CONFIRMED,
    Kind.THEORY_RULED_OUT, Kind.HANDOFF_OFFERED, Kind.HANDOFF_DECLINED, Kind.HANDOFF_EXPIRED,
    Kind.FIRES_ON, Kind.STEP_TICKED, Kind.STEP_UNTICKED, Kind.TAKEN_BACK, Kind.PROMISE_MISSED,
    Kind.SILENCE_ASKED, Kind.SILENCE_FAILED, Kind.UNSILENCE_ASKED, Kind.SILENCE_GONE, Kind.SILENCE_ENDED,
    Kind.SILENCE_ENDING,
    Kind.MADE_PRIVATE, Kind.MADE_PUBLIC, Kind.POSTMORTEM_SET, Kind.POSTMORTEM_MOVED, Kind.FOLLOWUP_REOPENED,
)  # fmt: skip
_SILENT: Final = (Kind.OPENED, Kind.DECLARED, Kind.PAGE_PLANNED, Kind.PAGES_CANCELLED, Kind.STILL_ON_IT)
_OF_KIND: Final[Mapping[Kind, Telling]] = MappingProxyType(
    {**dict.fromkeys(_LOUD, Telling.LOUD), **dict.fromkeys(_SILENT, Telling.SILENT)}
)
HEARD: Final = "heard"
"""The key of an event's data that says in which room it was said: `C0123/1795287054.338956`."""


def telling(event: Event, *, room: str | None) -> Telling:
    """Say how a room is told of an event; what was said in that very room is not said again there."""
    heard = event.data.get(HEARD)
    if room is not None and isinstance(heard, str) and heard.partition("/")[0] == room:
        return Telling.SILENT
    return _OF_KIND.get(event.kind, Telling.QUIET)
