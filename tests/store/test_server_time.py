"""The database server's clock, and who goes by it."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from incident_bot import bootstrap
from incident_bot.clock import ServerClock, SystemClock
from incident_bot.store import Store
from incident_bot.store.server_time import server_time

NEARLY = timedelta(seconds=30)
"""The server of the tests runs on this machine."""


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_it_goes_on_within_a_transaction(store: Store) -> None:
    with store.read() as tx:
        first, second = server_time(tx), server_time(tx)
    assert first < second
    assert first.utcoffset() == timedelta(0)
    assert abs(second - SystemClock().now()) < NEARLY


def test_replicas_go_by_the_server_and_a_single_process_by_its_machine(store: Store) -> None:
    kept = bootstrap.wire_clock(store)
    shared = store.dialect == "postgresql"
    assert isinstance(kept.clock, ServerClock if shared else SystemClock)
    assert kept.clock.now().astimezone(UTC).utcoffset() == timedelta(0)
    assert abs(kept.clock.now() - SystemClock().now()) < NEARLY
    assert abs(kept.offset()) < NEARLY
    assert (kept.follow is not None) is shared
    if kept.follow is not None:
        assert abs(kept.follow()) < NEARLY
