"""The steps of a runbook are ticked during the incident, by whom, and stand in the record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import export
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]


@on_every_database
def test_steps_are_ticked_and_taken_back(tell: Tell) -> None:
    story = tell()
    story.fires()
    assert "0 of 3 done: `tick n`" in story.says("runbook")
    story.advance(minutes=2)
    story.says("tick 1")
    story.says("check #2", by="ben")
    assert "Step 1 is open again" in story.says("untick 1")
    assert [(step.number, step.done_by) for step in story.incident().steps] == [
        (1, None),
        (2, "ben"),
        (3, None),
    ]
    said = story.says("runbook")
    assert "1 of 3 done" in said
    assert "Mitigation:\n  ☑ 2. Roll it back – ben 03:02 UTC\n  ☐ 3. Scale out" in said
    assert "Runbook: high-error-rate.md, 1 of 3 steps done" in story.says("info")
    assert "Runbook: 1 steps done" not in story.says("info")
    draft, _ = export.postmortem(story.context, 1, now=story.clock.now())
    assert "Roll it back" in draft
    assert story.entry("step_ticked").text == "Ben Example did step 2 of the runbook: Roll it back (2 of 3)"


def test_without_a_runbook_there_is_nothing_to_tick(story: Story) -> None:
    story.fires(alertname="NoRunbook")
    with pytest.raises(Refused, match="INC-1 has no runbook with steps; `note <text>` says what you did"):
        story.says("tick 1")
