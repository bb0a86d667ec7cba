"""The buckets of routes: one row each, whatever is written to it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from incident_bot.core.model import Bucket
from incident_bot.store import Store, incidents
from tests.store.samples import MINUTE, NOW

KEY = 'storm/web/"default"'


def test_what_was_saved_comes_back_under_its_key(store: Store) -> None:
    full = {KEY: Bucket(tokens=2.5, at=NOW, since=NOW - MINUTE), "x" * 5000: Bucket(tokens=0.0, at=NOW)}
    with store.write() as tx:
        incidents.save_buckets(tx, full)
        incidents.save_buckets(tx, {})
    with store.write() as tx:
        assert incidents.buckets(tx, [*full, "unknown"]) == full
        assert incidents.buckets(tx, []) == {}
        incidents.save_buckets(tx, {KEY: Bucket(tokens=1.0, at=NOW + MINUTE)})
    with store.write() as tx:
        assert incidents.buckets(tx, [KEY]) == {KEY: Bucket(tokens=1.0, at=NOW + MINUTE)}


def test_two_replicas_never_take_the_same_token(store: Store, second: Store) -> None:
    with store.write() as tx:
        incidents.save_buckets(tx, {KEY: Bucket(tokens=20.0, at=NOW)})

    def take(one: Store) -> None:
        for _ in range(10):
            with one.write() as tx:
                before = incidents.buckets(tx, [KEY])[KEY]
                incidents.save_buckets(tx, {KEY: Bucket(tokens=before.tokens - 1, at=NOW)})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take, (store, second)))
    with store.write() as tx:
        assert incidents.buckets(tx, [KEY])[KEY].tokens == 0.0
