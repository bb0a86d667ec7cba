"""What the intake stores beside episodes: delivery groups and the deliveries themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import Rejected
from incident_bot.store.tables.states import DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What was last applied of one delivery group (I4)."""

    hash: str
    source: str
    digest: str
    """Empty: judge the next delivery anew, even if it repeats the last one."""
    delivery_id: int
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """One webhook about to be stored."""

    source: str
    receiver: str
    group_hash: str
    digest: str
    body: bytes
    alerts: int
    rejected: tuple[Rejected, ...] = ()
    state: DeliveryState = DeliveryState.APPLIED
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """One webhook as stored, its body as received."""

    id: int
    source: str
    receiver: str
    group_hash: str
    digest: str
    body: bytes
    alerts: int
    rejected: tuple[Rejected, ...]
    state: DeliveryState
    attempts: int
    error: str | None
    received_at: datetime
    settled_at: datetime | None


def group_hash(source: str, group_key: str) -> str:
    """Give the identity of a delivery group: 32 characters, the same for every replica of one Alertmanager."""
    return hashlib.blake2b(
        f"{source}\x00{group_key}".encode(errors="surrogatepass"), digest_size=16
    ).hexdigest()
