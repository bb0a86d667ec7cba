"""How states and phases are shown: a word, a shape and a colour each, so that no one of the three is needed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from incident_bot.core.model import ComponentState
from incident_bot.core.status import PublicPhase
from incident_bot.core.timeline import visible

SHAPES: Final = {
    ComponentState.OPERATIONAL: "✓",
    ComponentState.UNDER_MAINTENANCE: "■",
    ComponentState.DEGRADED_PERFORMANCE: "●",
    ComponentState.PARTIAL_OUTAGE: "▲",
    ComponentState.MAJOR_OUTAGE: "◆",
}
PHASE_WORDS: Final = {
    PublicPhase.INVESTIGATING: "Investigating",
    PublicPhase.IDENTIFIED: "Identified",
    PublicPhase.MONITORING: "Monitoring",
    PublicPhase.RESOLVED: "Resolved",
}
# What XML 1.0 cannot hold at all, escaped or not.
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """Give a text that every format can hold: nothing unseen, no halves of characters."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", visible(text))


def instant(at: datetime) -> str:
    """Write an instant as JSON and Atom have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def day_and_time(at: datetime) -> str:
    """Write an instant for people who may sit anywhere: `3 March 2026, 03:05 UTC`."""
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
