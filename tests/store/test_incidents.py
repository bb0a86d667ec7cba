from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from incident_bot.core.model import (
    ComponentState,
    Flapping,
    FlappingRule,
    Incident,
    Item,
    ItemKind,
    Kind,
    LeadOffer,
    Outcome,
    Paging,
    Phase,
    Progress,
    Public,
    Reminders,
    Review,
    ReviewState,
    Running,
    Silence,
    SilenceState,
    Tick,
    Told,
)
from incident_bot.store import LostRace, Store, Tx, incidents
from tests.store.samples import MINUTE, NOW, some_event, some_incident, stored_change, stored_incident

FULL = Incident(
    key="pay\x00ments",
    title="Latency \ud800",
    severity="critical",
    peak="page",
    phase=Phase.INVESTIGATING,
    paging=Paging.ACKNOWLEDGED,
    team="payments",
    service="checkout",
    lead="alice",
    roles={"scribe": "bob"},
    impact="some",
    runbook="services/latency.md",
    items=(
        Item(number=1, kind=ItemKind.TASK, text="look", added_at=NOW, added_by="alice"),
        Item(number=2, kind=ItemKind.CHANGE, text="did", owner="bob", due=NOW, undo="undo", added_at=NOW,
             added_by="alice", done_at=NOW + MINUTE, done_by="bob"),
        Item(number=3, kind=ItemKind.THEORY, text="cold cache", added_at=NOW, added_by="alice", done_at=NOW + MINUTE,
             done_by="bob", outcome=Outcome.RULED_OUT, why="it is warm"),
    ),
    progress=Progress(epoch=4, loop=1, step=2, next_at=NOW + MINUTE, state=Running.PAUSED, started_at=NOW,
                      fell_back=True, reached=True),
    policy={"steps": [{"after": 300}]},
    opened_at=NOW,
    opened_by="alertmanager",
    acknowledged_at=NOW + MINUTE,
    acknowledged_by="alice",
    responders=("alice", "bob"),
    waiting_for="the vendor",
    asked_at=NOW,
    snoozed_until=NOW + 2 * MINUTE,
    resolved_at=NOW + 3 * MINUTE,
    updated_by_people=True,
    next_update_at=NOW + 4 * MINUTE,
    forced=True,
    drill=True,
    private=True,
    previous=12,
    merged_into=13,
    revision="abc",
    storm="default",
    lead_since=NOW,
    offer=LeadOffer(to="bob", by="alice", at=NOW, reminded=True),
    ticks=(Tick(number=2, text="Roll it back", by="bob", at=NOW),),
    resolver="alice",
    flapping=Flapping(since=NOW, rule=FlappingRule(transitions=5, hold=7 * MINUTE), quiet_epoch=3),
    reminders=Reminders(
        off=True,
        until=NOW + MINUTE,
        promised_at=NOW,
        promised_by="ana",
        told={"missed": Told(people=("ana", "ben"), at=NOW)},
    ),
    silences=(
        Silence(number=1, source="am", matchers=(("alertname", "Down"), ("region", "")), ends_at=NOW + MINUTE,
                asked_at=NOW, asked_by="ana", reason="moving", state=SilenceState.OVER, outcome="ended"),
    ),
    review=Review(
        state=ReviewState.IN_REVIEW, owner="al\x00ice", reviewers=("bob",), due=NOW, by_hand=True, since=NOW,
        approved_by="bob", reason="x",
    ),
    public=Public(
        title="Payments fail", components=("checkout",), state=ComponentState.PARTIAL_OUTAGE, since=NOW
    ),
)  # fmt: skip


def test_every_field_comes_back_inserted_and_updated(store: Store) -> None:
    inserted = stored_change(store, FULL, [some_event()])
    blank = stored_incident(store, "other")
    updated = stored_change(
        store, replace(FULL, key="third", id=blank.id, seq=blank.seq, last_hash=blank.last_hash)
    )
    with store.read() as tx:
        assert incidents.get(tx, inserted.id) == inserted
        assert incidents.get(tx, updated.id) == updated
        assert incidents.get(tx, 99) is None
    assert replace(inserted, id=0, seq=0, last_hash="") == FULL
    plain = some_incident()
    same = [one.name for one in fields(Incident) if getattr(FULL, one.name) == getattr(plain, one.name)]
    expected = ["id", "last_hash", "opened_at", "opened_by", "seq", "severity", "team"]
    assert sorted(same) == expected, "a new field: store it, and set it in FULL"


def test_events_are_numbered_stamped_and_chained(store: Store) -> None:
    incident = stored_incident(store)
    assert (incident.seq, len(incident.last_hash)) == (1, 64)
    events = [some_event(Kind.NOTE, text="a\x00\ud800", number=1.5), some_event(Kind.ACKNOWLEDGED)]
    with store.write() as tx:
        [later] = incidents.save(tx, [(incident, events)], now=NOW + MINUTE)
    with store.read() as tx:
        found = incidents.events(tx, incident.id)
        assert incidents.events(tx, incident.id, after=1) == found[1:]
        assert incidents.events(tx, incident.id, after=1, limit=1) == found[1:2]
        assert incidents.events_by_incident(tx, [incident.id, 99]) == {incident.id: found, 99: []}
        assert incidents.events_by_incident(tx, []) == {}
        assert incidents.latest_seq(tx, incident.id) == later.seq == 3
        assert incidents.latest_seq(tx, 99) == 0
        assert [event for _, _, event in incidents.events_since(tx, 0)] == found
        everything = incidents.events_since(tx, 0)
        assert incidents.events_since(tx, everything[0][0], limit=1) == everything[1:2]
        assert {number for _, number, _ in everything} == {incident.id}
    assert [event.seq for event in found] == [1, 2, 3]
    assert [event.recorded_at for event in found] == [NOW, NOW + MINUTE, NOW + MINUTE]
    assert found[1].data == events[0].data
    assert found[-1].hash == later.last_hash
    assert len({event.hash for event in found}) == 3


def test_many_at_once_come_back_in_their_order(store: Store) -> None:
    known = [stored_incident(store, f"known{number}") for number in range(3)]
    changes = [(some_incident(f"new{number}"), [some_event(), some_event()]) for number in range(600)]
    mixed = [*changes[:300], *((incident, [some_event()]) for incident in known), *changes[300:]]
    with store.write() as tx:
        stored = incidents.save(tx, mixed, now=NOW)
        assert incidents.save(tx, [], now=NOW) == []
    assert [incident.key for incident in stored] == [incident.key for incident, _ in mixed]
    with store.write() as tx:
        found = incidents.open_by_keys(tx, [incident.key for incident in stored] + ["unknown"])
        assert incidents.verify_chain(tx, stored[-1].id) is None
    assert found == {incident.key: incident for incident in stored}


def test_at_most_one_open_incident_has_a_key(store: Store) -> None:
    incident = stored_incident(store, "k" * 5000)
    with pytest.raises(LostRace):
        stored_incident(store, "k" * 5000)
    stored_incident(store, "other", paging=Paging.RESOLVED)
    with store.write() as tx:
        closed = replace(incident, paging=Paging.RESOLVED)
        stored = incidents.save(
            tx, [(some_incident("k" * 5000), []), (closed, [some_event(Kind.RESOLVED)])], now=NOW
        )
        assert incidents.open_by_keys(tx, ["k" * 5000]) == {"k" * 5000: stored[0]}
        assert incidents.closed_by_keys(tx, ["k" * 5000]) == {"k" * 5000: stored[1]}
        assert incidents.open_by_keys(tx, []) == incidents.closed_by_keys(tx, []) == {}


def test_the_newest_resolved_incident_of_a_key(store: Store) -> None:
    stored_incident(store, "a", paging=Paging.RESOLVED)
    newest = stored_incident(store, "a", paging=Paging.RESOLVED)
    stored_incident(store, "a")
    with store.write() as tx:
        assert incidents.closed_by_keys(tx, ["a", "b"]) == {"a": newest}


def test_the_newest_of_a_key_may_be_merged_and_leads_to_where_its_alerts_are(store: Store) -> None:
    stored_incident(store, "a", paging=Paging.RESOLVED)
    end = stored_incident(store, "c")
    between = stored_incident(store, "b", paging=Paging.MERGED, merged_into=end.id)
    newest = stored_incident(store, "a", paging=Paging.MERGED, merged_into=between.id)
    lost = stored_incident(store, "d", paging=Paging.MERGED)
    with store.write() as tx:
        assert incidents.closed_by_keys(tx, ["a"]) == {"a": newest}
        assert incidents.end_of_merges(tx, newest) == incidents.end_of_merges(tx, end) == end
        assert incidents.end_of_merges(tx, lost) is None


def test_a_change_of_what_somebody_else_changed_is_a_lost_race(store: Store) -> None:
    read = stored_incident(store)
    stored_change(store, replace(read, lead="alice"), [some_event()])
    with pytest.raises(LostRace):
        stored_change(store, replace(read, lead="bob"), [some_event()])
    with store.read() as tx:
        found = incidents.get(tx, read.id)
    assert found is not None
    assert found.lead == "alice"


def test_locked_changes_from_two_connections_are_all_kept(store: Store, second: Store) -> None:
    number = stored_incident(store).id

    def note_ten(own: Store) -> None:
        for _ in range(10):
            with own.write() as tx:
                incident = incidents.get(tx, number, lock=True)
                assert incident is not None
                incidents.save(tx, [(incident, [some_event()])], now=NOW)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(note_ten, [store, second]))
    with store.read() as tx:
        assert incidents.latest_seq(tx, number) == 21
        assert incidents.verify_chain(tx, number) is None


def remove(seq: int) -> Callable[[Tx], None]:
    return lambda tx: tx.connection.execute(
        sa.text("DELETE FROM event WHERE seq = :seq"), {"seq": seq}
    ).close()


def change(column: str, value: object, seq: int = 2) -> Callable[[Tx], None]:
    statement = sa.text(f"UPDATE event SET {column} = :value WHERE seq = :seq")  # noqa: S608 - names of this test
    return lambda tx: tx.connection.execute(statement, {"value": value, "seq": seq}).close()


@pytest.mark.parametrize(
    "tamper, broken",
    [
        pytest.param(lambda _tx: None, None, id="nothing"),
        pytest.param(change("actor", "mallory"), 2, id="another actor"),
        pytest.param(change("data", '{"text":"other"}'), 2, id="other data"),
        pytest.param(change("kind", "resolved"), 2, id="another kind"),
        pytest.param(change("hash", "0" * 64, seq=3), 3, id="another hash"),
        pytest.param(remove(1), 1, id="the first is gone"),
        pytest.param(remove(2), 2, id="one in the middle is gone"),
        pytest.param(remove(3), 3, id="the last is gone"),
    ],
)
def test_the_chain_shows_what_was_changed_behind_our_back(
    store: Store, tamper: Callable[[Tx], None], broken: int | None
) -> None:
    number = stored_change(store, stored_incident(store), [some_event(text="a"), some_event(text="b")]).id
    with store.write() as tx:
        tamper(tx)
    with store.read() as tx:
        assert incidents.verify_chain(tx, number) == broken
        assert incidents.verify_chain(tx, 99) is None


def test_the_chain_shows_a_forged_last_entry(store: Store) -> None:
    incident = stored_incident(store)
    longer = stored_change(store, incident, [some_event()])
    with store.write() as tx:
        statement = sa.text("UPDATE incident SET seq = :seq, last_hash = :hash")
        tx.connection.execute(statement, {"seq": incident.seq, "hash": incident.last_hash})
    with store.read() as tx:
        assert incidents.verify_chain(tx, longer.id) == 2


def test_lists_filter_and_page(store: Store) -> None:
    a = stored_incident(store, "a")
    b = stored_incident(store, "b", paging=Paging.SNOOZED, severity="warning")
    c = stored_incident(store, "c", paging=Paging.RESOLVED, team="search")
    d = stored_incident(store, "d", service="checkout")
    with store.read() as tx:
        assert incidents.list_incidents(tx, limit=2) == [d, c]
        assert incidents.list_incidents(tx, before_id=c.id, limit=9) == [b, a]
        assert incidents.list_incidents(tx, state="open", limit=9) == [d, b, a]
        assert incidents.list_incidents(tx, state=Paging.SNOOZED, limit=9) == [b]
        assert incidents.list_incidents(tx, severity="warning", limit=9) == [b]
        assert incidents.list_incidents(tx, team="search", limit=9) == [c]
        assert incidents.list_incidents(tx, service="checkout", state="open", limit=9) == [d]
        assert incidents.list_incidents(tx, drill=True, limit=9) == []
        assert incidents.list_incidents(tx, drill=False, limit=9) == [d, c, b, a]
        counts = incidents.count_by_paging(tx)
    assert counts == dict.fromkeys(Paging, 0) | {Paging.TRIGGERED: 2, Paging.SNOOZED: 1, Paging.RESOLVED: 1}


def test_numbers_are_never_given_twice(store: Store) -> None:
    first = stored_incident(store, "a")
    later = stored_incident(store, "b")
    assert later.id > first.id
    assert later.opened_at - first.opened_at == timedelta(0)
