from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from incident_bot.store import LostRace, Store, interventions, papers, retention
from incident_bot.store.interventions import Maintenance, Sought
from incident_bot.store.retention import Passing
from incident_bot.telemetry import begin_asking
from tests.store.samples import MINUTE, NOW, stored_incident

WINDOW = Maintenance(
    matchers=('team="payments"', 'instance=~"a|b"'),
    start=NOW,
    end=NOW + 60 * MINUTE,
    reason="patch day",
    created_by="alice",
)


def test_maintenance_is_listed_while_it_is_open_or_to_come(store: Store) -> None:
    with store.write() as tx:
        first = interventions.add_maintenance(tx, WINDOW, now=NOW - MINUTE)
        assert first.created_at == NOW - MINUTE
        assert interventions.maintenance(tx, now=NOW - MINUTE) == [first]
        assert interventions.maintenance(tx, now=NOW + 59 * MINUTE) == [first]
        assert interventions.maintenance(tx, now=NOW + 60 * MINUTE) == []


def test_ending_maintenance_cuts_it_off_now_and_once(store: Store) -> None:
    with store.write() as tx:
        window = interventions.add_maintenance(tx, WINDOW, now=NOW)
        ended = interventions.end_maintenance(tx, window.id, by="bob", now=NOW + MINUTE)
        assert ended is not None
        assert (ended.end, ended.ended_by) == (NOW + MINUTE, "bob")
        assert interventions.maintenance(tx, now=NOW + MINUTE) == []
        assert interventions.end_maintenance(tx, window.id, by="bob", now=NOW + MINUTE) is None
        assert interventions.end_maintenance(tx, 99, by="bob", now=NOW) is None


def test_maintenance_ended_before_it_began_is_not_listed(store: Store) -> None:
    with store.write() as tx:
        window = interventions.add_maintenance(tx, WINDOW, now=NOW - 2 * MINUTE)
        interventions.end_maintenance(tx, window.id, by="bob", now=NOW - MINUTE)
        assert interventions.maintenance(tx, now=NOW - 2 * MINUTE) == []


def test_an_answer_is_remembered_per_key_and_scope_for_a_while(store: Store) -> None:
    key = "k" * 10_000 + "\ud800\x00"
    with store.write() as tx:
        assert interventions.recall(tx, key, "alice") is None
        interventions.remember(tx, key, "alice", {"reply": "acknowledged"}, now=NOW)
        interventions.remember(tx, key, "bob", {}, now=NOW + MINUTE)
    with store.write() as tx:
        assert interventions.recall(tx, key, "alice") == {"reply": "acknowledged"}
        assert retention.clear(tx, Passing.ANSWERS, before=NOW + MINUTE, limit=10) == 1
        assert interventions.recall(tx, key, "alice") is None
        assert interventions.recall(tx, key, "bob") == {}


def test_of_two_requests_with_one_key_the_second_is_a_lost_race(store: Store) -> None:
    def remember() -> None:
        with store.write() as tx:
            interventions.remember(tx, "key", "scope", {}, now=NOW)

    remember()
    with pytest.raises(LostRace):
        remember()


def test_a_token_is_found_by_its_digest_until_it_is_revoked(store: Store) -> None:
    with store.write() as tx:
        token = interventions.add_token(tx, "ci", "d1", ["read", "ack", "read"], by="alice", now=NOW)
        assert token.scopes == {"read", "ack"}
        assert interventions.find_token(tx, "d1") == token
        assert interventions.find_token(tx, "d2") is None
        assert interventions.revoke_token(tx, token.id, now=NOW + MINUTE)
        assert not interventions.revoke_token(tx, token.id, now=NOW + MINUTE)
        assert interventions.find_token(tx, "d1") is None
        assert [one.revoked_at for one in interventions.tokens(tx)] == [NOW + MINUTE]


def test_a_post_mortem_keeps_its_versions_and_shows_the_newest(store: Store) -> None:
    number = stored_incident(store).id
    with store.write() as tx:
        assert papers.newest(tx, number) is None
        papers.save(tx, number, "# One", after=0, by="alice", now=NOW)
        second = papers.save(tx, number, "# Two\x00", after=1, by="bob", now=NOW + MINUTE)
        assert papers.newest(tx, number) == second
    assert (second.text, second.version, second.saved_by) == ("# Two\x00", 2, "bob")


def test_a_revision_is_noted_when_the_configuration_changes(store: Store) -> None:
    with store.write() as tx:
        assert interventions.revision_at(tx, NOW) is None
        assert interventions.save_revision(tx, "a", "1", {"people": {}}, now=NOW)
        assert not interventions.save_revision(tx, "a", "1", {"people": {}}, now=NOW + MINUTE)
        assert interventions.save_revision(tx, "b", "2", {}, now=NOW + 2 * MINUTE)
        assert interventions.save_revision(tx, "a", "1", {"people": {}}, now=NOW + 3 * MINUTE), "back again"
        assert [one.id for one in interventions.revisions(tx)] == ["a", "b", "a"]
        moments = [NOW - 99 * MINUTE, NOW, NOW + 2 * MINUTE, NOW + 2.5 * MINUTE, NOW + timedelta(days=9)]
        found = [interventions.revision_at(tx, moment) for moment in moments]
    assert [one.id if one else None for one in found] == ["a", "a", "b", "b", "a"]
    assert found[0] is not None
    assert found[0].documents == {"people": {}}


def test_the_audit_is_newest_first(store: Store) -> None:
    with store.write() as tx:
        for number in range(3):
            interventions.record(tx, "alice", "reload", {"n": number}, now=NOW + number * MINUTE)
        newest, *rest = interventions.audit(tx)
        assert (newest.actor, newest.action, newest.data, newest.at) == (
            "alice",
            "reload",
            {"n": 2},
            NOW + 2 * MINUTE,
        )
        assert interventions.audit(tx, before_id=newest.id, limit=1) == rest[:1]


def test_the_database_refuses_to_change_the_audit(store: Store) -> None:
    begin_asking(how="oidc", request_id="r1")
    with store.write() as tx:
        interventions.record(tx, "alice", "token.created", {"id": 1}, before={}, after={"id": 1}, now=NOW)
    begin_asking()
    for statement in ("UPDATE audit SET actor = 'bob'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.write() as tx:
            tx.connection.exec_driver_sql(statement)
    with store.read() as tx:
        (entry,) = interventions.audit(tx)
    assert (entry.actor, entry.how, entry.request_id) == ("alice", "oidc", "r1")
    assert (entry.before, entry.after) == ({}, {"id": 1})


def test_the_audit_is_searched(store: Store) -> None:
    with store.write() as tx:
        for minute, (actor, action) in enumerate(
            [
                ("alice", "token.created"),
                ("bob", "token.revoked"),
                ("alice", "tokens.odd"),
                ("alice", "token"),
            ]
        ):
            interventions.record(tx, actor, action, {}, now=NOW + minute * MINUTE)

    def found(**sought: Any) -> list[str]:
        with store.read() as tx:
            return [one.action for one in interventions.audit(tx, Sought(**sought))]

    assert found(action="token") == ["token", "token.revoked", "token.created"]
    assert found(actor="alice", action="token.created") == ["token.created"]
    assert found(start=NOW + MINUTE, end=NOW + 2 * MINUTE) == ["token.revoked"]
    with store.read() as tx:
        assert interventions.audited_actions(tx) == ["token", "token.created", "token.revoked", "tokens.odd"]
