"""Lists by many conditions at once, and the aggregates behind the insights, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from incident_bot.core.model import Disposition, Paging, Status
from incident_bot.store import Store, alerts, insights, listing, outbox, paged
from incident_bot.store.incidents.listing import Wanted, listed
from incident_bot.store.listing import WantedAlerts
from tests.store.samples import MINUTE, NOW, some_episode, some_page, stored_incident

DAY = timedelta(days=1)


@pytest.fixture
def filled(store: Store) -> Store:
    """Three incidents: one taken after three minutes, one of another team that was resolved, and a drill."""
    numbers = [
        stored_incident(store, "a", paging=Paging.ACKNOWLEDGED, acknowledged_at=NOW + 3 * MINUTE).id,
        stored_incident(
            store,
            "b",
            team="search",
            opened_at=NOW + DAY,
            paging=Paging.RESOLVED,
            service="api",
            private=True,
        ).id,
        stored_incident(store, "c", drill=True).id,
    ]
    assert numbers == [1, 2, 3]
    with store.write() as tx:
        alerts.insert_episodes(
            tx,
            [
                some_episode(1, incident_id=1, disposition=Disposition.INCIDENT),
                some_episode(2, incident_id=2, opened_at=NOW + DAY, labels={"alertname": "Down"}),
                some_episode(3, status=Status.RESOLVED, ends_at=NOW + 2 * MINUTE, closed_at=NOW + 2 * MINUTE),
                some_episode(4, labels={}),
            ],
        )
        outbox.add_pages(tx, 1, [some_page(), some_page(via="sms")], rank=0, now=NOW)
        outbox.add_pages(tx, 3, [some_page()], rank=0, now=NOW)
        tx.connection.exec_driver_sql("UPDATE outbox SET sent_at = due_at")
    return store


@pytest.mark.parametrize(
    "conditions, found",
    [
        ({}, [3, 2, 1]),
        ({"state": "open"}, [3, 1]),
        ({"state": Paging.RESOLVED}, [2]),
        ({"team": "search", "service": "api", "severity": "critical"}, [2]),
        ({"drill": False}, [2, 1]),
        ({"alert": "HighLatency"}, [1]),
        ({"alert": "Down"}, [2]),
        ({"since": NOW + MINUTE}, [2]),
        ({"until": NOW + MINUTE}, [3, 1]),
        ({"person": "alice"}, [3, 1]),
        ({"person": "alice", "drill": False, "since": NOW + MINUTE}, []),
        ({"slower": 2 * MINUTE, "drill": False}, [2, 1]),
        ({"slower": 3.02 * MINUTE, "drill": False}, [2]),
    ],
)
def test_incidents_by_everything(filled: Store, conditions: dict[str, Any], found: list[int]) -> None:
    with filled.read() as tx:
        wanted = Wanted(**conditions)
        assert [one.id for one in listed(tx, wanted, limit=9)] == found
        assert [one.id for one in listed(tx, wanted, before=2, limit=9)] == [n for n in found if n < 2]


@pytest.mark.parametrize(
    "conditions, found",
    [
        ({}, [4, 3, 2, 1]),
        ({"alert": "HighLatency"}, [3, 1]),
        ({"alert": "HighLatency", "status": Status.FIRING}, [1]),
        ({"status": Status.RESOLVED}, [3]),
        ({"disposition": Disposition.INCIDENT}, [1]),
        ({"incident": 2, "source": "alertmanager"}, [2]),
        ({"start": NOW + MINUTE, "end": NOW + 2 * DAY}, [2]),
    ],
)
def test_alerts_by_everything(filled: Store, conditions: dict[str, Any], found: list[int]) -> None:
    with filled.read() as tx:
        wanted = WantedAlerts(**conditions)
        assert [one.id for one in listing.episodes(tx, wanted, before_id=None, limit=9)] == found
        assert [one.id for one in listing.episodes(tx, wanted, before_id=3, limit=9)] == [
            n for n in found if n < 3
        ]


def test_what_is_counted(filled: Store) -> None:
    end = NOW + 2 * DAY
    with filled.read() as tx:
        assert insights.fired(tx, NOW, end) == {"HighLatency": 2, "Down": 1}
        assert insights.fired(tx, NOW + MINUTE, end) == {"Down": 1}
        assert [one.id for one in insights.briefs(tx, NOW, end)] == [1, 2]
        assert [one.id for one in insights.briefs(tx, NOW, end, team="search")] == [2]
        assert insights.private(tx) == [2]
        parts = insights.parts(tx, [1, 2, 3], NOW, end)
        assert [(one.incident, one.name, one.episodes, one.ended) for one in sorted(parts)] == [
            (1, "HighLatency", 1, None), (2, "Down", 1, None),
        ]  # fmt: skip
        assert insights.began(tx, [1]) == {1: NOW}
        assert {one.incident for one in insights.newest(tx, "HighLatency", NOW, end, most=9)} == {1, None}
        assert insights.incidents_with(tx, ["HighLatency", "none"], before=9, each=5) == {1: {"HighLatency"}}
        assert insights.labels_of(tx, [1])[1][0]["alertname"] == "HighLatency"
        assert insights.names_of(tx, 1) == ["HighLatency"]
        assert insights.of_service(tx, "api", before=9, limit=5) == [2]
        for empty in (insights.whole, insights.began, insights.labels_of):
            assert not empty(tx, [])
        assert insights.parts(tx, [], NOW, end) == []
        # Two channels of one step are one page, and a drill is none.
        assert [(one.person, one.incident) for one in paged.pages_between(tx, NOW, end)] == [("alice", 1)]
        assert paged.pages_between(tx, NOW + MINUTE, end) == []
