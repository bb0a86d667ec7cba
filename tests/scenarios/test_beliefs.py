"""What people believe and decide: numbered, settled, and in the post-mortem by themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import export
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]


@on_every_database
def test_what_was_believed_and_when_writes_itself(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.says("theory the cache is cold after the deploy")
    story.advance(minutes=4)
    story.says("theory the disk is full", by="ben")
    story.advance(minutes=3)
    assert "Theory 1 of INC-1 is ruled out" in story.says("ruledout 1 hit rate is 99 %", by="ben")
    assert "Theory 2 of INC-1 is confirmed" in story.says("confirmed 2")
    story.says("decide grow the volume")

    first, second, decision = story.incident().items
    assert (first.kind, first.outcome, first.why) == ("theory", "ruled_out", "hit rate is 99 %")
    assert (second.outcome, second.why) == ("confirmed", None)
    assert (decision.kind, decision.done_at) == ("decision", None)
    assert "1. theory: the cache is cold after the deploy (ruled out: hit rate is 99 %)" in story.says("info")
    draft, _ = export.postmortem(story.context, 1, now=story.clock.now())
    for words in ("the cache is cold after the deploy", "ruled out 2026-03-03 03:07 UTC", "grow the volume"):
        assert words in draft, words


def test_a_number_that_is_no_theory_is_answered_with_those_there_are(story: Story) -> None:
    story.fires()
    story.says("theory the cache is cold")
    story.says("task look at the disk")
    with pytest.raises(Refused, match="INC-1 has no theory 2; its theories are 1"):
        story.says("confirmed 2")
    with pytest.raises(Refused, match="'it' is no number; `info` lists the numbers"):
        story.says("ruledout it is warm")
    with pytest.raises(Refused, match="is a theory, which is not done; type `confirmed 1`"):
        story.says("done 1")
