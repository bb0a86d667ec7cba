"""Secret links that acknowledge one incident as one person: found by the digest of a token that is never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.tables import ack_link as table
from incident_bot.store.transaction import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AckLink:
    """One link; it opens nothing in `[expires_at, …)`, and nothing once it was used."""

    digest: str
    incident_id: int
    person: str
    expires_at: datetime
    used_at: datetime | None = None
    page_id: int | None = None
    """The page whose message it stands in, where that tells of several incidents: it is for all of them (S7)."""


def add(tx: Tx, link: AckLink, *, now: datetime) -> None:
    """Store a link; raises LostRace where its digest is there already."""
    tx.connection.execute(
        sa.insert(table).values(
            digest=link.digest,
            incident_id=link.incident_id,
            person=link.person,
            made_at=now,
            expires_at=link.expires_at,
            used_at=None,
            page_id=link.page_id,
        )
    )


def find(tx: Tx, digest: str) -> AckLink | None:
    """Give the link with this digest, whether it still opens anything or not."""
    row = tx.connection.execute(sa.select(table).where(table.c.digest == digest)).first()
    if row is None:
        return None
    return AckLink(
        digest=row.digest,
        incident_id=row.incident_id,
        person=row.person,
        expires_at=row.expires_at,
        used_at=row.used_at,
        page_id=row.page_id,
    )


def mark_used(tx: Tx, digest: str, *, now: datetime) -> None:
    """Note that a link did its work; the first time counts."""
    where = (table.c.digest == digest, table.c.used_at.is_(None))
    tx.connection.execute(sa.update(table).where(*where).values(used_at=now))
