"""The timeline of a real story as a document: whole or curated, with its chain checked, and its state in it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from incident_bot.core.errors import NotFound
from incident_bot.core.incident import replay
from incident_bot.flow import records
from incident_bot.store import incidents
from incident_bot.store.tables import event as event_table
from tests.plugins.story import Story, on_every_database


@pytest.fixture
def told(story: Story) -> Story:
    story.fires(annotations={"summary": "=cmd()|'x' password=hunter2"}, service="shop")
    story.advance(minutes=16)
    story.says("ack", by="ben")
    story.says("lead me", by="ben")
    story.says("note =HYPERLINK(1)", by="ben")
    story.says("theory the cache is cold", by="ben")
    story.says("ruledout 1 it is warm", by="ana")
    story.says("did rolled back undo: deploy", by="ben")
    story.says("sev P2 smaller", by="ben")
    story.says("update Watching next 15m", by="ben")
    story.resolves(service="shop")
    story.advance(minutes=5)
    story.says("resolve rolled back", by="ben")
    return story


@on_every_database
def test_every_line_is_there_and_the_chain_holds(told: Story) -> None:
    text, media_type = records.timeline(told.context, 1)
    found = json.loads(text)
    assert media_type == "application/json"
    assert found["chain"]["intact"] is True
    assert [one["seq"] for one in found["items"]] == list(range(1, found["chain"]["entries"] + 1))
    assert found["chain"]["head"] == found["items"][-1]["hash"]
    assert "hunter2" not in text


@on_every_database
def test_replaying_the_events_rebuilds_the_incident(told: Story) -> None:
    with told.context.store.read() as tx:
        stored = incidents.get(tx, 1)
        events = incidents.events(tx, 1)
    assert stored is not None
    rebuilt = replay(events)
    assert replace(rebuilt, id=1, seq=stored.seq, last_hash=stored.last_hash) == stored


def test_the_curated_view_leaves_out_what_is_routine(told: Story) -> None:
    def kinds(view: str) -> set[str]:
        text, _ = records.timeline(told.context, 1, format="csv", view=view)
        return {row["kind"] for row in csv.DictReader(io.StringIO(text, newline=""))}

    assert "page_sent" in kinds("full")
    assert "page_sent" not in kinds("curated")
    assert {"opened", "note", "resolved"} <= kinds("curated")


def test_markdown_reads_in_the_order_in_which_things_happened(told: Story) -> None:
    told.says("note 04:01 it had begun", by="ana")
    text, media_type = records.timeline(told.context, 1, format="md")
    assert media_type == "text/markdown; charset=utf-8"
    assert text.index("it had begun") < text.index("acknowledged")


def test_a_record_that_was_changed_says_so(told: Story) -> None:
    with told.context.store.write() as tx:
        changed = sa.update(event_table).where(event_table.c.incident_id == 1, event_table.c.seq == 3)
        tx.connection.execute(changed.values(actor="mallory"))
    found = json.loads(records.timeline(told.context, 1)[0])
    assert found["chain"]["broken_at"] == 3
    assert "broken at entry 3" in records.timeline(told.context, 1, format="md")[0]


def test_of_no_incident_there_is_none(story: Story) -> None:
    with pytest.raises(NotFound):
        records.timeline(story.context, 3)
