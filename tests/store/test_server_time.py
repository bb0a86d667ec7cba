"""The database server's clock, and who goes by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incident_bot import bootstrap
from incident_bot.clock import MEMORY, ServerClock, SystemClock
from incident_bot.store import Store, incidents
from incident_bot.store.server_time import latest_recorded, server_time
from tests.store.samples import some_event, some_incident

HOUR = timedelta(hours=1)
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


def test_what_was_stored_last_tells_how_far_time_had_come(store: Store) -> None:
    with store.read() as tx:
        assert latest_recorded(tx) is None
    reached = SystemClock().now() + 2 * HOUR
    remember(store, reached - HOUR)
    remember(store, reached)
    with store.read() as tx:
        assert latest_recorded(tx) == reached


@pytest.mark.parametrize("ahead, kept", [(2 * HOUR, True), (MEMORY + HOUR, False)])
def test_a_clock_that_was_set_back_between_two_processes_does_not_run_backwards(
    store: Store, ahead: timedelta, kept: bool
) -> None:
    reached = SystemClock().now() + ahead
    remember(store, reached)
    shown = bootstrap.wire_clock(store).clock.now()
    assert abs(shown - (reached if kept else SystemClock().now())) < NEARLY
    assert (shown >= reached) is kept


def remember(store: Store, at: datetime) -> None:
    """Store an entry of a timeline at this instant."""
    with store.write() as tx:
        incidents.save(tx, [(some_incident(f"of {at}"), [some_event()])], now=at)
