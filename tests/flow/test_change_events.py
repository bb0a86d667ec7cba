"""What pipelines tell: kept once, on every database, without secrets, and shown beside the incident that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from incident_bot.core.errors import Refused
from incident_bot.core.nearby import ChangeEvent
from incident_bot.flow import change_events, export
from incident_bot.flow import why as chain
from tests.plugins.story import Story, on_every_database


def deploy(story: Story, what: str = "shop 41", **more: object) -> ChangeEvent:
    now = story.clock.now()
    plain = ChangeEvent(kind="deploy", what=what, service="shop", at=now, told_by="ci", told_at=now)
    return replace(plain, **more)  # type: ignore[arg-type]  # real fields


def tell(story: Story, what: str = "shop 41", **more: object) -> ChangeEvent:
    return change_events.tell(story.context, deploy(story, what, **more), now=story.clock.now())


def listed(story: Story, **more: object) -> list[int]:
    return [one.id for one in change_events.listed(story.context, **more)]  # type: ignore[arg-type]  # its filters


@on_every_database
def test_a_change_is_kept_as_it_was_told(story: Story) -> None:
    labels = {"cluster": "eu-1", "odd": "\ud800"}
    one = tell(
        story, who="dana", version="41", url="https://ci.example/41", labels=labels, team="web", key="k"
    )
    assert change_events.listed(story.context) == [one]
    assert (one.labels, one.version, one.told_by) == (labels, "41", "ci")


@on_every_database
def test_the_same_key_tells_once(story: Story) -> None:
    first = tell(story, key="build-7")
    story.advance(minutes=5)
    assert tell(story, key="build-7") == first
    assert tell(story, key="build-7", told_by="other").id != first.id
    assert tell(story).id != tell(story).id, "without a key each is a change of its own"
    with pytest.raises(Refused, match="used for another change"):
        tell(story, "shop 42", key="build-7")
    with pytest.raises(Refused, match="1 to 200 characters"):
        tell(story, key="")


@on_every_database
def test_they_are_listed_by_service_team_and_time(story: Story) -> None:
    begin = story.clock.now()
    one = tell(story).id
    story.advance(minutes=10)
    two = tell(story, service="lake", team="data").id
    three = tell(story, at=begin - timedelta(hours=1)).id
    assert listed(story) == [three, two, one]
    assert listed(story, service="shop") == [three, one]
    assert listed(story, team="data") == [two]
    assert listed(story, start=begin) == [two, one]
    assert listed(story, end=begin + timedelta(minutes=10)) == [three, one]
    assert listed(story, before=three, limit=1) == [two]


@on_every_database
def test_what_is_older_than_ninety_days_goes(story: Story) -> None:
    old = tell(story).id
    story.clock.advance(timedelta(days=91))
    new = tell(story).id
    assert (listed(story), old != new) == ([new], True)


@on_every_database
def test_what_stands_beside_an_incident_stays_for_good(told: Story) -> None:
    before = told.incident().changes
    told.clock.advance(timedelta(days=91))
    tell(told)
    assert told.incident().changes == before
    told.clock.advance(timedelta(days=91))
    new = tell(told).id
    # The other team's change of that day stays with it; the one that nothing followed is gone.
    assert listed(told) == [new, 2, 1]


@pytest.mark.parametrize(
    "away, words", [(timedelta(minutes=11), "lies ahead"), (-timedelta(days=91), "more than 90 days ago")]
)
def test_a_time_that_cannot_be_is_refused(story: Story, away: timedelta, words: str) -> None:
    with pytest.raises(Refused, match=words):
        tell(story, at=story.clock.now() + away)


def test_no_secret_is_kept(story: Story) -> None:
    one = tell(
        story, "set password=hunter2", url="https://ci.example/?token=s3cr3t", labels={"env": "pwd=xyzzy1"}
    )
    shown = f"{one.what} {one.url} {one.labels}"
    assert not {"hunter2", "s3cr3t", "xyzzy1"} & set(shown.replace("=", " ").replace("'", " ").split())
    assert shown.count("[redacted]") == 3


@pytest.fixture
def told(story: Story) -> Story:
    """A deploy at 03:50 of 04:00 in Berlin, another team's, and the configuration applied anew in between."""
    story.context.live.record(now=story.clock.now())
    tell(story, version="41", who="dana", url="https://ci.example/41")
    tell(story, "lake 7", service="lake")
    story.advance(minutes=5)
    story.configure(announce='[{channel: "#incidents"}]')
    story.advance(minutes=5)
    story.fires(service="shop")
    return story


@on_every_database
def test_an_incident_has_what_changed_shortly_before(told: Story) -> None:
    shop, own = told.incident().changes
    assert (shop.what, shop.minutes_before, shop.why) == ("shop 41", 10, "the same service, shop")
    assert (own.kind, own.minutes_before, own.why) == ("config", 5, "the bot's own configuration")
    assert own.what.endswith("of this bot applied")


def test_it_stands_in_the_draft_in_why_and_in_catchup(told: Story) -> None:
    draft = export.postmortem(told.context, 1, now=told.clock.now())[0]
    section = draft[draft.index("## 6. Lead-up") : draft.index("## 7.")]
    assert "shop 41 https://ci.example/41" in section
    assert "10 min before" in section
    assert "lake 7" not in draft
    text = str(chain.explain(told.context, 1, now=told.clock.now())["text"])
    assert "shop 41 (the same service, shop)" in text
    assert "changed 10 min before it began: shop 41 (the same service, shop)" in told.says("catchup")


def test_an_incident_of_another_day_has_none(told: Story) -> None:
    told.advance(hours=3)
    told.says("new P2 something else")
    assert told.incident().changes == ()
    assert isinstance(told.incident().opened_at, datetime)
