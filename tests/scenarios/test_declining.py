"""`cannot`: whoever was paged and cannot take it says so, and nobody waits for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
TWO = {"matrix": {"P1": "[{page: [on_call, person/dan]}, {after: 15m, page: [lead]}]"}}


@on_every_database
def test_the_next_step_runs_at_once_where_nobody_else_was_paged(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.advance(minutes=2)
    said = story.says("cannot in a tunnel")
    assert "Paged now: Ben Example." in said
    assert story.paged() == [("ana", 0), ("ben", 2)]
    assert "Ana Example cannot take it: in a tunnel" in [entry.text for entry in story.timeline()]
    story.advance(minutes=10)
    assert len(story.paged()) == 2


def test_while_another_one_may_answer_it_is_noted_and_no_more(tell: Tell) -> None:
    story = tell(**TWO)
    story.fires()
    assert "Still asked: dan" in story.says("cannot")
    story.advance(minutes=5)
    assert story.paged() == [("ana", 0), ("dan", 0)]
    assert "Paged now: Ben Example." in story.says("cannot", by="dan")
    assert story.paged()[-1] == ("ben", 5)


def test_pages_of_theirs_that_wait_are_taken_back(tell: Tell) -> None:
    story = tell(**TWO, notify="{high: [{by: slack}, {by: sms, after: 2m}], low: [{by: slack}]}")
    story.fires()
    story.says("cannot")
    story.advance(minutes=5)
    assert story.paged() == [("ana", 0), ("dan", 0), ("dan", 2)]


def test_after_the_last_step_comes_the_last_resort(tell: Tell) -> None:
    story = tell(matrix={"P1": "[{page: [on_call]}]"})
    story.fires()
    assert "Paged now: Theo Example." in story.says("cannot")
    assert story.paged() == [("ana", 0), ("theo", 0)]
    assert "Everybody was paged already" in story.says("can't", by="theo")


def test_whoever_has_it_hands_it_on(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.says("ack")
    assert "Paged now: Ben Example." in story.says("cannot")
    assert story.incident().acknowledged_by is None


def test_somebody_who_was_not_paged_is_told_so(tell: Tell) -> None:
    story = tell()
    story.fires()
    with pytest.raises(Refused, match="You are not paged"):
        story.says("cannot", by="cleo")
