"""The buckets of routes: how many incidents each may still open (I12). One row each, the same for every replica."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import sqlalchemy as sa

from incident_bot.core.model import Bucket
from incident_bot.store.bulk import Asked, one_of_asked, upserts
from incident_bot.store.incidents.rows import key_hash
from incident_bot.store.tables import storm_bucket as table
from incident_bot.store.transaction import Tx

# Ordered, so that two transactions never wait for each other in a circle.
_FOUND: Final = Asked(
    lambda asked: (
        sa.select(table)
        .where(one_of_asked(table.c.key_hash, asked))
        .order_by(table.c.key_hash)
        .with_for_update()
    )
)
_SAVE: Final = upserts(
    table, ["key_hash"], lambda new: {"tokens": new.tokens, "at": new.at, "since": new.since}
)


def buckets(tx: Tx, keys: Collection[str]) -> dict[str, Bucket]:
    """Give the bucket of each key that has one, locked until the transaction ends."""
    if not keys:
        return {}
    return {
        row.key: Bucket(tokens=row.tokens, at=row.at, since=row.since)
        for row in _FOUND(tx, [key_hash(key) for key in keys])
    }


def bucket(tx: Tx, key: str) -> Bucket | None:
    """Give the bucket of a key as it was stored last; not locked."""
    row = tx.connection.execute(sa.select(table).where(table.c.key_hash == key_hash(key))).first()
    return None if row is None else Bucket(tokens=row.tokens, at=row.at, since=row.since)


def save_buckets(tx: Tx, changed: Mapping[str, Bucket]) -> None:
    """Store these buckets; to be called under the lock of the intake, as a new row has no lock of its own."""
    rows = [
        {
            "key_hash": key_hash(key),
            "key": key,
            "tokens": bucket.tokens,
            "at": bucket.at,
            "since": bucket.since,
        }
        for key, bucket in changed.items()
    ]
    if rows:
        _SAVE(tx, sorted(rows, key=lambda row: str(row["key_hash"])))
