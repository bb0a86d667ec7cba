"""Schedules of other systems as files of ours: what can be said exactly is, and the rest is said in notes.

Pure: text and time in, texts and notes out. Nothing here reads a network, a clock or a disk; the command line
does, and it loads what was written before it compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.importers import goalert, grafana, opsgenie, pagerduty
from incident_bot.importers.base import BadExport, Format, Imported, Note, Rendered, Stretch, registry
from incident_bot.importers.report import DAYS, Comparison, Difference, as_json, as_text, compare
from incident_bot.importers.writing import people_text

__all__ = [
    "DAYS",
    "FORMATS",
    "BadExport",
    "Comparison",
    "Difference",
    "Format",
    "Imported",
    "Note",
    "Rendered",
    "Stretch",
    "as_json",
    "as_text",
    "compare",
    "convert",
    "people_text",
]

FORMATS: Final = registry(
    Format(kind="pagerduty", title="PagerDuty", read=pagerduty.read),
    Format(kind="grafana-oncall", title="Grafana OnCall", read=grafana.read),
    Format(kind="goalert", title="GoAlert", read=goalert.read),
    Format(kind="opsgenie", title="Opsgenie", read=opsgenie.read),
)
"""Every source that can be imported, by the word for it."""


def convert(
    kind: str, text: str, *, now: datetime, known: Mapping[str, str] = MappingProxyType({})
) -> Imported:
    """Give what an export says from `now` on: files, proposed people, notes, and who the source has on call.

    `known` maps e-mail addresses to the ids of people who are in `people.yaml` already; others get new ids.
    Refused for a kind that is not known; BadExport, with the place, where the text is no such export.
    """
    if kind not in FORMATS:
        raise Refused(f"unknown kind {kind!r} of export; known are {', '.join(sorted(FORMATS))}")
    lowered = {address.casefold(): person for address, person in known.items()}
    return FORMATS[kind].read(text, now=now.astimezone(UTC), known=lowered)
