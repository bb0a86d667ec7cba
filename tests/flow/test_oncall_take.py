"""A shift changes hands exactly as it was shown, or not at all (R13)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import oncall_take, roster
from incident_bot.flow.oncall_take import LONGEST, Offer, Take
from incident_bot.flow.roster import Wanted
from incident_bot.flow.views import OverrideView
from tests.plugins.story import START, Story, on_every_database

Tell = Callable[..., Story]
HOUR = timedelta(hours=1)
WEEKLY = """
  - name: week
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[ana], [ben, cleo]]
"""
OFFICE = """
  - name: office
    priority: 10
    turn: {unit: days, every: 1, anchor: "2026-01-05T09:00"}
    people: [[ana]]
    windows: [{days: mon-fri, from: "09:00", to: "17:00"}]
"""
HANDOFF = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def offered(story: Story, at: datetime = START) -> Offer:
    return oncall_take.offer(story.context, "web", at=at, now=story.clock.now())


def take(
    story: Story, offer: Offer, *, by: str = "dan", person: str | None = "", key: str | None = None
) -> OverrideView | None:
    whose = (offer.people[0] if offer.people else None) if person == "" else person
    wanted = Take(person=whose, by=by, start=offer.start, end=offer.end, reason="swap")
    return oncall_take.take(story.context, "web", wanted, actor=by, key=key, now=story.clock.now())


def who(story: Story, at: datetime) -> str:
    return " ".join(one.person for one in roster.on_call(story.context, schedule="web", at=at))


@on_every_database
def test_the_rest_of_the_running_shift_changes_hands(tell: Tell) -> None:
    story = tell(layers=WEEKLY)
    offer = offered(story, START - HOUR)
    assert (offer.start, offer.end, offer.whole) == (START, HANDOFF, True)
    assert offer.people == ("ana",)
    story.advance(minutes=3)
    made = take(story, offer)
    assert made is not None
    assert (made.replace, made.by, made.start, made.end) == ("ana", "dan", story.clock.now(), HANDOFF)
    assert (who(story, HANDOFF - HOUR), who(story, HANDOFF)) == ("dan", "ben cleo")
    assert made.created_by == "dan"
    assert made.reason == "swap"


def test_a_shift_to_come_begins_when_it_does(tell: Tell) -> None:
    story = tell(layers=WEEKLY)
    offer = offered(story, HANDOFF)
    made = take(story, offer)
    assert made is not None
    assert (made.state, made.start, made.end) == ("planned", HANDOFF, HANDOFF + timedelta(days=7))


def test_who_stands_in_by_an_override_can_be_taken_over_again(story: Story) -> None:
    """The rules map a layer's person once, so the second override names that one too."""
    offer = offered(story)
    take(story, offer, by="dan")
    again = take(story, offered(story), by="cleo")
    assert again is not None
    assert (again.replace, again.by) == ("ana", "cleo")
    assert who(story, START) == "cleo"
    back = take(story, offered(story), by="ana")
    assert back is not None
    assert back.cover == ("ana",)
    assert who(story, START) == "ana"


def test_of_a_cover_one_place_changes_and_the_others_stay(story: Story) -> None:
    roster.make_override(
        story.context, "web", Wanted(cover=("ben", "cleo"), end=START + HOUR), actor="ben", now=START
    )
    made = take(story, offered(story), person="ben", by="dan")
    assert made is not None
    assert made.cover == ("dan", "cleo")
    assert who(story, START) == "dan cleo"
    assert who(story, START + HOUR) == "ana"


def test_whoever_was_added_cannot_be_taken_over_quietly(story: Story) -> None:
    roster.make_override(story.context, "web", Wanted(add=("ben",), end=START + HOUR), actor="ben", now=START)
    with pytest.raises(
        Refused, match="Ben Example is on this shift by an override that cannot be taken over"
    ):
        take(story, offered(story), person="ben", by="dan")
    assert who(story, START) == "ana ben"


def test_a_gap_is_taken_by_a_cover(tell: Tell) -> None:
    story = tell(layers=OFFICE)
    offer = offered(story)
    assert (offer.people, offer.end) == ((), datetime(2026, 3, 3, 9, 0, tzinfo=UTC))
    made = take(story, offer)
    assert made is not None
    assert made.cover == ("dan",)
    assert (who(story, START), who(story, offer.end)) == ("dan", "ana")


def test_one_without_an_end_is_taken_for_five_weeks(story: Story) -> None:
    offer = offered(story)
    assert (offer.end, offer.whole) == (START + LONGEST, False)
    assert take(story, offer) is not None


def test_asking_twice_is_taken_once(story: Story) -> None:
    offer = offered(story)
    assert take(story, offer, key="k") is not None
    assert take(story, offer, key="k") is None
    assert len(roster.overrides(story.context, "web", start=START, now=START)) == 1


@pytest.mark.parametrize("by", ["gus", "nobody", ""])
def test_only_active_people_take_shifts(story: Story, by: str) -> None:
    with pytest.raises(Refused, match=r"nothing was done|Nothing was done"):
        take(story, offered(story), by=by)


def test_a_shift_that_changed_meanwhile_is_refused(story: Story) -> None:
    offer = offered(story)
    roster.make_override(
        story.context, "web", Wanted(cover=("cleo",), end=START + HOUR), actor="ben", now=START
    )
    with pytest.raises(
        Refused, match="has changed since this page was shown: it begins with Cleo Example now"
    ):
        take(story, offer)
    assert len(roster.overrides(story.context, "web", start=START, now=START)) == 1


def test_a_gap_that_was_filled_meanwhile_is_refused(tell: Tell) -> None:
    story = tell(layers=OFFICE)
    offer = offered(story)
    take(story, offer, by="cleo")
    with pytest.raises(Refused, match="begins with Cleo Example now"):
        take(story, offer, by="dan")


def test_a_shift_that_is_over_is_refused(tell: Tell) -> None:
    story = tell(layers=OFFICE)
    offer = offered(story)
    story.advance(hours=7)
    with pytest.raises(Refused, match="That shift is over"):
        take(story, offer)


def test_a_schedule_that_is_not_in_force_has_no_shifts_to_take(story: Story) -> None:
    with pytest.raises(NotFound, match="no schedule 'nope' in force"):
        oncall_take.offer(story.context, "nope", at=START, now=START)
