"""Sessions and what opens one once, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_bot.store import LostRace, Store, interventions, sessions
from incident_bot.store.sessions import OneTime, Session
from tests.store.samples import MINUTE, NOW

ALICE = Session(person="alice", how="oidc", made_at=NOW, seen_at=NOW, expires_at=NOW + 60 * MINUTE, agent="x")
TOKEN = replace(ALICE, person=None, token_id=7, role="admin", how="link", made_at=NOW + MINUTE)


def test_a_session_is_found_seen_and_ended(store: Store) -> None:
    with store.write() as tx:
        first = sessions.add(tx, "d1", ALICE)
        second = sessions.add(tx, "d2", TOKEN)
        assert sessions.find(tx, "d1") == first == replace(ALICE, id=first.id)
        assert sessions.find(tx, "d3") is None
        sessions.touch(tx, first.id, now=NOW + MINUTE)
    with store.read() as tx:
        assert [one.id for one in sessions.open_sessions(tx, now=NOW)] == [second.id, first.id]
        assert [one.seen_at for one in sessions.open_sessions(tx, person="alice", now=NOW)] == [NOW + MINUTE]
        assert [one.id for one in sessions.open_sessions(tx, how="link", now=NOW)] == [second.id]
        assert sessions.open_sessions(tx, now=NOW + 60 * MINUTE) == []
        assert sessions.last_sign_ins(tx) == {"alice": NOW}
    with store.write() as tx:
        assert sessions.end(tx, [first.id, second.id], now=NOW + MINUTE) == 2
        assert sessions.end(tx, [first.id], now=NOW + 2 * MINUTE) == 0
        found = sessions.find(tx, "d1")
        assert found is not None
        assert found.ended_at == NOW + MINUTE
        assert sessions.open_sessions(tx, now=NOW) == []


def test_what_a_revoked_token_opened_is_open_no_more(store: Store) -> None:
    with store.write() as tx:
        made = interventions.add_token(tx, "ci", "digest", {"read"}, by="bob", now=NOW)
        sessions.add(tx, "d1", ALICE)
        sessions.add(tx, "d2", replace(TOKEN, token_id=made.id))
        assert len(sessions.open_sessions(tx, now=NOW)) == 2
        interventions.revoke_token(tx, made.id, now=NOW)
        assert [one.person for one in sessions.open_sessions(tx, now=NOW)] == ["alice"]


def test_two_sessions_never_share_a_secret(store: Store) -> None:
    with store.write() as tx:
        sessions.add(tx, "d1", ALICE)
    with pytest.raises(LostRace), store.write() as tx:
        sessions.add(tx, "d1", TOKEN)


def test_what_opens_once_opens_once_and_in_time(store: Store) -> None:
    link = OneTime(person="alice", role="admin", minutes=15, expires_at=NOW + 5 * MINUTE)
    with store.write() as tx:
        for digest in ("l1", "l2"):
            sessions.add_link(tx, digest, link, now=NOW)
        assert sessions.find_link(tx, "l1") == link
        assert sessions.find_link(tx, "l3") is None
        assert [sessions.use_link(tx, "l1", now=NOW + MINUTE) for _ in range(2)] == [True, False]
        assert not sessions.use_link(tx, "l2", now=NOW + 5 * MINUTE)
        assert sessions.find_link(tx, "l1") == replace(link, used_at=NOW + MINUTE)
    with pytest.raises(LostRace), store.write() as tx:
        sessions.add_link(tx, "l1", link, now=NOW)
