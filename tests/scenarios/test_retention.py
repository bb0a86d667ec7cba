"""Clearing away: many rows go in small transactions, and what a story still needs does not."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from incident_bot.flow import retention
from incident_bot.store.tables import METADATA
from tests.plugins.story import Story

SEEN = METADATA.tables["slack_seen"]


def test_thousands_of_rows_go_at_their_age(story: Story) -> None:
    now = story.clock.now()
    with story.context.store.write() as tx:
        rows = [{"digest": f"d{number}", "at": now} for number in range(1201)]
        tx.connection.execute(sa.insert(SEEN), rows)
    assert retention.clear(story.context, now=now + timedelta(hours=2)) == {}
    assert retention.clear(story.context, now=now + timedelta(hours=2, seconds=1)) == {"slack_seen": 1201}


def test_the_same_request_gets_its_answer_for_a_week_and_the_record_stays(story: Story) -> None:
    story.fires()
    assert story.says("note we look", key="k1") == story.says("note we look", key="k1")
    story.advance(days=7)
    assert retention.clear(story.context, now=story.clock.now()) == {}
    story.advance(seconds=1)
    before = story.kinds()
    assert retention.clear(story.context, now=story.clock.now()) == {"answer": 1}
    assert story.kinds() == before
    assert before.count("note") == 1
