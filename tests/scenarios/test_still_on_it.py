"""An acknowledgement holds for a while: whoever has it is asked, and silence pages others (row "ack timeout")."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
HALF_AN_HOUR = "{high: 30m}"


def asked(story: Story) -> list[tuple[str, float]]:
    taken = story.taken("ask")
    assert all(heard.message.subject.startswith("Still on it? ") for heard in taken)
    return [(heard.message.recipient, story.minute(heard.at)) for heard in taken]


@on_every_database
def test_no_answer_pages_again_from_the_step_that_was_acknowledged(tell: Tell) -> None:
    story = tell(ack_timeout=HALF_AN_HOUR)
    story.fires()
    story.advance(minutes=16)
    story.says("ack", by="ben")
    story.advance(minutes=29)
    assert story.paged() == [("ana", 0), ("ben", 15)]

    story.advance(minutes=1)
    assert asked(story) == [("ben", 46)]
    (question,) = story.taken("ask")
    assert "within 5 minutes" in question.message.text
    assert "ack INC-1" in question.message.text
    story.advance(minutes=4, seconds=59)
    assert story.incident().escalation == "acknowledged"

    story.advance(seconds=1)
    assert story.incident().escalation == "triggered"
    assert story.incident().acknowledged_by is None
    assert story.paged() == [("ana", 0), ("ben", 15), ("ben", 51)]
    assert story.entry("ack_expired").text == "Nobody answered whether they still have it; paging goes on"
    story.advance(minutes=15)
    assert story.paged()[-1] == ("cleo", 66)


@pytest.mark.parametrize("answer", ["ack", "ack waiting for the vendor"])
def test_an_answer_keeps_it_for_another_while(answer: str, tell: Tell) -> None:
    story = tell(ack_timeout=HALF_AN_HOUR)
    story.fires()
    story.says("ack")
    story.advance(minutes=31)
    assert "still have INC-1" in story.says(answer)
    story.advance(minutes=29)
    assert asked(story) == [("ana", 30)]
    story.advance(minutes=3)
    assert asked(story) == [("ana", 30), ("ana", 61)]
    assert story.paged() == [("ana", 0)]


def test_another_s_acknowledgement_is_an_answer_too(tell: Tell) -> None:
    story = tell(ack_timeout=HALF_AN_HOUR)
    story.fires()
    story.says("ack")
    story.advance(minutes=31)
    story.says("ack", by="ben")
    story.advance(minutes=20)
    assert story.incident().escalation == "acknowledged"


def test_a_promise_is_asked_about_when_it_is_due(tell: Tell) -> None:
    story = tell(ack_timeout=HALF_AN_HOUR)
    story.fires()
    story.says("ack for 2h waiting for the vendor")
    assert "waiting for the vendor" in story.entry("acknowledged").text
    story.advance(minutes=119)
    assert asked(story) == []
    story.advance(minutes=1)
    assert asked(story) == [("ana", 120)]


def test_low_urgency_is_never_asked_about_and_off_is_off(tell: Tell) -> None:
    low = tell(ack_timeout=HALF_AN_HOUR)
    low.fires(severity="warning")
    low.says("ack", by="ben")
    low.advance(hours=20)
    assert asked(low) == []


def test_nobody_is_asked_about_what_is_over_or_snoozed(tell: Tell) -> None:
    story = tell(ack_timeout=HALF_AN_HOUR)
    story.fires()
    story.says("ack")
    story.says("snooze 2h")
    story.advance(minutes=119)
    assert asked(story) == []
    story.advance(minutes=2)
    story.says("ack")
    story.says("resolve the disk was full")
    story.advance(hours=5)
    assert asked(story) == []


def test_the_question_survives_a_restart_and_is_asked_once(tell: Tell) -> None:
    story = tell(ack_timeout=HALF_AN_HOUR)
    story.fires()
    story.says("ack")
    story.sleep_through(minutes=40)
    story.restart()
    story.advance(seconds=1)
    assert [person for person, _ in asked(story)] == ["ana"]
    story.advance(minutes=5)
    assert story.incident().escalation == "triggered"


@pytest.mark.parametrize(
    "line, says",
    [
        ("ack until 25:00", "is not a duration"),
        ("ack for ever", "not a duration"),
        ("ack please", "type `ack`, `ack until 14:30`"),
        ("ack for 9d", "longer than 7 days"),
    ],
)
def test_a_promise_that_cannot_be_read_is_refused(line: str, says: str, tell: Tell) -> None:
    story = tell(ack_timeout=HALF_AN_HOUR)
    story.fires()
    with pytest.raises(Refused, match=re.escape(says)):
        story.says(line)
    assert story.incident().escalation == "triggered"
