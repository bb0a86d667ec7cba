"""Those who follow the status page: who they are, what they are told, once each, and the letters on their way.

One owner at a time works on a letter, for the length of a lease. Whoever wants nothing more is removed whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from incident_bot.core.model import JsonObject
from incident_bot.core.status import Outlet
from incident_bot.store.bulk import among
from incident_bot.store.tables import status_news, status_notice, subscriber
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One address."""

    id: int
    outlet: Outlet
    address: str
    secret: bytes
    components: frozenset[str]
    """Of which they are told; of all where there are none."""
    asked_components: frozenset[str]
    asked_at: datetime
    confirmed_at: datetime | None
    refusals: int
    """How many letters in a row their server refused for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNews:
    """One thing to be told."""

    key: str
    at: datetime
    subject: str
    text: str
    payload: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One letter with whom it goes to; about no news it asks them to confirm."""

    id: int
    made_at: datetime
    attempts: int
    to: Subscriber
    news: NewNews | None


def ask(
    tx: Tx, outlet: Outlet, address: str, *, secret: bytes, components: frozenset[str], now: datetime
) -> int:
    """Store that somebody asked for this address, and give its number; one that is there keeps its secret."""
    found = of_address(tx, outlet, address)
    listed = sorted(components)
    if found is not None:
        changed = sa.update(subscriber).where(subscriber.c.id == found.id)
        tx.connection.execute(changed.values(asked_components=listed, asked_at=now))
        return found.id
    statement = sa.insert(subscriber).values(
        outlet=outlet.value,
        address=storable(address),
        secret=secret.hex(),
        components=[],
        asked_components=listed,
        asked_at=now,
        confirmed_at=None,
        refusals=0,
    )
    number: int = tx.connection.execute(statement.returning(subscriber.c.id)).scalar_one()
    return number


def of_address(tx: Tx, outlet: Outlet, address: str) -> Subscriber | None:
    """Give the subscriber with this address."""
    where = (subscriber.c.outlet == outlet.value, subscriber.c.address == storable(address))
    row = tx.connection.execute(sa.select(subscriber).where(*where)).first()
    return None if row is None else _value(row)


def get(tx: Tx, number: int) -> Subscriber | None:
    """Give a subscriber by their number."""
    row = tx.connection.execute(sa.select(subscriber).where(subscriber.c.id == number)).first()
    return None if row is None else _value(row)


def listed(tx: Tx, *, before: int | None, limit: int) -> list[Subscriber]:
    """Give the subscribers, the newest first, those who have not confirmed yet as well."""
    query = sa.select(subscriber).order_by(subscriber.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(subscriber.c.id < before)
    return [_value(row) for row in tx.connection.execute(query)]


def asked_since(tx: Tx, since: datetime) -> int:
    """Count those who asked after an instant."""
    query = sa.select(sa.func.count()).select_from(subscriber).where(subscriber.c.asked_at > since)
    return tx.connection.execute(query).scalar_one()


def confirm(tx: Tx, number: int, *, now: datetime) -> None:
    """Note that they want what they asked for last; what they want first counts from the first time."""
    changed = sa.update(subscriber).where(subscriber.c.id == number)
    tx.connection.execute(
        changed.values(
            components=subscriber.c.asked_components,
            confirmed_at=sa.func.coalesce(subscriber.c.confirmed_at, now),
            refusals=0,
        )
    )


def remove(tx: Tx, numbers: Sequence[int]) -> int:
    """Forget subscribers with every letter to them, and say how many there were."""
    if not numbers:
        return 0
    tx.connection.execute(sa.delete(status_notice).where(among(tx, status_notice.c.subscriber_id, numbers)))
    return tx.connection.execute(sa.delete(subscriber).where(among(tx, subscriber.c.id, numbers))).rowcount


def unconfirmed(tx: Tx, *, before: datetime, limit: int) -> list[int]:
    """Give those who asked before an instant and never confirmed."""
    query = sa.select(subscriber.c.id).where(
        subscriber.c.confirmed_at.is_(None), subscriber.c.asked_at < before
    )
    return list(tx.connection.execute(query.order_by(subscriber.c.asked_at).limit(limit)).scalars())


def write_to(tx: Tx, to: int, outlet: Outlet, *, now: datetime) -> None:
    """Have somebody asked to confirm; a letter that waits already is the one."""
    waiting = sa.select(status_notice.c.id).where(
        status_notice.c.subscriber_id == to,
        status_notice.c.news_id.is_(None),
        status_notice.c.due_at.is_not(None),
    )
    if tx.connection.execute(waiting.limit(1)).first() is None:
        tx.connection.execute(sa.insert(status_notice).values(**_fresh(None, to, outlet, now)))


def told(tx: Tx, keys: Sequence[str]) -> set[str]:
    """Give those of these keys that were told already."""
    query = sa.select(status_news.c.key).where(among(tx, status_news.c.key, keys))
    return set(tx.connection.execute(query).scalars())


def tell(tx: Tx, new: NewNews, to: Sequence[tuple[int, Outlet]], *, now: datetime) -> None:
    """Have these told something; raises LostRace where another replica does so at the same time."""
    values = {"key": new.key, "at": new.at, "subject": new.subject, "text": new.text}
    statement = sa.insert(status_news).values(**values, payload=new.payload, made_at=now)
    number = tx.connection.execute(statement.returning(status_news.c.id)).scalar_one()
    if to:
        rows = [_fresh(number, one, outlet, now) for one, outlet in to]
        tx.connection.execute(sa.insert(status_notice), rows)


def confirmed_before(tx: Tx, at: datetime) -> list[Subscriber]:
    """Give everybody who had confirmed by an instant."""
    query = sa.select(subscriber).where(subscriber.c.confirmed_at <= at).order_by(subscriber.c.id)
    return [_value(row) for row in tx.connection.execute(query)]


def next_due(tx: Tx, outlet: Outlet) -> datetime | None:
    """Give the next instant at which a letter is due."""
    where = (status_notice.c.outlet == outlet.value, sa.text("status_notice.due_at IS NOT NULL"))
    return tx.connection.execute(sa.select(sa.func.min(status_notice.c.due_at)).where(*where)).scalar()


def sent_since(tx: Tx, outlet: Outlet, since: datetime) -> int:
    """Count the letters that went out after an instant."""
    where = (
        status_notice.c.outlet == outlet.value,
        sa.text("status_notice.sent_at IS NOT NULL"),
        status_notice.c.sent_at > since,
    )
    query = sa.select(sa.func.count()).select_from(status_notice).where(*where)
    return tx.connection.execute(query).scalar_one()


def claim(tx: Tx, outlet: Outlet, *, owner: str, lease: timedelta, now: datetime) -> Notice | None:
    """Take the letter that is due for longest, for the length of a lease."""
    query = (
        sa.select(status_notice)
        .where(
            status_notice.c.outlet == outlet.value,
            sa.text("status_notice.due_at IS NOT NULL"),
            status_notice.c.due_at <= now,
        )
        .order_by(status_notice.c.due_at, status_notice.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.connection.execute(query).first()
    if row is None:
        return None
    tx.connection.execute(
        sa.update(status_notice)
        .where(status_notice.c.id == row.id)
        .values(due_at=now + lease, lease_owner=owner, attempts=row.attempts + 1)
    )
    to = tx.connection.execute(sa.select(subscriber).where(subscriber.c.id == row.subscriber_id)).one()
    about = None
    if row.news_id is not None:
        one = tx.connection.execute(sa.select(status_news).where(status_news.c.id == row.news_id)).one()
        about = NewNews(key=one.key, at=one.at, subject=one.subject, text=one.text, payload=one.payload)
    return Notice(id=row.id, made_at=row.made_at, attempts=row.attempts + 1, to=_value(to), news=about)


def settle(
    tx: Tx,
    notice: Notice,
    *,
    owner: str,
    due_at: datetime | None = None,
    sent_at: datetime | None = None,
    error: str | None = None,
) -> bool:
    """Give a letter back with what came of it; False where it is another owner's by now, or its reader is gone."""
    where = (status_notice.c.id == notice.id, status_notice.c.lease_owner == owner)
    values = {"due_at": due_at, "lease_owner": None, "sent_at": sent_at, "error": error}
    return tx.connection.execute(sa.update(status_notice).where(*where).values(**values)).rowcount == 1


def refused(tx: Tx, number: int, *, refusals: int) -> None:
    """Note how many letters in a row a subscriber's server refused."""
    tx.connection.execute(sa.update(subscriber).where(subscriber.c.id == number).values(refusals=refusals))


def release(tx: Tx, *, now: datetime) -> int:
    """Have what is being sent due now, and say how many there were; for whoever is the only process."""
    held = sa.update(status_notice).where(status_notice.c.lease_owner.is_not(None))
    return tx.connection.execute(held.values(lease_owner=None, due_at=now)).rowcount


def counts(tx: Tx) -> dict[Outlet, int]:
    """Count those who confirmed, by how they are told."""
    query = (
        sa.select(subscriber.c.outlet, sa.func.count())
        .where(subscriber.c.confirmed_at.is_not(None))
        .group_by(subscriber.c.outlet)
    )
    return {Outlet(outlet): count for outlet, count in tx.connection.execute(query)}


def _fresh(news_id: int | None, to: int, outlet: Outlet, now: datetime) -> dict[str, object]:
    return {
        "news_id": news_id,
        "subscriber_id": to,
        "outlet": outlet.value,
        "made_at": now,
        "due_at": now,
        "lease_owner": None,
        "attempts": 0,
        "sent_at": None,
        "error": None,
    }


def _value(row: Found) -> Subscriber:
    return Subscriber(
        id=row.id,
        outlet=Outlet(row.outlet),
        address=row.address,
        secret=bytes.fromhex(row.secret),
        components=frozenset(row.components),
        asked_components=frozenset(row.asked_components),
        asked_at=row.asked_at,
        confirmed_at=row.confirmed_at,
        refusals=row.refusals,
    )
