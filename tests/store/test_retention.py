"""What only serves for a while goes at its age, the oldest first, a few at a time; nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import pytest
import sqlalchemy as sa

from incident_bot.core.rooms.heard import Mark
from incident_bot.core.status import Outlet
from incident_bot.flow.retention import AGES
from incident_bot.store import (
    Store,
    acklinks,
    chat,
    handoffs,
    interventions,
    retention,
    rooms,
    sessions,
    subscribers,
)
from incident_bot.store.acklinks import AckLink
from incident_bot.store.handoffs import Held, Offer
from incident_bot.store.retention import Passing
from incident_bot.store.subscribers import NewNews
from incident_bot.store.tables import METADATA
from incident_bot.store.transaction import Tx
from tests.store.samples import MINUTE, NOW, stored_incident

Make = Callable[[Tx, int, datetime], None]


def _seen(tx: Tx, number: int, at: datetime) -> None:
    rooms.see(tx, f"digest {number}", now=at)


def _heard(tx: Tx, number: int, at: datetime) -> None:
    chat.mark(tx, "C1", f"{number}.0", "pin", Mark(at="1.0"), now=at)
    heard = chat.claim(tx, owner="me", lease=MINUTE, now=at)
    assert heard is not None
    chat.rest(tx, heard, owner="me", now=at)


def _answer(tx: Tx, number: int, at: datetime) -> None:
    interventions.remember(tx, f"key {number}", "alice", {}, now=at)


def _ack_link(tx: Tx, number: int, at: datetime) -> None:
    acklinks.add(tx, AckLink(digest=f"d{number}", incident_id=1, person="alice", expires_at=at), now=at)


def _tap(tx: Tx, number: int, at: datetime) -> None:
    tx.connection.execute(
        sa.insert(METADATA.tables["reach_tap"]).values(
            schedule="web", starts_at=at, person=f"p{number}", asked_at=at, due_at=at
        )
    )


def _tap_link(tx: Tx, number: int, at: datetime) -> None:
    _tap(tx, number, at)
    newest = tx.connection.execute(sa.select(sa.func.max(METADATA.tables["reach_tap"].c.id))).scalar_one()
    handoffs.add_link(tx, newest, f"t{number}", now=at)


def _offer(tx: Tx, number: int, at: datetime) -> None:
    held = Held(schedule="web", spans=((at, at + MINUTE),))
    offer = Offer(
        offered_by=f"p{number}",
        offered_to=None,
        given=held,
        wanted=None,
        reason="",
        created_at=at,
        expires_at=at,
    )
    handoffs.add_offer(tx, offer)


def _news(tx: Tx, number: int, at: datetime) -> None:
    new = NewNews(key=f"k{number}", at=at, subject="s", text="t", payload={})
    subscribers.tell(tx, new, [], now=at)


def _notice(tx: Tx, number: int, at: datetime) -> None:
    address = f"p{number}@example.com"
    to = subscribers.ask(tx, Outlet.MAIL, address, secret=b"s", components=frozenset(), now=at)
    subscribers.write_to(tx, to, Outlet.MAIL, now=at)
    notice = subscribers.claim(tx, Outlet.MAIL, owner="me", lease=MINUTE, now=at)
    assert notice is not None
    assert subscribers.settle(tx, notice, owner="me", sent_at=at)


def _session(tx: Tx, number: int, at: datetime) -> None:
    made = sessions.Session(person="alice", how="oidc", made_at=at, seen_at=at, expires_at=at)
    sessions.add(tx, f"s{number}", made)


def _sign_in(tx: Tx, number: int, at: datetime) -> None:
    once = sessions.OneTime(person="alice", role=None, minutes=15, expires_at=at)
    sessions.add_link(tx, f"l{number}", once, now=at)


MAKE: Final[Mapping[Passing, Make]] = {
    Passing.SLACK_SEEN: _seen,
    Passing.SLACK_HEARD: _heard,
    Passing.ANSWERS: _answer,
    Passing.ACK_LINKS: _ack_link,
    Passing.TAP_LINKS: _tap_link,
    Passing.TAPS: _tap,
    Passing.OFFERS: _offer,
    Passing.STATUS_NOTICES: _notice,
    Passing.STATUS_NEWS: _news,
    Passing.SESSIONS: _session,
    Passing.SIGN_INS: _sign_in,
}


def count(store: Store, what: Passing) -> int:
    with store.read() as tx:
        query = sa.select(sa.func.count()).select_from(METADATA.tables[what.value])
        return int(tx.connection.execute(query).scalar_one())


def cleared(store: Store, what: Passing, *, before: datetime, limit: int = 100) -> int:
    with store.write() as tx:
        return retention.clear(tx, what, before=before, limit=limit)


def test_everything_that_passes_has_an_age() -> None:
    assert set(AGES) == set(Passing) == set(MAKE)


@pytest.mark.parametrize("what", Passing)
def test_what_is_old_goes_the_oldest_first_and_a_few_at_a_time(store: Store, what: Passing) -> None:
    stored_incident(store)
    with store.write() as tx:
        for number in range(5):
            MAKE[what](tx, number, NOW - number * MINUTE)
    assert cleared(store, what, before=NOW - 10 * MINUTE) == 0
    assert cleared(store, what, before=NOW, limit=3) == 3
    assert cleared(store, what, before=NOW - MINUTE) == 0, "the oldest went first"
    assert cleared(store, what, before=NOW) == 1
    assert count(store, what) == 1, "what is of that instant is not before it"


def test_what_is_heard_and_not_worked_on_yet_stays(store: Store) -> None:
    with store.write() as tx:
        chat.mark(tx, "C1", "1.0", "pin", Mark(at="1.0"), now=NOW - timedelta(days=999))
    assert cleared(store, Passing.SLACK_HEARD, before=NOW) == 0


def test_a_tap_stays_as_long_as_a_link_leads_to_it(store: Store) -> None:
    with store.write() as tx:
        _tap_link(tx, 1, NOW)
    later = NOW + MINUTE
    assert cleared(store, Passing.TAPS, before=later) == 0
    assert [cleared(store, what, before=later) for what in (Passing.TAP_LINKS, Passing.TAPS)] == [1, 1]


def test_two_replicas_clear_one_after_the_other_or_beside_each_other(store: Store, second: Store) -> None:
    with store.write() as tx:
        for number in range(4):
            _seen(tx, number, NOW - MINUTE)
    assert cleared(store, Passing.SLACK_SEEN, before=NOW, limit=2) == 2
    assert cleared(second, Passing.SLACK_SEEN, before=NOW) == 2
    assert cleared(store, Passing.SLACK_SEEN, before=NOW) == 0
