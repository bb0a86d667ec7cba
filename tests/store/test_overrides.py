"""Overrides made at run time: stored as the rules take them, cut off or taken back, never edited in the past (R13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incident_bot.core.oncall import Add, Cover, Override, Remove, Replace
from incident_bot.store import Store, interventions
from incident_bot.store.interventions import StoredOverride
from tests.store.samples import MINUTE, NOW

HOUR = 60 * MINUTE
END = NOW + HOUR
COVER = Cover(people=("bob", "eve"), start=NOW, end=END, reason="swap \x00 with 'bob'")


def made(store: Store, override: Override, *, schedule: str = "web", now: datetime = NOW) -> StoredOverride:
    with store.write() as tx:
        return interventions.add_override(tx, schedule, override, by="alice", now=now)


def listed(
    store: Store,
    start: datetime,
    end: datetime | None = None,
    *,
    schedule: str = "web",
    cancelled: bool = False,
) -> list[int]:
    with store.read() as tx:
        found = interventions.overrides(tx, schedule, start, end, cancelled=cancelled)
    return [one.id for one in found]


def ended(store: Store, number: int, now: datetime) -> StoredOverride | None:
    with store.write() as tx:
        return interventions.end_override(tx, number, by="carol", now=now)


@pytest.mark.parametrize(
    "override",
    [
        COVER,
        Cover(people=(), nobody=True, start=NOW, end=END, reason="planned"),
        Replace(person="alice", by="bob", start=NOW, end=END),
        Remove(person="alice", start=NOW, end=END),
        Add(people=("zoe",), start=NOW, end=END, reason="shadow"),
    ],
    ids=["cover", "cover by nobody", "replace", "remove", "add"],
)
def test_every_kind_comes_back_as_it_was_with_its_number(store: Store, override: Override) -> None:
    stored = made(store, override)
    assert stored.change == replace(override, id=str(stored.id))
    assert (stored.schedule, stored.created_by, stored.created_at) == ("web", "alice", NOW)
    assert (stored.ended_by, stored.ended_at, stored.cancelled) == (None, None, False)
    with store.read() as tx:
        assert interventions.overrides(tx, "web", NOW) == [stored]
        assert interventions.override(tx, stored.id) == stored
        assert interventions.override(tx, stored.id + 1) is None


def test_those_that_overlap_a_span_are_listed_the_newest_last(store: Store) -> None:
    later = made(store, replace(COVER, start=NOW + 2 * HOUR, end=NOW + 3 * HOUR)).id
    sooner = made(store, COVER).id
    other = made(store, COVER, schedule="data").id
    assert listed(store, NOW) == [later, sooner]
    assert listed(store, NOW - HOUR, NOW) == []
    assert listed(store, NOW - HOUR, NOW + MINUTE) == [sooner]
    assert listed(store, END, NOW + 2 * HOUR) == []
    assert listed(store, END) == [later]
    assert listed(store, END - MINUTE, NOW + 9 * HOUR) == [later, sooner]
    assert listed(store, NOW, schedule="data") == [other]
    assert listed(store, NOW, schedule="nothing") == []


def test_one_that_runs_is_cut_off_now_and_once(store: Store) -> None:
    number = made(store, COVER).id
    cut = ended(store, number, NOW + MINUTE)
    assert cut is not None
    assert (cut.change.start, cut.change.end) == (NOW, NOW + MINUTE)
    assert (cut.ended_by, cut.ended_at, cut.cancelled) == ("carol", NOW + MINUTE, False)
    assert ended(store, number, NOW + 2 * MINUTE) is None
    assert listed(store, NOW) == [number], "it counts for the time before"
    assert listed(store, NOW + MINUTE) == []


@pytest.mark.parametrize(
    "lead", [HOUR, MINUTE, 0 * MINUTE], ids=["long before", "before", "at its first instant"]
)
def test_one_that_has_not_begun_counts_for_nothing_and_stays_on_record(store: Store, lead: timedelta) -> None:
    number = made(store, COVER, now=NOW - HOUR).id
    cancelled = ended(store, number, NOW - lead)
    assert cancelled is not None
    assert cancelled.cancelled
    assert (cancelled.change.start, cancelled.change.end) == (NOW, END)
    assert listed(store, NOW) == []
    assert listed(store, NOW, cancelled=True) == [number]
    assert ended(store, number, NOW + MINUTE) is None


def test_one_that_is_over_is_left_as_it_is(store: Store) -> None:
    stored = made(store, COVER)
    assert ended(store, stored.id, END) is None
    assert ended(store, 99, NOW) is None
    with store.write() as tx:
        assert interventions.override(tx, stored.id, lock=True) == stored


def test_a_database_is_found_only_where_it_is(store: Store, store_url: str, tmp_path: Path) -> None:
    found = Store.find(store_url)
    assert found is not None
    assert found.dialect == store.dialect
    found.close()
    assert Store.find(f"sqlite:///{tmp_path}/nothing.db") is None
    assert not (tmp_path / "nothing.db").exists()


def test_activations_are_listed_without_what_they_were(store: Store) -> None:
    with store.write() as tx:
        interventions.save_revision(tx, "a", "1", {"x.yaml": "one"}, now=NOW)
        interventions.save_revision(tx, "b", "2", {"x.yaml": "two"}, now=NOW + MINUTE)
    with store.read() as tx:
        first, second = interventions.activations(tx)
        assert (first.id, first.digest, first.activated_at) == ("a", "1", NOW)
        assert (second.id, second.number > first.number) == ("b", True)
        assert interventions.documents_of(tx, second.number) == {"x.yaml": "two"}
        assert interventions.documents_of(tx, 99) == {}
