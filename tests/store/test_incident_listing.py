"""Lists of incidents, filtered and paged, on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incident_bot.core.model import Paging
from incident_bot.store import Store, alerts
from incident_bot.store.incidents.listing import Wanted, listed
from tests.store.samples import NOW, some_episode, stored_incident

HOUR = timedelta(hours=1)


@pytest.fixture
def three(store: Store) -> Store:
    """The first is over, the second a drill, the third private; only the third has alerts."""
    stored_incident(store, "a", title="Cards \x00 fail", paging=Paging.RESOLVED, resolved_at=NOW)
    stored_incident(store, "b", title="100%_drill", drill=True, severity="warning", opened_at=NOW + HOUR)
    third = stored_incident(store, "c", private=True, service="checkout", opened_at=NOW + 2 * HOUR)
    with store.write() as tx:
        named = some_episode(1, incident_id=third.id, labels={"alertname": 'Disk "ö" \\full\x00', "a": "1"})
        alerts.insert_episodes(tx, [named])
    return store


@pytest.mark.parametrize(
    "wanted, found",
    [
        (Wanted(), [3, 2, 1]),
        (Wanted(state="open"), [3, 2]),
        (Wanted(state=Paging.RESOLVED), [1]),
        (Wanted(severity="warning"), [2]),
        (Wanted(team="payments"), [3, 2, 1]),
        (Wanted(service="checkout"), [3]),
        (Wanted(alert='Disk "ö" \\full\x00'), [3]),
        (Wanted(alert="Disk"), []),
        (Wanted(person="alice"), []),
        (Wanted(words="CARDS \x00"), [1]),
        (Wanted(words="%_"), [2]),
        (Wanted(words="inc-3"), [3]),
        (Wanted(since=NOW + HOUR), [3, 2]),
        (Wanted(until=NOW + HOUR), [1]),
        (Wanted(drill=True), [2]),
        (Wanted(private=False), [2, 1]),
    ],
)
def test_only_what_was_asked_for_is_listed(three: Store, wanted: Wanted, found: list[int]) -> None:
    with three.read() as tx:
        assert [one.id for one in listed(tx, wanted, limit=10)] == found


def test_it_is_paged_in_both_directions(three: Store) -> None:
    with three.read() as tx:
        assert [one.id for one in listed(tx, Wanted(), limit=2)] == [3, 2]
        assert [one.id for one in listed(tx, Wanted(), before=2, limit=2)] == [1]
        assert [one.id for one in listed(tx, Wanted(), after=1, limit=1)] == [2]
