"""The sealed bundle: one incident's whole record in a zip that says of itself whether it is as it was made.

The same record is the same bytes, whenever and wherever it is bundled: nothing in it says when it was made.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.model import Json
from incident_bot.flow.bundle.archive import pack
from incident_bot.flow.bundle.checking import Checked, check
from incident_bot.flow.bundle.manifest import FORMAT, MANIFEST, VERSION
from incident_bot.flow.bundle.parts import documents, gather
from incident_bot.flow.context import Context
from incident_bot.flow.records import record_of, told
from incident_bot.render.timelines import instant
from incident_bot.store import interventions

MEDIA_TYPE: Final = "application/zip"

__all__ = ["MEDIA_TYPE", "Bundle", "Checked", "bundle", "check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle, and what to note elsewhere of it."""

    name: str
    """How its file is called."""
    content: bytes
    seal: str
    """The SHA-256 of the manifest, and so of everything."""
    head: str
    """The hash of the last entry of the timeline."""


def bundle(context: Context, number: int, *, actor: str, now: datetime) -> Bundle:
    """Bundle an incident's record as it stood at its last entry, and note the seal in the audit; raises NotFound."""
    with context.store.read() as tx:
        found = told(context, tx, number)
    as_of = max((event.recorded_at or event.happened_at for event in found.events), default=now)
    record = record_of(found)
    parts = documents(context, record, as_of=as_of)
    with context.store.read() as tx:
        gather(tx, found, record, parts)
    chain = found.chain
    listed: list[Json] = [
        {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(parts.files.items())
    ]
    manifest: dict[str, Json] = {
        "format": FORMAT,
        "version": VERSION,
        "incident": number,
        "as_of": instant(as_of),
        "chain": {"entries": chain.entries, "head": chain.head, "broken_at": chain.broken_at},
        "files": listed,
        "hidden": [*sorted(parts.hidden)],
        "left_out": [*parts.left_out],
    }
    written = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    seal = hashlib.sha256(written).hexdigest()
    with context.store.write() as tx:
        interventions.record(tx, actor, "bundle.made", {"incident": number, "seal": seal}, now=now)
    return Bundle(
        name=f"inc-{number}.zip",
        content=pack({**parts.files, MANIFEST: written}),
        seal=seal,
        head=chain.head,
    )
