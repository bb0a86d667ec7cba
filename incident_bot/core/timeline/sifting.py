"""Parts of a timeline that somebody may look at alone: what people said, the paging, the alerts, the chat."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from incident_bot.core.model import Kind
from incident_bot.core.timeline.curating import ROUTINE
from incident_bot.core.timeline.revising import REVISIONS


class Part(StrEnum):
    """What is shown of a timeline."""

    ALL = "all"
    PEOPLE = "people"
    PAGES = "pages"
    ALERTS = "alerts"
    CHAT = "chat"
    CURATED = "curated"


CHAT: Final = "slack"
"""The source of what came from the chat."""

_ALERTS: Final = frozenset(
    {
        Kind.OPENED, Kind.ALERT_ATTACHED, Kind.ALERT_RESOLVED, Kind.ALERT_REFIRED, Kind.FLAPPING, Kind.FLAPPING_OVER,
        Kind.FIRES_ON, Kind.SPLIT_OFF, Kind.MERGED_HERE, Kind.UNMERGED_HERE, Kind.SILENCED, Kind.SILENCE_FAILED,
        Kind.SILENCE_LIFTED, Kind.SILENCE_GONE, Kind.SILENCE_ENDED, Kind.SILENCE_ENDING, Kind.SILENCE_ASKED,
        Kind.UNSILENCE_ASKED,
    }
)  # fmt: skip
_PAGES: Final = frozenset(
    {
        Kind.STEP, Kind.NOBODY, Kind.FELL_BACK, Kind.EXHAUSTED, Kind.PAUSED, Kind.RESUMED, Kind.PAGE_PLANNED,
        Kind.PAGE_SENT, Kind.PAGE_FAILED, Kind.PAGE_DIVERTED, Kind.PAGES_CANCELLED, Kind.MESSAGE_FAILED,
        Kind.TIMER_PARKED, Kind.STILL_ON_IT, Kind.ACK_EXPIRED, Kind.WOKEN, Kind.STEPS_EDITED, Kind.REPAGED,
        Kind.ACKNOWLEDGED, Kind.ALSO_ACKNOWLEDGED, Kind.PART_ACKNOWLEDGED, Kind.PART_GIVEN_BACK, Kind.CANNOT,
        Kind.UNACKNOWLEDGED, Kind.CONFIRMED, Kind.SNOOZED, Kind.ESCALATED, Kind.PAGED,
    }
)  # fmt: skip
_BY_THE_BOT: Final = frozenset(
    {
        Kind.OPENED, Kind.ALERT_ATTACHED, Kind.ALERT_RESOLVED, Kind.ALERT_REFIRED, Kind.FLAPPING, Kind.FLAPPING_OVER,
        Kind.FIRES_ON, Kind.SILENCED, Kind.SILENCE_FAILED, Kind.SILENCE_LIFTED, Kind.SILENCE_GONE,
        Kind.SILENCE_ENDED, Kind.SILENCE_ENDING, Kind.STEP, Kind.NOBODY, Kind.FELL_BACK, Kind.EXHAUSTED,
        Kind.PAUSED, Kind.RESUMED, Kind.PAGE_PLANNED, Kind.PAGE_SENT, Kind.PAGE_FAILED, Kind.PAGE_DIVERTED,
        Kind.PAGES_CANCELLED, Kind.MESSAGE_FAILED, Kind.TIMER_PARKED, Kind.STILL_ON_IT, Kind.ACK_EXPIRED,
        Kind.WOKEN, Kind.STEPS_EDITED, Kind.REPAGED, Kind.RUNBOOK_FOUND, Kind.RESOLVE_OFFERED, Kind.HANDOFF_REMINDED,
        Kind.HANDOFF_EXPIRED, Kind.PROMISE_DUE, Kind.PROMISE_MISSED, Kind.NAGGED,
    }
)  # fmt: skip

KINDS: Final[Mapping[Part, frozenset[Kind]]] = MappingProxyType(
    {
        Part.ALL: frozenset(Kind) - REVISIONS,
        Part.PEOPLE: frozenset(Kind) - REVISIONS - _BY_THE_BOT,
        Part.PAGES: _PAGES,
        Part.ALERTS: _ALERTS,
        Part.CHAT: frozenset(Kind) - REVISIONS,
        Part.CURATED: frozenset(Kind) - REVISIONS - ROUTINE,
    }
)
"""The kinds of each part. How a note was corrected stands with the note, and is no entry of its own in any."""


def source_of(part: Part) -> str | None:
    """Give the source that all of a part comes from, None where it does not matter."""
    return CHAT if part is Part.CHAT else None
