from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from incident_bot.core.effects import TimerKind
from incident_bot.store import Store, incidents, timers
from incident_bot.store.timers import Timer
from tests.store.samples import MINUTE, NOW, stored_incident


def some_timer(key: str = "step:1", **changes: Any) -> Timer:
    return replace(Timer(kind=TimerKind.STEP, key=key, due_at=NOW), **changes)


def put(store: Store, *wanted: Timer) -> None:
    with store.write() as tx:
        timers.set_timers(tx, wanted, now=NOW)


def due(store: Store, *, now: datetime = NOW, limit: int = 100) -> list[Timer]:
    with store.write() as tx:
        return timers.claim_due(tx, limit=limit, now=now)


def test_every_field_comes_back(store: Store) -> None:
    incident = stored_incident(store)
    full = some_timer(
        kind=TimerKind.HOLD, incident_id=incident.id, subject=2**40, epoch=3, data={"a": "\x00"}
    )
    put(store, full)
    [found] = due(store)
    assert found == replace(full, id=found.id, version=1)
    with store.read() as tx:
        assert timers.timers_of(tx, incident.id) == [found]


def test_what_is_due_comes_longest_overdue_first(store: Store) -> None:
    put(
        store,
        some_timer("b", due_at=NOW),
        some_timer("c", due_at=NOW + MINUTE),
        some_timer("a", due_at=NOW - MINUTE),
    )
    put(store)
    assert [timer.key for timer in due(store)] == ["a", "b"]
    assert [timer.key for timer in due(store, limit=1)] == ["a"]
    with store.read() as tx:
        assert timers.next_due(tx) == NOW - MINUTE
        assert timers.oldest_due(tx, now=NOW) == NOW - MINUTE
        assert timers.oldest_due(tx, now=NOW - 2 * MINUTE) is None


def test_a_timer_of_the_same_key_is_replaced_and_its_attempts_forgotten(store: Store) -> None:
    put(store, some_timer(data={"n": 1}))
    [old] = due(store)
    with store.write() as tx:
        timers.postpone(tx, old, due_at=NOW + MINUTE, error="failed")
    put(
        store,
        some_timer(kind=TimerKind.SNOOZE, data={"n": 2}, due_at=NOW),
        some_timer(data={"n": 3}, due_at=NOW),
    )
    [new] = due(store)
    assert (new.id, new.data, new.attempts, new.error) == (old.id, {"n": 3}, 0, None)
    assert new.kind is TimerKind.STEP


def test_a_timer_that_fired_is_gone_unless_its_firing_set_it_anew(store: Store) -> None:
    put(store, some_timer("a"), some_timer("b"))
    with store.write() as tx:
        fired = timers.claim_due(tx, limit=2, now=NOW)
        timers.set_timers(tx, [some_timer("a", due_at=NOW + MINUTE)], now=NOW)
        timers.done(tx, *fired)
        timers.done(tx)
        assert timers.next_due(tx) == NOW + MINUTE
    assert [timer.key for timer in due(store, now=NOW + MINUTE)] == ["a"]


def test_stopping_takes_the_kinds_named_of_one_incident(store: Store) -> None:
    one, two = stored_incident(store, "one"), stored_incident(store, "two")
    put(
        store,
        some_timer("a", incident_id=one.id),
        some_timer("b", incident_id=one.id, kind=TimerKind.SNOOZE),
        some_timer("c", incident_id=one.id, kind=TimerKind.HOLD),
        some_timer("d", incident_id=two.id),
    )
    with store.write() as tx:
        assert timers.stop_timers(tx, one.id, [TimerKind.STEP, TimerKind.SNOOZE, TimerKind.REFIRE]) == 2
        assert timers.stop_timers(tx, one.id, []) == 0
    assert [timer.key for timer in due(store)] == ["c", "d"]


def test_a_firing_that_keeps_failing_is_parked_and_visible_until_set_anew(store: Store) -> None:
    put(store, some_timer())
    ends = []
    for _ in range(timers.ATTEMPTS_MOST):
        [timer] = due(store)
        with store.write() as tx:
            ends.append(timers.postpone(tx, timer, due_at=NOW, error="it\x00failed"))
    assert ends == [False] * 7 + [True]
    assert due(store) == []
    with store.read() as tx:
        [parked] = timers.parked(tx)
        assert timers.next_due(tx) is None
    assert (parked.attempts, parked.error) == (8, "it\x00failed")
    put(store, some_timer())
    with store.read() as tx:
        assert timers.parked(tx) == []
    assert len(due(store)) == 1


def test_postponing_what_was_set_anew_meanwhile_changes_nothing(store: Store) -> None:
    put(store, some_timer())
    [old] = due(store)
    put(store, some_timer())
    with store.write() as tx:
        assert not timers.postpone(tx, old, due_at=NOW + MINUTE, error="x")
    assert [timer.attempts for timer in due(store)] == [0]


def test_replicas_fire_each_timer_once(store: Store, second: Store) -> None:
    put(store, *(some_timer(f"t{number}") for number in range(60)))
    together = threading.Barrier(2, timeout=30)

    def fire(own: Store) -> list[str]:
        together.wait()
        fired: list[str] = []
        while True:
            with own.write() as tx:
                found = timers.claim_due(tx, limit=3, now=NOW)
                timers.done(tx, *found)
            if not found:
                return fired
            fired += [timer.key for timer in found]

    with ThreadPoolExecutor(2) as pool:
        fired = [key for keys in pool.map(fire, [store, second]) for key in keys]
    assert len(fired) == len(set(fired)) == 60


def test_a_timer_waits_while_somebody_decides_about_its_incident(postgres_url: str) -> None:
    store, other = Store.open(postgres_url), Store.open(postgres_url)
    held, free = stored_incident(store, "held"), stored_incident(store, "free")
    put(
        store,
        some_timer("held", incident_id=held.id, due_at=NOW - MINUTE),
        some_timer("free", incident_id=free.id),
        some_timer("alone"),
    )
    with other.write() as deciding:
        incidents.get(deciding, held.id, lock=True)
        with store.write() as firing:
            assert sorted(timer.key for timer in timers.claim_due(firing, limit=3, now=NOW)) == [
                "alone",
                "free",
            ]
            assert timers.stop_timers(deciding, held.id, [TimerKind.STEP]) == 1
    assert sorted(timer.key for timer in due(store)) == ["alone", "free"]
    store.close()
    other.close()


@pytest.mark.parametrize("pending", [100, 5000])
def test_finding_what_is_due_reads_an_index_however_many_wait(sqlite_url: str, pending: int) -> None:
    store = Store.open(sqlite_url)
    put(store, *(some_timer(f"t{number}", due_at=NOW + MINUTE) for number in range(pending)))
    with store.read() as tx:
        query = "EXPLAIN QUERY PLAN SELECT * FROM timer WHERE state = ? AND due_at <= ? ORDER BY due_at, id LIMIT 1"
        plan = " ".join(row.detail for row in tx.connection.exec_driver_sql(query, ("pending", "2026")))
        assert "USING INDEX ix_timer_due (state=? AND due_at<?)" in plan
        assert "TEMP B-TREE" not in plan
        assert tx.connection.execute(sa.text("SELECT count(*) FROM timer")).scalar_one() == pending
    assert due(store) == []
    store.close()


def test_a_timer_is_found_by_its_key_and_all_by_their_kind(store: Store) -> None:
    put(
        store,
        some_timer("b", kind=TimerKind.HEARTBEAT, due_at=NOW + MINUTE, data={"n": 2}),
        some_timer("a", kind=TimerKind.HEARTBEAT),
        some_timer("c"),
    )
    with store.read() as tx:
        found = timers.by_key(tx, "b")
        assert found is not None
        assert found.data == {"n": 2}
        assert timers.by_key(tx, "d") is None
        assert [timer.key for timer in timers.of_kind(tx, TimerKind.HEARTBEAT)] == ["a", "b"]
