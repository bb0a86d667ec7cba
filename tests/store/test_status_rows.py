"""What is public, as rows: found where it is public, for as long as it is shown."""

from __future__ import annotations

from datetime import timedelta

from incident_bot.core.model import ComponentState, Paging, Public
from incident_bot.store import Store, incidents, interventions
from incident_bot.store.interventions import Maintenance
from tests.store.samples import NOW, stored_incident

PUBLIC = Public(title="Payments fail", components=("checkout",), state=ComponentState.MAJOR_OUTAGE, since=NOW)
DAY = timedelta(days=1)


def test_only_what_is_public_is_found_and_only_for_as_long_as_it_is_shown(store: Store) -> None:
    stored_incident(store, key="inside")
    old = NOW - 2 * DAY
    stored_incident(store, key="old", public=PUBLIC, paging=Paging.RESOLVED, resolved_at=old)
    with_public = stored_incident(store, key="outside", public=PUBLIC)
    with store.read() as tx:
        assert [one.id for one in incidents.published(tx, since=NOW - DAY)] == [with_public.id]
        assert incidents.published(tx, since=NOW - DAY)[0].public == PUBLIC


def test_planned_work_is_found_where_it_is_public(store: Store) -> None:
    window = Maintenance(matchers=('a="b"',), start=NOW, end=NOW + DAY, reason="disks", created_by="ana")
    words = {"title": "New disks", "text": "", "components": ["checkout"]}
    told = Maintenance(
        matchers=('a="b"',), start=NOW, end=NOW + DAY, reason="disks", created_by="ana", public=words
    )
    with store.write() as tx:
        interventions.add_maintenance(tx, window, now=NOW)
        saved = interventions.add_maintenance(tx, told, now=NOW)
    with store.read() as tx:
        assert interventions.public_maintenance(tx, since=NOW) == [saved]
        assert interventions.public_maintenance(tx, since=NOW + 2 * DAY) == []
