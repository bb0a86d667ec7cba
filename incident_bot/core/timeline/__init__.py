"""Stage 7: events to ordered, redacted entries with one plain sentence each. Reads nothing but the events."""

from incident_bot.core.timeline.curating import ROUTINE, curated
from incident_bot.core.timeline.entries import Entry, entries, entry
from incident_bot.core.timeline.naming import with_names
from incident_bot.core.timeline.redaction import HIDDEN, one_line, redact, redact_data, visible
from incident_bot.core.timeline.revising import REVISIONS, revised
from incident_bot.core.timeline.sifting import KINDS, Part, source_of
from incident_bot.core.timeline.wordings import WORDINGS, describe

__all__ = [
    "HIDDEN",
    "KINDS",
    "REVISIONS",
    "ROUTINE",
    "WORDINGS",
    "Entry",
    "Part",
    "curated",
    "describe",
    "entries",
    "entry",
    "one_line",
    "redact",
    "redact_data",
    "revised",
    "source_of",
    "visible",
    "with_names",
]
