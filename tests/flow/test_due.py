"""What is due next, of timers and of the outbox, in one question."""

from __future__ import annotations

from datetime import timedelta

from incident_bot.store import outbox, timers
from incident_bot.store.due import next_due
from tests.plugins.story import Story, on_every_database


@on_every_database
def test_the_next_timer_and_the_next_row_are_those_that_each_would_name(story: Story) -> None:
    with story.context.store.read() as tx:
        assert next_due(tx) == (None, None)
    story.fires()
    with story.context.store.read() as tx:
        due = next_due(tx)
        assert due == (timers.next_due(tx), outbox.next_due(tx))
        assert due == (story.start + timedelta(minutes=15), None)
    story.says("page ben")
    with story.context.store.read() as tx:
        assert next_due(tx).row == outbox.next_due(tx)
