from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from incident_bot.core.model import Rejected
from incident_bot.store import Store, alerts
from incident_bot.store.alerts import DeliveryState, Group, NewDelivery
from tests.store.samples import MINUTE, NOW

DELIVERY = NewDelivery(
    source="alertmanager", receiver="bot", group_hash="g1", digest="d1", body=b"{}", alerts=1
)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"x" * 1025, os.urandom(5000), b'{"a": "\\u0000"}' * 200_000, bytes(range(256))],
    ids=["empty", "small", "packed", "random", "3 MB", "every byte"],
)
def test_a_body_comes_back_as_received(store: Store, body: bytes) -> None:
    new = replace(
        DELIVERY, body=body, rejected=(Rejected(path="$.alerts[1]", reason="no labels"),), error="x\x00"
    )
    with store.write() as tx:
        [number] = alerts.insert_deliveries(tx, [new], now=NOW)
    with store.read() as tx:
        found = alerts.delivery(tx, number)
        assert alerts.delivery(tx, number + 1) is None
    assert found is not None
    assert (found.body, found.rejected, found.error) == (body, new.rejected, "x\x00")
    assert (found.received_at, found.settled_at, found.attempts) == (NOW, NOW, 0)


def test_a_large_repetitive_body_takes_little_room(store: Store) -> None:
    with store.write() as tx:
        alerts.insert_deliveries(tx, [replace(DELIVERY, body=b'{"labels": {}}' * 100_000)], now=NOW)
        size = tx.connection.execute(sa.text("SELECT length(body) FROM delivery")).scalar_one()
    assert size < 50_000


def test_a_deferred_delivery_waits_until_it_is_settled(store: Store) -> None:
    waiting = replace(DELIVERY, state=DeliveryState.DEFERRED, error="decide failed")
    with store.write() as tx:
        ids = alerts.insert_deliveries(tx, [DELIVERY, waiting, waiting, waiting], now=NOW)
        alerts.settle_delivery(tx, ids[1], state=DeliveryState.APPLIED, now=NOW + MINUTE)
        alerts.settle_delivery(tx, ids[2], state=DeliveryState.DEFERRED, error="again", now=NOW + MINUTE)
    assert ids == sorted(ids)
    with store.write() as tx:
        assert [(one.id, one.attempts, one.error) for one in alerts.deferred(tx, 9)] == [
            (ids[2], 1, "again"),
            (ids[3], 0, "decide failed"),
        ]
        assert [one.id for one in alerts.deferred(tx, 1)] == [ids[2]]
        alerts.settle_delivery(tx, ids[3], state=DeliveryState.FAILED, error="no", now=NOW)
        assert alerts.count_deliveries(tx) == {DeliveryState.DEFERRED: 1, DeliveryState.FAILED: 1}
        applied = alerts.delivery(tx, ids[1])
        assert applied is not None
        assert (applied.state, applied.settled_at) == (DeliveryState.APPLIED, NOW + MINUTE)


def test_old_applied_deliveries_are_forgotten_in_portions(store: Store) -> None:
    with store.write() as tx:
        alerts.insert_deliveries(
            tx, [DELIVERY] * 3 + [replace(DELIVERY, state=DeliveryState.DEFERRED)], now=NOW
        )
        [kept] = alerts.insert_deliveries(tx, [DELIVERY], now=NOW + MINUTE)
        assert alerts.forget_deliveries(tx, before=NOW + MINUTE, limit=2) == 2
        assert alerts.forget_deliveries(tx, before=NOW + MINUTE) == 1
        assert alerts.forget_deliveries(tx, before=NOW + MINUTE) == 0
        assert alerts.delivery(tx, kept) is not None
        [later] = alerts.insert_deliveries(tx, [DELIVERY], now=NOW)
    assert later > kept


def group(number: int, **changes: Any) -> Group:
    return replace(
        Group(hash=f"h{number}", source="am", digest="d", delivery_id=number, last_seen=NOW), **changes
    )


def test_groups_are_stored_replaced_and_touched(store: Store) -> None:
    many = [group(number) for number in range(700)]
    with store.write() as tx:
        alerts.save_groups(tx, many)
        alerts.save_groups(tx, [group(1, digest="first"), group(1, digest="last"), group(7)])
        alerts.save_groups(tx, [])
        alerts.touch_groups(tx, ["h2", "unknown"], now=NOW + MINUTE)
        alerts.touch_groups(tx, [], now=NOW)
        assert alerts.groups(tx, []) == {}
        found = alerts.groups(tx, [one.hash for one in many] + ["unknown"])
    assert found == {one.hash: one for one in many} | {
        "h1": group(1, digest="last"),
        "h2": replace(group(2), last_seen=NOW + MINUTE),
    }


def test_forgotten_digests_are_those_of_one_source(store: Store) -> None:
    with store.write() as tx:
        alerts.save_groups(tx, [group(1), group(2, source="grafana")])
        alerts.forget_digests(tx, "am")
        assert {one.hash: one.digest for one in alerts.groups(tx, ["h1", "h2"]).values()} == {
            "h1": "",
            "h2": "d",
        }


def test_a_group_s_hash_tells_sources_apart() -> None:
    hashes = {
        alerts.group_hash(source, key) for source in ("a", "b") for key in ("", "b", '{}:{alert="\ud800"}')
    }
    assert len(hashes) == 6
    assert all(len(one) == 32 for one in hashes)
