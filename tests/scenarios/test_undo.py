"""Undo on the real databases: for a minute, by whoever said it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]


@on_every_database
def test_a_slip_of_the_thumb_is_taken_back(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.says("ack")
    story.says("lead me")
    story.says("sev P3")
    assert "INC-1 is P1 now, it was P3" in story.says("undo")
    story.advance(seconds=61)
    story.says("task look @ben")
    story.says("note wrong window", by="ben")
    assert "Taken back: task 1." in story.says("undo")
    assert "Taken back: a note." in story.says("undo", by="ben")
    assert story.incident().items == ()
    assert story.entry("taken_back").text == "Ben Example took back a note: wrong window"
    assert "wrong window" in next(entry for entry in story.timeline() if entry.kind == "note").text
    assert "noted: wrong window" not in story.says("catchup")
    with pytest.raises(Refused, match="That cannot be taken back"):
        story.says("undo")


def test_an_ack_is_given_back_within_a_minute_only(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.advance(seconds=59)
    assert "Nobody has INC-1 now" in story.says("undo")
    story.says("ack")
    story.advance(seconds=61)
    with pytest.raises(Refused, match="more than a minute ago and stays; `unack` gives it back"):
        story.says("undo")
