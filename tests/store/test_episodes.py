from __future__ import annotations

from dataclasses import fields, replace

import pytest

from incident_bot.core.model import Change, Disposition, Episode, Flag, Status
from incident_bot.store import LostRace, Store, alerts
from tests.store.samples import MINUTE, NOW, some_episode, stored_incident

MANY = 1234
"""More than any database takes as a list of parameters without thought."""


def insert(store: Store, *episodes: Episode) -> list[Episode]:
    with store.write() as tx:
        return alerts.insert_episodes(tx, episodes)


def resolved(episode: Episode) -> Episode:
    return replace(episode, status=Status.RESOLVED, ends_at=NOW + MINUTE, closed_at=NOW + 2 * MINUTE)


def test_every_field_comes_back(store: Store) -> None:
    incident = stored_incident(store)
    full = some_episode(
        generator_url="http://prometheus/graph",
        status=Status.RESOLVED,
        ends_at=NOW + MINUTE,
        closed_at=NOW + 2 * MINUTE,
        refires=3,
        flags=frozenset(Flag),
        disposition=Disposition.INCIDENT,
        reason="because",
        incident_id=incident.id,
        severity="critical",
        service="checkout",
        team="payments",
        runbook="services/latency.md",
        why={"route": "payments", "tried": [1, 2.5, None, True]},
        changes=(Change(at=NOW, firing=True), Change(at=NOW + MINUTE, firing=False)),
    )
    [stored] = insert(store, full)
    with store.read() as tx:
        assert alerts.episode(tx, stored.id) == replace(full, id=stored.id) == stored
        assert alerts.episode(tx, stored.id + 1) is None
    blank = Episode(source="", key="", fingerprint="", labels={}, annotations={}, status=Status.FIRING,
                    starts_at=NOW, opened_at=NOW, updated_at=NOW)  # fmt: skip
    unset = [one.name for one in fields(Episode) if getattr(full, one.name) == getattr(blank, one.name)]
    assert sorted(unset) == ["id", "opened_at", "starts_at", "updated_at"], (
        "a new field: store it, and set it here"
    )


def test_identifiers_follow_the_order_given_and_are_never_reused(store: Store) -> None:
    first = insert(store, *(some_episode(number) for number in range(MANY)))
    assert [episode.key for episode in first] == [some_episode(number).key for number in range(MANY)]
    assert [episode.id for episode in first] == sorted({episode.id for episode in first})
    with pytest.raises(LostRace):
        insert(store, some_episode(MANY), some_episode(0))
    [later] = insert(store, some_episode(MANY))
    assert later.id > first[-1].id
    assert insert(store) == []


def test_the_newest_episode_of_each_of_many_keys(store: Store) -> None:
    old = insert(store, *(resolved(some_episode(number)) for number in range(MANY)))
    new = insert(store, *(some_episode(number) for number in range(0, MANY, 2)))
    with store.read() as tx:
        found = alerts.newest_episodes(tx, [episode.key for episode in old] + ["unknown"])
        assert alerts.newest_episodes(tx, []) == {}
    assert found == {episode.key: episode for episode in [*old, *new]}


def test_one_alert_fires_once_at_a_time(store: Store) -> None:
    [first] = insert(store, some_episode())
    with pytest.raises(LostRace):
        insert(store, some_episode())
    with store.write() as tx:
        alerts.update_episodes(tx, [resolved(first)])
    insert(store, some_episode(), resolved(some_episode()))
    with pytest.raises(LostRace):
        insert(store, resolved(some_episode()), some_episode())


def test_updates_of_many(store: Store) -> None:
    stored = insert(store, *(some_episode(number) for number in range(MANY)))
    changed = [replace(resolved(episode), refires=episode.id, labels={"a": "b"}) for episode in stored]
    with store.write() as tx:
        alerts.update_episodes(tx, changed)
        alerts.update_episodes(tx, [])
        assert alerts.newest_episodes(tx, [episode.key for episode in stored]) == {
            one.key: one for one in changed
        }


def test_one_update_closes_an_episode_before_it_reopens_another_of_the_same_alert(store: Store) -> None:
    [old] = insert(store, resolved(some_episode()))
    [new] = insert(store, some_episode())
    with store.write() as tx:
        alerts.update_episodes(tx, [replace(old, status=Status.FIRING), resolved(new)])
        assert alerts.count_firing(tx, []) == {}
        assert [episode.id for episode in alerts.list_episodes(tx, status=Status.FIRING, limit=9)] == [old.id]


def test_an_update_of_what_is_not_there_is_a_lost_race(store: Store) -> None:
    def update() -> None:
        with store.write() as tx:
            alerts.update_episodes(tx, [some_episode(id=77)])

    with pytest.raises(LostRace):
        update()


def test_what_fires_by_group_source_and_incident(store: Store) -> None:
    incident = stored_incident(store)
    a, b, c, d = insert(
        store,
        some_episode(1, group_hash="g1", incident_id=incident.id),
        some_episode(2, group_hash="g2", incident_id=incident.id, source="grafana"),
        some_episode(3, group_hash="g2", disposition=Disposition.HELD),
        resolved(some_episode(4, group_hash="g1", incident_id=incident.id, disposition=Disposition.HELD)),
    )
    with store.read() as tx:
        assert alerts.open_of_groups(tx, ["g1", "g2", "g3"]) == {"g1": [a], "g2": [b, c]}
        assert alerts.open_of_groups(tx, []) == {}
        assert alerts.open_of_source(tx, "alertmanager") == [a, c]
        assert alerts.episodes_of_incident(tx, incident.id) == [a, b, d]
        assert alerts.count_firing(tx, [incident.id, 99]) == {incident.id: 2, 99: 0}
        assert sorted(alerts.firing_labels(tx)) == sorted((one.key, one.labels) for one in (a, b, c))
        assert alerts.held_episodes(tx) == [c]


def test_of_many_the_first_ones_and_the_one_that_began_first(store: Store) -> None:
    incident = stored_incident(store)
    mine = [some_episode(number, incident_id=incident.id) for number in range(1, 5)]
    a, b, c, d = insert(store, *mine[:3], replace(mine[3], starts_at=mine[0].starts_at - MINUTE))
    insert(store, some_episode(5))
    with store.read() as tx:
        assert alerts.some_of_incident(tx, incident.id, most=2) == [a, b, d]
        assert alerts.some_of_incident(tx, incident.id, most=4) == [a, b, c, d]
        assert alerts.some_of_incident(tx, incident.id, most=9) == [a, b, c, d]
        assert alerts.some_of_incident(tx, 99, most=1) == []


def test_what_is_alike_is_counted_together(store: Store) -> None:
    incident = stored_incident(store)
    insert(
        store,
        *(
            some_episode(number, incident_id=incident.id, service="shop", labels={"alertname": "Down"})
            for number in (1, 2)
        ),
        resolved(some_episode(3, incident_id=incident.id, service="shop", labels={"alertname": "Down"})),
        some_episode(4, incident_id=incident.id, service=None, labels={"host": "a"}),
        some_episode(5),
    )
    with store.read() as tx:
        counted = alerts.counted_of_incident(tx, incident.id)
    assert set(counted) == {
        ("Down", "shop", Status.FIRING, 2),
        ("Down", "shop", Status.RESOLVED, 1),
        (None, None, Status.FIRING, 1),
    }


def test_a_list_is_newest_first_and_pages_by_identifier(store: Store) -> None:
    incident = stored_incident(store)
    a, b, c, d = insert(
        store,
        some_episode(1),
        resolved(some_episode(2, incident_id=incident.id)),
        some_episode(3, source="grafana"),
        some_episode(4, incident_id=incident.id),
    )
    with store.read() as tx:
        assert alerts.list_episodes(tx, limit=2) == [d, c]
        assert alerts.list_episodes(tx, before_id=c.id, limit=2) == [b, a]
        assert alerts.list_episodes(tx, status=Status.RESOLVED, limit=9) == [b]
        assert alerts.list_episodes(tx, status=Status.FIRING, limit=9) == [d, c, a]
        assert alerts.list_episodes(tx, incident_id=incident.id, limit=9) == [d, b]
        assert alerts.list_episodes(tx, source="grafana", limit=9) == [c]
