"""What a claim reads: the heads of the lanes by an index, however many rows wait behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from incident_bot.core.lanes import Lane, Lanes, Pace, Pacing
from incident_bot.store import Store, outbox
from tests.store.samples import NOW, some_message, some_page, stored_incident

SECOND = timedelta(seconds=1)
MANY = 4000
PACED = Lanes({"mail": Pacing(total=Pace(every=SECOND))}, folding=False)
Statement = tuple[str, Any]


@contextmanager
def listened(store: Store) -> Iterator[list[Statement]]:
    """Collect what is asked of the table of what waits."""
    asked: list[Statement] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *rest: Any) -> None:
        del rest
        if "outbox" in statement and statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append((statement, parameters))

    sa.event.listen(store._engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(store._engine, "before_cursor_execute", note)


def plan_of(store: Store, statement: Statement) -> str:
    with store.write() as tx:
        word = "EXPLAIN QUERY PLAN " if tx.sqlite else "EXPLAIN "
        found = tx.connection.exec_driver_sql(word + statement[0], statement[1])
        return "\n".join(str(row[-1]) for row in found)


def queued(store: Store, count: int) -> None:
    number = stored_incident(store).id
    pages = [(number, place % 4, some_page(f"p{place}")) for place in range(count)]
    later = [(number, 0, some_page(f"q{place}", due_at=NOW + timedelta(hours=1))) for place in range(count)]
    with store.write() as tx:
        outbox.add_pages_many(tx, [*pages, *later], now=NOW)


def test_a_claim_reads_no_more_of_a_long_queue_than_of_a_short_one(store: Store) -> None:
    queued(store, MANY)
    with store.write() as tx:
        [first] = outbox.claim(tx, owner="me", lease=30 * SECOND, limit=16, lanes=PACED, now=NOW).rows
        tx.connection.exec_driver_sql("ANALYZE")
    with listened(store) as asked, store.write() as tx:
        [second] = outbox.claim(
            tx, owner="me", lease=30 * SECOND, limit=16, lanes=PACED, now=NOW + SECOND
        ).rows
        due = outbox.next_due(tx)
    assert (first.rank, second.rank, due) == (0, 0, NOW + 2 * SECOND)
    assert len(asked) <= 12, "as many questions as lanes, not as rows"
    for statement in asked:
        plan = plan_of(store, statement)
        assert "Seq Scan on outbox" not in plan, plan
        assert "SCAN outbox\n" not in f"{plan}\n", plan


def test_what_two_connections_use_of_a_lane_is_what_one_would(store: Store, second: Store) -> None:
    queued(store, 3)
    found = []
    for own in (store, second, store, second):
        with own.write() as tx:
            found += outbox.claim(tx, owner="x", lease=30 * SECOND, limit=9, lanes=PACED, now=NOW).rows
    assert len(found) == 1


def test_a_closed_lane_stays_closed_for_everybody(store: Store, second: Store) -> None:
    queued(store, 3)
    with store.write() as tx:
        outbox.close_lane(tx, Lane("mail", None), NOW + 9 * SECOND)
        outbox.close_lane(tx, Lane("mail", None), NOW + 5 * SECOND)
    with second.write() as tx:
        assert outbox.claim(tx, owner="x", lease=30 * SECOND, limit=9, now=NOW).rows == []
        assert outbox.next_due(tx) == NOW + 9 * SECOND
        assert outbox.oldest_due(tx, now=NOW) == NOW
        rows = outbox.claim(tx, owner="x", lease=30 * SECOND, limit=9, now=NOW + 9 * SECOND).rows
        assert len(rows) == 3


def test_lanes_that_nobody_uses_are_forgotten(store: Store) -> None:
    each = Lanes({"slack": Pacing(each=Pace(every=SECOND))})
    for day, channel in enumerate(("#a", "#b", "#c")):
        now = NOW + timedelta(days=2 * day)
        with store.write() as tx:
            outbox.add_messages(tx, [some_message(channel, recipient=channel, due_at=now)], now=now)
            assert len(outbox.claim(tx, owner="x", lease=30 * SECOND, limit=9, lanes=each, now=now).rows) == 1
            names = tx.connection.exec_driver_sql("SELECT name FROM lane").scalars().all()
            assert names == [f"slack/{channel}"]
            tx.connection.exec_driver_sql("UPDATE outbox SET ready_at = NULL")
