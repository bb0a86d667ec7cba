"""The hash chain of a timeline: each entry's hash covers the entry and the hash before it (P14)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from incident_bot.core.model import Event, Json, JsonObject
from incident_bot.store.types import to_canonical_json


def link(
    incident_id: int, events: Sequence[Event], *, seq: int, last_hash: str, now: datetime
) -> list[Event]:
    """Give the events numbered, stamped and chained behind the entry number `seq` with the hash `last_hash`."""
    linked = []
    for event in events:
        seq += 1
        numbered = replace(event, seq=seq, recorded_at=now)
        last_hash = digest(incident_id, numbered, last_hash)
        linked.append(replace(numbered, hash=last_hash))
    return linked


def digest(incident_id: int, event: Event, previous: str) -> str:
    """Give the SHA-256 of the previous hash and the entry's canonical JSON."""
    return digest_of(hashed(incident_id, event), previous)


def hashed(incident_id: int, event: Event) -> dict[str, Json]:
    """Give what an entry's hash covers beside the hash before it."""
    return {
        "incident": incident_id,
        "seq": event.seq,
        "kind": event.kind.value,
        "actor": event.actor,
        "source": event.source,
        "happened_at": _written(event.happened_at),
        "recorded_at": _written(event.recorded_at),
        "data": event.data,
    }


def digest_of(entry: JsonObject, previous: str) -> str:
    """Give the hash of what `hashed` gave, read back from wherever it was kept."""
    return hashlib.sha256(f"{previous}\n{to_canonical_json(entry)}".encode("ascii")).hexdigest()


def first_broken(incident_id: int, events: Iterable[Event], *, seq: int, last_hash: str) -> int | None:
    """Give the number of the first entry that was changed, is missing or is too many; None if the chain holds.

    `seq` and `last_hash` are what the incident itself says of its last entry.
    """
    previous, expected = "", 1
    for event in events:
        if event.seq != expected or event.hash != digest(incident_id, event, previous):
            return expected
        previous, expected = event.hash, expected + 1
    return None if (expected - 1, previous) == (seq, last_hash) else min(expected, seq + 1)


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat(timespec="microseconds")
