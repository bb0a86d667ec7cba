from __future__ import annotations

from datetime import timedelta

import pytest

from incident_bot.store import LostRace, Store, interventions
from incident_bot.store.interventions import FeedKind
from tests.store.samples import MINUTE, NOW


def test_a_link_is_found_by_its_digest_until_it_is_revoked(store: Store) -> None:
    with store.write() as tx:
        made = interventions.add_calendar_link(tx, FeedKind.TEAM, "web", "d1", by="alice\x00", now=NOW)
        assert interventions.find_calendar_link(tx, "d1") == made
        assert interventions.find_calendar_link(tx, "d2") is None
        ended = interventions.revoke_calendar_link(tx, made.id, now=NOW + MINUTE)
        assert ended is not None
        assert (ended.kind, ended.name, ended.revoked_at) == (FeedKind.TEAM, "web", NOW + MINUTE)
        assert interventions.revoke_calendar_link(tx, made.id, now=NOW + MINUTE) is None
        assert interventions.revoke_calendar_link(tx, 99, now=NOW) is None
        assert interventions.find_calendar_link(tx, "d1") is None
    with store.read() as tx:
        assert interventions.calendar_links(tx) == [ended]


def test_links_are_listed_oldest_first(store: Store) -> None:
    with store.write() as tx:
        made = [
            interventions.add_calendar_link(tx, kind, "x", f"d{kind}", by="alice", now=NOW)
            for kind in FeedKind
        ]
        assert interventions.calendar_links(tx) == made


def test_its_last_use_is_kept_to_the_hour(store: Store) -> None:
    def used() -> object:
        found = interventions.find_calendar_link(tx, "d1")
        return found and found.last_used_at

    with store.write() as tx:
        made = interventions.add_calendar_link(tx, FeedKind.PERSON, "alice", "d1", by="alice", now=NOW)
        assert used() is None
        interventions.note_calendar_use(tx, made.id, now=NOW)
        interventions.note_calendar_use(tx, made.id, now=NOW + 59 * MINUTE)
        assert used() == NOW
        interventions.note_calendar_use(tx, made.id, now=NOW + timedelta(hours=1))
        assert used() == NOW + timedelta(hours=1)


def test_no_two_links_have_one_secret(store: Store) -> None:
    with store.write() as tx:
        interventions.add_calendar_link(tx, FeedKind.TEAM, "web", "d1", by="alice", now=NOW)
    with pytest.raises(LostRace), store.write() as tx:
        interventions.add_calendar_link(tx, FeedKind.TEAM, "data", "d1", by="alice", now=NOW)
