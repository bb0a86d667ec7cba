from __future__ import annotations

from datetime import timedelta

import pytest

from incident_bot.store import LostRace, Store, acklinks, retention
from incident_bot.store.acklinks import AckLink
from incident_bot.store.retention import Passing
from tests.store.samples import MINUTE, NOW, stored_incident

DAY = timedelta(days=1)


@pytest.fixture
def link(store: Store) -> AckLink:
    number = stored_incident(store).id
    return AckLink(digest="d1", incident_id=number, person="alice", expires_at=NOW + DAY)


def test_a_link_is_found_by_its_digest_and_used_once(store: Store, link: AckLink) -> None:
    with store.write() as tx:
        acklinks.add(tx, link, now=NOW)
        assert acklinks.find(tx, "d1") == link
        assert acklinks.find(tx, "d2") is None
        acklinks.mark_used(tx, "d1", now=NOW + MINUTE)
        acklinks.mark_used(tx, "d1", now=NOW + 2 * MINUTE)
        acklinks.mark_used(tx, "d2", now=NOW)
    with store.read() as tx:
        used = acklinks.find(tx, "d1")
    assert used is not None
    assert used.used_at == NOW + MINUTE, "the first time counts"


def test_what_expired_before_an_instant_is_forgotten(store: Store, link: AckLink) -> None:
    with store.write() as tx:
        acklinks.add(tx, link, now=NOW)
        assert retention.clear(tx, Passing.ACK_LINKS, before=NOW + DAY, limit=10) == 0
        assert retention.clear(tx, Passing.ACK_LINKS, before=NOW + DAY + MINUTE, limit=10) == 1
        assert acklinks.find(tx, "d1") is None


def test_no_two_links_have_one_secret(store: Store, link: AckLink) -> None:
    with store.write() as tx:
        acklinks.add(tx, link, now=NOW)
    with pytest.raises(LostRace), store.write() as tx:
        acklinks.add(tx, link, now=NOW)
