"""A note is corrected on the real databases: its entry stays, and the chain holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import NotAllowed, Refused
from incident_bot.flow import records
from incident_bot.store import incidents
from tests.plugins.story import Story, on_every_database


@on_every_database
def test_a_note_is_edited_and_taken_back_and_the_record_keeps_both(tell: Callable[..., Story]) -> None:
    story = tell()
    story.fires()
    story.says("note the dick is full", by="ben")
    number = story.entry("note").seq
    assert "reads otherwise now" in story.says(f"edit #{number} the disk is full", by="ben")
    assert story.entry("note").text == "Ben Example noted: the disk is full (edited)"
    assert story.entry("note_edited").text == (
        "Ben Example edited a note: the disk is full (it was: the dick is full)"
    )
    assert "nothing changed" in story.says("edit last the disk is full", by="ben")
    assert "noted: the disk is full (edited)" in story.says("catchup")
    with pytest.raises(NotAllowed, match="may be corrected by whoever wrote it"):
        story.says(f"edit {number} it was me", by="dan")
    with pytest.raises(Refused, match="You wrote no note"):
        story.says("retract last", by="dan")
    with pytest.raises(Refused, match="edit 12 it was the disk"):
        story.says(f"edit {number}", by="ben")
    assert "taken back" in story.says("retract last another host", by="ben")
    assert story.entry("note").text.startswith("Taken back: Ben Example noted")
    with pytest.raises(Refused, match="is taken back"):
        story.says(f"edit {number} again", by="ben")
    with story.context.store.read() as tx:
        assert incidents.verify_chain(tx, 1) is None
        kept = [event.data.get("text") for event in incidents.events(tx, 1) if event.seq == number]
    assert kept == ["the dick is full"]
    assert "it was: the dick is full" in records.timeline(story.context, 1, format="md", view="full")[0]
