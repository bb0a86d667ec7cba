"""The lead changes hands: offered, accepted, declined, or not answered at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]


def nudges(story: Story) -> list[tuple[str, str]]:
    """Who was told what, beside the pages."""
    return [(heard.message.recipient, heard.message.text.splitlines()[0]) for heard in story.taken("nudge")]


@on_every_database
def test_a_lead_that_nobody_takes_stays_where_it_is(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.says("ack")
    story.says("lead me")
    story.advance(minutes=20)
    assert "You lead until they type `accept`" in story.says("handoff @ben")
    assert "Lead: ana, 20 min in command; offered to ben" in story.says("info")
    story.advance(minutes=29)
    assert story.incident().offered_to == "ben"
    story.advance(minutes=1)
    incident = story.incident()
    assert (incident.lead, incident.offered_to) == ("ana", None)
    assert nudges(story) == [
        ("ben", "ana asks you to lead INC-1 (P1): HighErrorRate"),
        ("ben", "ana asks you to lead INC-1 (P1): HighErrorRate"),
        ("ana", "ben did not answer whether they take the lead of INC-1: you go on leading it."),
    ]
    assert story.kinds()[-3:] == ["handoff_offered", "handoff_reminded", "handoff_expired"]
    with pytest.raises(Refused, match="Nobody is offered the lead"):
        story.says("accept", by="ben")


@on_every_database
def test_whoever_accepts_is_in_command(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.says("ack")
    story.says("lead me")
    story.says("handoff @ben")
    story.advance(minutes=12)
    assert "You lead INC-1 now, after ana" in story.says("accept", by="ben")
    assert nudges(story)[-1][0] == "ana"
    assert story.entry("lead_assigned").text == "Ben Example leads the incident, handed over by Ana Example"
    story.advance(minutes=40)
    assert "Lead: ben, 40 min in command" in story.says("info")
    assert "Lead: Ben Example since 03:12 UTC (40 min)" in story.says("catchup")
    assert "handoff_expired" not in story.kinds()
    assert (story.taken("nudge")[0].message.url or "").endswith("/incidents/INC-1")


def test_a_no_is_told_to_whoever_asked(story: Story) -> None:
    story.fires()
    story.says("lead me")
    story.says("handoff @ben")
    assert "ana goes on leading INC-1 and is told" in story.says("decline", by="ben")
    assert nudges(story)[-1] == ("ana", "ben does not take the lead of INC-1: you go on leading it.")
    with pytest.raises(Refused, match="gus is not active any more"):
        story.says("handoff @gus")
