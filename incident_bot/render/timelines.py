"""A timeline to JSON, CSV and Markdown: what a spreadsheet or a reader makes of it is text and nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from incident_bot.core.model import Json, JsonObject, incident_name
from incident_bot.core.postmortem import escape
from incident_bot.core.timeline import Entry, visible

NOTED_LATE: Final = timedelta(minutes=1)
COLUMNS: Final = (
    "seq", "happened_at", "recorded_at", "kind", "actor", "actor_name", "source", "text", "data", "hash",
)  # fmt: skip
"""The columns of the CSV; those of an entry in JSON, in the same words."""
_RUN: Final = re.compile(r"\s*[=+\-@\t\r＝＋－＠]")
"""What a spreadsheet takes for a formula, as it begins; some trim the cell first, some know the wide signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What came of checking the hash chain of a whole timeline (P14)."""

    entries: int
    head: str
    """The hash of the last entry: whoever noted it elsewhere can tell a record that was written anew."""
    broken_at: int | None = None
    """The number of the first entry that was changed, is missing or is too many."""

    @property
    def words(self) -> str:
        """Say it in one line."""
        if self.broken_at is not None:
            return f"The hash chain is broken at entry {self.broken_at}: this record was changed."
        return f"The hash chain of {self.entries} entries is intact; its head is {self.head or 'none'}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One incident's timeline as it is to be written down."""

    number: int
    title: str
    view: str
    """`full`, or `curated`: without what is routine."""
    entries: Sequence[Entry]
    chain: Chain
    names: Mapping[str, str] = field(default_factory=dict)


def instant(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def timeline_json(record: Record) -> JsonObject:
    """Give the timeline as one document, the entries in the order in which they were recorded."""
    chain = record.chain
    told = sorted(record.entries, key=lambda entry: entry.seq)
    return {
        "incident": incident_name(record.number),
        "title": record.title,
        "view": record.view,
        "chain": {
            "intact": chain.broken_at is None,
            "entries": chain.entries,
            "head": chain.head,
            "broken_at": chain.broken_at,
        },
        "items": [_values(entry, record.names) for entry in told],
        "next": None,
    }


def timeline_csv(record: Record) -> str:
    """Give the timeline as CSV (RFC 4180) with a header, by when things happened; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in record.entries:
        values = _values(entry, record.names)
        writer.writerow([cell(values[column]) for column in COLUMNS])
    return out.getvalue()


def timeline_markdown(record: Record) -> str:
    """Give the timeline as Markdown, by when things happened; when an entry was noted later, it says so."""
    lines = [
        f"# {incident_name(record.number)}: {escape(record.title)}",
        "",
        f"{record.chain.words} Times are in UTC.",
        "",
        "| # | When | What | Who |",
        "|---|---|---|---|",
        *(_row(entry, record.names) for entry in record.entries),
    ]
    return "\n".join(lines) + "\n"


def cell(value: Json) -> str:
    """Give one cell of a CSV that no spreadsheet runs: what could begin a formula begins with an apostrophe."""
    written = value if isinstance(value, str) else json.dumps(value, default=dict, ensure_ascii=False)
    seen = visible(written)
    return f"'{seen}" if _RUN.match(seen) else seen


def _values(entry: Entry, names: Mapping[str, str]) -> dict[str, Json]:
    return {
        "seq": entry.seq,
        "kind": entry.kind.value,
        "text": entry.text,
        "actor": entry.actor,
        "actor_name": names.get(entry.actor, entry.actor),
        "source": entry.source,
        "happened_at": instant(entry.happened_at),
        "recorded_at": instant(entry.recorded_at or entry.happened_at),
        "data": entry.data,
        "hash": entry.hash,
    }


def _row(entry: Entry, names: Mapping[str, str]) -> str:
    when = f"{entry.happened_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if entry.recorded_at is not None and entry.recorded_at - entry.happened_at >= NOTED_LATE:
        when += f" (noted {entry.recorded_at.astimezone(UTC):%Y-%m-%d %H:%M:%S})"
    return f"| {entry.seq} | {when} | {escape(entry.text)} | {escape(names.get(entry.actor, entry.actor))} |"
