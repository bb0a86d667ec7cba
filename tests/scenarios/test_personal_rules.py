"""A person's own rules: in which order, when, by what is set up here, and what becomes of whom nothing reaches."""

from __future__ import annotations

from collections.abc import Callable

from incident_bot.notifiers.base import GiveUp, GiveUpReason
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import PEOPLE

pytestmark = on_every_database


def ruled(tell: Callable[..., Story], high: str, low: str = "[{by: slack}]", **changes: object) -> Story:
    own = f"email: ana@example.com, notify: {{high: {high}, low: {low}}}"
    return tell(people=PEOPLE.replace("email: ana@example.com", own), **changes)


def ways(story: Story) -> list[tuple[str, float]]:
    """By which channel ana was paged, at which minute, in the order of the calls."""
    return [(one.via, story.minute(one.at)) for one in story.taken("page") if one.message.recipient == "ana"]


def test_rules_go_out_by_their_delays_whatever_their_order_in_the_file(tell: Callable[..., Story]) -> None:
    story = ruled(tell, "[{by: voice, after: 5m}, {by: slack}, {by: sms, after: 2m}]")
    story.fires()
    story.advance(minutes=10)
    assert ways(story) == [("slack", 0), ("sms", 2), ("voice", 5)]


def test_equal_delays_go_out_together(tell: Callable[..., Story]) -> None:
    story = ruled(tell, "[{by: sms, after: 1m}, {by: slack, after: 1m}, {by: voice, after: 1m}]")
    story.fires()
    story.advance(minutes=2)
    assert sorted(ways(story)) == [("slack", 1), ("sms", 1), ("voice", 1)]


def test_the_urgency_chooses_the_rules(tell: Callable[..., Story]) -> None:
    story = ruled(tell, "[{by: sms}]", "[{by: slack}]", matrix={"P4": "[{page: [person/ana]}]"})
    story.fires(severity="critical")
    story.fires(alertname="Other", severity="info")
    assert ways(story) == [("sms", 0), ("slack", 0)]


def test_a_way_that_is_not_set_up_is_passed_over(tell: Callable[..., Story]) -> None:
    story = ruled(tell, "[{by: mail}, {by: sms, after: 2m}]")
    story.fires()
    story.advance(minutes=3)
    assert ways(story) == [("sms", 2)]


def test_who_has_no_way_that_is_set_up_is_told_by_the_default_channel_at_once(
    tell: Callable[..., Story],
) -> None:
    story = ruled(tell, "[{by: mail, after: 5m}]")
    story.fires()
    assert ways(story) == [("slack", 0)]


def test_a_step_whose_person_nothing_reaches_is_passed_over_at_once(tell: Callable[..., Story]) -> None:
    story = tell()
    for channel in story.channels.values():
        channel.unreachable.add("ana")
    story.fires()
    assert story.paged() == [("ben", 0), ("fay", 0)]
    assert story.entry("nobody").text == "Nobody to page at step 1: no channel reaches ana"


def test_a_dead_way_hands_over_to_the_next_at_once(tell: Callable[..., Story]) -> None:
    story = ruled(tell, "[{by: slack}, {by: sms, after: 2m}, {by: voice, after: 5m}]")
    story.slack.refuses["ana"] = GiveUp(GiveUpReason.ADDRESS, "no such member")
    story.fires()
    story.advance(minutes=6)
    assert ways(story) == [("sms", 0), ("voice", 5)]


def test_an_acknowledgement_takes_back_the_ways_to_come(tell: Callable[..., Story]) -> None:
    story = ruled(tell, "[{by: slack}, {by: sms, after: 2m}]")
    story.fires()
    story.advance(minutes=1)
    story.says("ack")
    story.advance(minutes=30)
    assert ways(story) == [("slack", 0)]
