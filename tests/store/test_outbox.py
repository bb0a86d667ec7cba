from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from incident_bot.core.effects import MESSAGE_PATIENCE, PageKind
from incident_bot.core.model import Incident, Paging, Progress
from incident_bot.store import Store, incidents, outbox
from incident_bot.store.outbox import (
    Again,
    AttemptResult,
    Claimed,
    Failed,
    OutboxRow,
    RowKind,
    RowState,
    Sent,
)
from tests.store.samples import MINUTE, NOW, some_message, some_page, stored_change, stored_incident

LEASE = timedelta(seconds=30)


def claim(store: Store, *, now: datetime = NOW, limit: int = 100, owner: str = "me") -> Claimed:
    with store.write() as tx:
        return outbox.claim(tx, owner=owner, lease=LEASE, limit=limit, now=now)


def add_page(
    store: Store, incident: Incident, person: str = "alice", rank: int = 0, **changes: object
) -> None:
    with store.write() as tx:
        outbox.add_pages(tx, incident.id, [some_page(person, **changes)], rank=rank, now=NOW)


def at_epoch(incident: Incident, epoch: int) -> Incident:
    return replace(incident, progress=Progress(epoch=epoch, started_at=NOW))


def test_a_page_is_stored_once_whoever_plans_it_again(store: Store) -> None:
    incident = stored_incident(store)
    alice, bob = some_page("alice"), some_page("bob")
    with store.write() as tx:
        assert outbox.add_pages(tx, incident.id, [alice, alice], rank=0, now=NOW) == [alice]
        assert outbox.add_pages(tx, incident.id, [alice, bob], rank=0, now=NOW) == [bob]
        assert outbox.add_pages(tx, incident.id, [], rank=0, now=NOW) == []
    with store.read() as tx:
        assert [row.person for row, _ in outbox.pages_of(tx, incident.id)] == ["alice", "bob"]


def test_pages_to_one_person_by_incident(store: Store) -> None:
    one, other, none = (stored_incident(store, f"key{number}") for number in range(3))
    add_page(store, one)
    add_page(store, other)
    add_page(store, other, "bob")
    claim(store, limit=1)
    with store.read() as tx:
        found = outbox.pages_to(tx, "alice", [one.id, none.id, other.id])
        assert outbox.pages_to(tx, "alice", []) == {}
        assert {number: [row.person for row, _ in rows] for number, rows in found.items()} == {
            one.id: ["alice"],
            none.id: [],
            other.id: ["alice"],
        }
        assert found[one.id] == outbox.pages_of(tx, one.id)


def test_pages_of_many_incidents_at_once(store: Store) -> None:
    known = [stored_incident(store, f"key{number}") for number in range(3)]
    pages = [(incident.id, 0, some_page(f"p{number}")) for incident in known for number in range(500)]
    with store.write() as tx:
        assert outbox.add_pages_many(tx, pages[:10], now=NOW) == pages[:10]
        assert outbox.add_pages_many(tx, pages, now=NOW) == pages[10:]


def test_two_connections_that_plan_the_same_pages_store_each_once(store: Store, second: Store) -> None:
    number = stored_incident(store).id
    together = threading.Barrier(2, timeout=30)

    def plan(own: Store) -> int:
        together.wait()
        with own.write() as tx:
            pages = [some_page(f"p{person}") for person in range(50)]
            return len(outbox.add_pages(tx, number, pages, rank=0, now=NOW))

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(plan, [store, second])) == 50


def test_every_field_of_a_page_and_a_message_comes_back(store: Store) -> None:
    incident = stored_incident(store)
    page = some_page("al\x00ice", loop=2, step=3, reason="why\ud800", due_at=NOW + MINUTE)
    message = some_message("m\x00", incident_id=incident.id, data={"a": [1]}, rank=4, due_at=NOW + MINUTE)
    with store.write() as tx:
        outbox.add_pages(tx, incident.id, [page], rank=2, now=NOW)
        outbox.add_messages(tx, [message], now=NOW)
    with store.read() as tx:
        [(first, no_attempts)] = outbox.pages_of(tx, incident.id)
        [(second, _)] = outbox.messages_of(tx, incident.id)
        assert outbox.row(tx, first.id) == first
        assert outbox.row(tx, 99) is None
    assert no_attempts == []
    common: dict[str, Any] = {"attempts": 0, "lease_until": None, "sent_at": None, "provider_id": None, "error": None,
              "created_at": NOW, "state": RowState.PENDING, "due_at": NOW + MINUTE, "ready_at": NOW + MINUTE,
              "incident_id": incident.id}  # fmt: skip
    assert first == OutboxRow(
        id=first.id, kind=RowKind.PAGE, key=page.key(incident.id), epoch=1, loop=2, step=3, page_kind=PageKind.STEP,
        person="al\x00ice", via="mail", recipient=None, moment=None, data={}, reason="why\ud800",
        urgency=page.urgency, rank=2, give_up_at=page.give_up_at, **common,
    )  # fmt: skip
    assert second == OutboxRow(
        id=second.id, kind=RowKind.MESSAGE, key="m\x00", epoch=None, loop=0, step=0, page_kind=None, person=None,
        via="slack", recipient="#payments", moment=message.moment, data={"a": [1]}, reason="", urgency=None, rank=4,
        give_up_at=NOW + MINUTE + MESSAGE_PATIENCE, **common,
    )  # fmt: skip


def test_pages_go_before_messages_and_the_worst_first(store: Store) -> None:
    incident = stored_incident(store)
    with store.write() as tx:
        outbox.add_messages(tx, [some_message("m", rank=0, due_at=NOW - MINUTE)], now=NOW)
    add_page(store, incident, "later", rank=1, due_at=NOW)
    add_page(store, incident, "sooner", rank=1, due_at=NOW - MINUTE)
    add_page(store, incident, "worst", rank=0, due_at=NOW)
    add_page(store, incident, "not yet", rank=0, due_at=NOW + MINUTE)
    assert [row.person for row in claim(store, limit=2).rows] == ["worst", "sooner"]
    rest = claim(store)
    assert [row.person for row in rest.rows] == ["later", None]
    assert (rest.dropped, rest.busy) == ([], 0)
    assert claim(store) == Claimed(rows=[], dropped=[])


def test_a_claim_notes_its_lease_and_counts_the_attempt(store: Store) -> None:
    add_page(store, stored_incident(store))
    [row] = claim(store).rows
    assert (row.state, row.attempts, row.lease_until) == (RowState.SENDING, 1, NOW + LEASE)
    with store.read() as tx:
        assert outbox.row(tx, row.id) == row
        assert outbox.next_due(tx) == NOW + LEASE
        assert outbox.oldest_due(tx, now=NOW) is None


@pytest.mark.parametrize(
    "kind, paging, epoch, sent",
    [
        pytest.param(PageKind.STEP, Paging.TRIGGERED, 1, True, id="step of a triggered incident"),
        pytest.param(PageKind.STEP, Paging.TRIGGERED, 2, False, id="step of an earlier epoch"),
        pytest.param(PageKind.STEP, Paging.ACKNOWLEDGED, 1, False, id="step after the acknowledgement"),
        pytest.param(PageKind.STEP, Paging.SNOOZED, 1, False, id="step while snoozed"),
        pytest.param(PageKind.FALLBACK, Paging.TRIGGERED, 1, True, id="fallback"),
        pytest.param(
            PageKind.FALLBACK, Paging.ACKNOWLEDGED, 1, False, id="fallback after the acknowledgement"
        ),
        pytest.param(PageKind.LAST_RESORT, Paging.TRIGGERED, 1, True, id="last resort"),
        pytest.param(PageKind.LAST_RESORT, Paging.RESOLVED, 1, False, id="last resort after the end"),
        pytest.param(PageKind.DIRECT, Paging.TRIGGERED, 1, True, id="direct"),
        pytest.param(PageKind.DIRECT, Paging.ACKNOWLEDGED, 1, True, id="direct after the acknowledgement"),
        pytest.param(PageKind.DIRECT, Paging.SNOOZED, 1, True, id="direct while snoozed"),
        pytest.param(PageKind.DIRECT, Paging.RESOLVED, 1, False, id="direct after the end"),
        pytest.param(PageKind.DIRECT, Paging.MERGED, 1, False, id="direct of a merged incident"),
        pytest.param(PageKind.DIRECT, Paging.TRIGGERED, 2, False, id="direct of an earlier epoch"),
    ],
)
def test_s1_only_a_page_that_may_still_go_out_is_taken(
    store: Store, kind: PageKind, paging: Paging, epoch: int, sent: bool
) -> None:
    incident = stored_incident(store)
    add_page(store, incident, kind=kind)
    stored_change(store, replace(at_epoch(incident, epoch), paging=paging))
    claimed = claim(store)
    assert (len(claimed.rows), len(claimed.dropped)) == ((1, 0) if sent else (0, 1))
    if not sent:
        [row] = claimed.dropped
        assert row.state is RowState.CANCELLED
        assert row.error
        with store.read() as tx:
            assert outbox.row(tx, row.id) == row
            assert outbox.next_due(tx) is None


def test_what_was_sent_is_recorded_with_its_attempt(store: Store) -> None:
    incident = stored_incident(store)
    add_page(store, incident)
    [row] = claim(store).rows
    later = NOW + timedelta(seconds=2)
    with store.write() as tx:
        assert outbox.settle(tx, row, Sent("SM1"), now=later)
        assert not outbox.settle(tx, row, Sent("SM1"), now=later), "only once"
    with store.read() as tx:
        [(stored, [attempt])] = outbox.pages_of(tx, incident.id)
        assert outbox.last_success(tx) == {"mail": later}
    assert (stored.state, stored.sent_at, stored.provider_id, stored.lease_until) == (
        RowState.SENT,
        later,
        "SM1",
        None,
    )
    assert (attempt.number, attempt.at, attempt.finished_at) == (1, NOW, later)
    assert (attempt.result, attempt.provider_id) == (AttemptResult.SENT, "SM1")


def test_what_failed_for_now_is_due_again_and_what_failed_for_good_is_not(store: Store) -> None:
    incident = stored_incident(store)
    add_page(store, incident)
    [row] = claim(store).rows
    with store.write() as tx:
        assert outbox.settle(tx, row, Again(NOW + MINUTE, "503"), now=NOW)
        assert outbox.next_due(tx) == NOW + MINUTE
    assert claim(store).rows == []
    [again] = claim(store, now=NOW + MINUTE).rows
    assert (again.attempts, again.due_at, again.error) == (2, NOW, "503")
    with store.write() as tx:
        assert outbox.settle(tx, again, Failed("no such number"), now=NOW + MINUTE)
        [failed] = outbox.failed_rows(tx)
        assert (failed.state, failed.error) == (RowState.FAILED, "no such number")
        assert outbox.count_by_state(tx) == {RowState.PENDING: 0, RowState.SENDING: 0, RowState.FAILED: 1}
    assert claim(store, now=NOW + 2 * MINUTE).rows == []
    with store.read() as tx:
        [(_, attempts)] = outbox.pages_of(tx, incident.id)
    assert [attempt.result for attempt in attempts] == [AttemptResult.AGAIN, AttemptResult.FAILED]


def test_s4_an_expired_lease_is_taken_over_and_the_first_owner_may_not_settle(store: Store) -> None:
    incident = stored_incident(store)
    add_page(store, incident)
    [first] = claim(store, owner="first").rows
    assert claim(store, now=NOW + LEASE - timedelta(microseconds=1)).rows == []
    [taken] = claim(store, now=NOW + LEASE, owner="second").rows
    assert (taken.id, taken.attempts) == (first.id, 2)
    with store.read() as tx:
        [(_, [unknown])] = outbox.pages_of(tx, incident.id)
    assert (unknown.number, unknown.result, unknown.finished_at) == (1, AttemptResult.UNKNOWN, None)
    with store.write() as tx:
        assert not outbox.settle(tx, first, Sent("late"), now=NOW + LEASE)
        assert outbox.settle(tx, taken, Failed("no"), now=NOW + LEASE)
        [(row, attempts)] = outbox.pages_of(tx, incident.id)
    assert row.state is RowState.FAILED
    assert [(one.number, one.result, one.provider_id, one.at) for one in attempts] == [
        (1, AttemptResult.SENT, "late", NOW),
        (2, AttemptResult.FAILED, None, NOW + LEASE),
    ]


def test_an_expired_lease_of_an_acknowledged_incident_is_not_sent_again(store: Store) -> None:
    incident = stored_incident(store)
    add_page(store, incident)
    assert len(claim(store).rows) == 1
    stored_change(store, replace(incident, paging=Paging.ACKNOWLEDGED))
    claimed = claim(store, now=NOW + LEASE)
    assert (claimed.rows, [row.state for row in claimed.dropped]) == ([], [RowState.CANCELLED])


def test_cancelling_takes_back_what_waits_and_names_what_is_under_way(store: Store) -> None:
    incident, other = stored_incident(store), stored_incident(store, "other")
    add_page(store, incident, "sending")
    claim(store)
    add_page(store, incident, "alice")
    add_page(store, incident, "bob", due_at=NOW + MINUTE)
    add_page(store, other, "alice")
    with store.write() as tx:
        outbox.add_messages(tx, [some_message(incident_id=incident.id)], now=NOW)
        [mine] = outbox.cancel_pages(tx, incident.id, person="alice", reason="alice acknowledged", now=NOW)
        rest = outbox.cancel_pages(tx, incident.id, reason="resolved", now=NOW)
    assert (mine.person, mine.state, mine.error, mine.ready_at) == (
        "alice", RowState.CANCELLED, "alice acknowledged", None,
    )  # fmt: skip
    assert {row.person: row.state for row in rest} == {"sending": RowState.SENDING, "bob": RowState.CANCELLED}
    left = claim(store, now=NOW + timedelta(seconds=1)).rows
    assert [(row.kind, row.incident_id) for row in left] == [
        (RowKind.PAGE, other.id),
        (RowKind.MESSAGE, incident.id),
    ]


def test_of_messages_that_coalesce_the_latest_goes_out(store: Store) -> None:
    first = some_message("m1", coalesce="room", data={"n": 1})
    second = some_message("m2", coalesce="room", data={"n": 2})
    third = some_message("m3", coalesce="room", data={"n": 3})
    other = some_message("m4", coalesce="elsewhere")
    alone = some_message("m5")
    with store.write() as tx:
        assert outbox.add_messages(tx, [first, alone], now=NOW) == [first, alone]
        assert outbox.add_messages(tx, [second, other, third], now=NOW) == [third, other]
        assert outbox.add_messages(tx, [first], now=NOW) == [], "a repeat supersedes nothing"
        assert outbox.add_messages(tx, [], now=NOW) == []
    assert sorted(row.key for row in claim(store).rows) == ["m3", "m4", "m5"]
    with store.write() as tx:
        outbox.add_messages(tx, [some_message("m6", coalesce="room")], now=NOW)
    assert [row.key for row in claim(store).rows] == ["m6"], "what is being sent is not superseded"


def test_what_is_due_next_and_since_when(store: Store) -> None:
    with store.write() as tx:
        assert outbox.next_due(tx) is None
        outbox.add_messages(
            tx, [some_message("a", due_at=NOW + MINUTE), some_message("b", due_at=NOW)], now=NOW
        )
        assert outbox.next_due(tx) == NOW
        assert outbox.oldest_due(tx, now=NOW) == NOW
        assert outbox.oldest_due(tx, now=NOW - MINUTE) is None
        assert outbox.last_success(tx) == {}
        assert outbox.count_by_state(tx) == {RowState.PENDING: 2, RowState.SENDING: 0, RowState.FAILED: 0}


def test_the_last_success_of_every_channel(store: Store) -> None:
    vias = ["slack", "mail", "sms", "mail"]
    with store.write() as tx:
        outbox.add_messages(tx, [some_message(f"m{n}", via=via) for n, via in enumerate(vias)], now=NOW)
    with store.write() as tx:
        rows = outbox.claim(tx, owner="me", lease=LEASE, limit=9, now=NOW).rows
        for number, row in enumerate(rows):
            outcome = Failed("no") if row.via == "sms" else Sent()
            outbox.settle(tx, row, outcome, now=NOW + number * MINUTE)
        assert outbox.last_success(tx) == {"slack": NOW, "mail": NOW + 3 * MINUTE}


def test_no_row_is_taken_twice_by_replicas_that_claim_at_once(store: Store, second: Store) -> None:
    known = [stored_incident(store, f"key{number}") for number in range(4)]
    with store.write() as tx:
        pages = [(incident.id, 0, some_page(f"p{number}")) for incident in known for number in range(50)]
        outbox.add_pages_many(tx, pages, now=NOW)
    together = threading.Barrier(4, timeout=30)

    def take(own: Store) -> list[int]:
        together.wait()
        taken: list[int] = []
        while rows := claim(own, limit=7).rows:
            taken += [row.id for row in rows]
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [number for numbers in pool.map(take, [store, second, store, second]) for number in numbers]
    assert len(taken) == len(set(taken)) == 200


def test_p3_a_claim_leaves_alone_what_somebody_is_deciding_on(postgres_url: str) -> None:
    store, other = Store.open(postgres_url), Store.open(postgres_url)
    incident, free = stored_incident(store), stored_incident(store, "free")
    add_page(store, incident)
    add_page(store, free)
    with other.write() as deciding:
        locked = incidents.get(deciding, incident.id, lock=True)
        assert locked is not None
        claimed = claim(store)
        assert [row.incident_id for row in claimed.rows] == [free.id]
        assert claimed.busy == 1
        incidents.save(deciding, [(replace(locked, paging=Paging.ACKNOWLEDGED), [])], now=NOW)
        cancelled = outbox.cancel_pages(deciding, incident.id, reason="acknowledged", now=NOW)
    assert [row.state for row in cancelled] == [RowState.CANCELLED]
    assert claim(store) == Claimed(rows=[], dropped=[])
    store.close()
    other.close()


def three_ways(store: Store, incident: Incident) -> list[OutboxRow]:
    """Pages of one person: at once, after two and after five minutes."""
    for via, minutes in (("slack", 0), ("sms", 2), ("voice", 5)):
        due, patience = NOW + minutes * MINUTE, 3 * MINUTE
        with store.write() as tx:
            page = some_page("ana", via=via, due_at=due, patience=patience)
            outbox.add_pages(tx, incident.id, [page], rank=0, now=NOW)
    return pages(store, incident)


def pages(store: Store, incident: Incident) -> list[OutboxRow]:
    with store.read() as tx:
        return [row for row, _ in outbox.pages_of(tx, incident.id)]


def hasten(store: Store, row: OutboxRow) -> str | None:
    with store.write() as tx:
        found = outbox.hasten(tx, row, now=NOW)
    return found.via if found else None


def test_the_next_channel_is_hastened_and_has_its_whole_time(store: Store) -> None:
    incident = stored_incident(store)
    first, *_ = three_ways(store, incident)
    claim(store)
    assert hasten(store, first) == "sms"
    _, sms, voice = pages(store, incident)
    assert (sms.ready_at, sms.due_at, sms.give_up_at) == (NOW, NOW + 2 * MINUTE, NOW + 3 * MINUTE)
    assert (voice.ready_at, voice.give_up_at) == (NOW + 5 * MINUTE, NOW + 8 * MINUTE)


def test_what_is_on_its_way_needs_no_haste_and_what_failed_is_passed_over(store: Store) -> None:
    incident = stored_incident(store)
    first, *_ = three_ways(store, incident)
    claim(store)
    hasten(store, first)
    assert hasten(store, first) is None
    (sms,) = claim(store).rows
    assert hasten(store, first) is None
    with store.write() as tx:
        outbox.settle(tx, sms, Again(NOW + timedelta(seconds=9), "busy"), now=NOW)
    assert hasten(store, first) is None
    (sms,) = claim(store, now=NOW + timedelta(seconds=9)).rows
    with store.write() as tx:
        outbox.settle(tx, sms, Failed("no"), now=NOW)
    assert hasten(store, first) == "voice"
    (voice,) = claim(store).rows
    assert hasten(store, voice) is None
