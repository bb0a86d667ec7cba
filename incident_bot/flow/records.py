"""An incident's timeline as a document, with what came of checking its hash chain (P14)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from incident_bot.core.model import Event, Incident
from incident_bot.core.timeline import curated, entries, one_line, redact
from incident_bot.flow.context import Context
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.names import named
from incident_bot.render.timelines import Chain, Record, timeline_csv, timeline_json, timeline_markdown
from incident_bot.store import incidents
from incident_bot.store.transaction import Tx

VIEWS: Final = ("full", "curated")
MEDIA: Final[Mapping[str, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One incident with all its events, as they were recorded."""

    incident: Incident
    events: list[Event]
    chain: Chain
    names: Mapping[str, str]


def told(context: Context, tx: Tx, number: int) -> Told:
    """Give an incident's record with its chain checked; raises NotFound."""
    incident = visible(tx, context.seer, number)
    events = incidents.events(tx, number)
    broken = incidents.first_broken(number, events, seq=incident.seq, last_hash=incident.last_hash)
    names = named(context, tx, [incident, *events])
    chain = Chain(entries=len(events), head=incident.last_hash, broken_at=broken)
    return Told(incident=incident, events=events, chain=chain, names=names)


def record_of(found: Told, view: str = "full") -> Record:
    """Give the record as its readers see it: ordered by when things happened, redacted."""
    lines = entries(found.events, found.names)
    return Record(
        number=found.incident.id,
        title=one_line(redact(found.incident.title)),
        view=view,
        entries=curated(lines) if view == "curated" else lines,
        chain=found.chain,
        names=found.names,
    )


def written(record: Record, format: str) -> str:  # noqa: A002 -- the name of the interface
    """Write a record as one of the formats of `MEDIA`."""
    writers: Mapping[str, Callable[[Record], str]] = {
        # In ASCII: labels may hold what no encoding writes, and entries must be read back exactly.
        "json": lambda one: json.dumps(timeline_json(one), default=dict, indent=2) + "\n",
        "csv": timeline_csv,
        "md": timeline_markdown,
    }
    return writers[format](record).encode("utf-8", "replace").decode()


def timeline(
    context: Context,
    number: int,
    *,
    format: str = "json",  # noqa: A002 -- the name of the interface
    view: str = "full",
) -> tuple[str, str]:
    """Give the whole timeline in a format of `MEDIA` and a view of `VIEWS`, and its media type; raises NotFound."""
    with context.store.read() as tx:
        found = told(context, tx, number)
    return written(record_of(found, view), format), MEDIA[format]
