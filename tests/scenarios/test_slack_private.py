"""In Slack: an incident that is made private leaves the room and the announcements that everybody could read."""

from __future__ import annotations

from collections.abc import Callable

from incident_bot.flow.slack.leaving import OVER
from incident_bot.flow.slack.withdrawn import NOTHING
from tests.fakes.slack.state import BOT_USER, Channel
from tests.fakes.slack.workspace import answers, loses_the_answer
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

Begin = Callable[..., SlackStory]


def words(story: SlackStory, channel: Channel) -> str:
    """All that the bot still says in a channel."""
    said = [story.read(one) + one.text for one in channel.live() if one.user == BOT_USER]
    marks = [mark["title"] + mark["link"] for mark in channel.bookmarks.values()]
    return "\n".join([channel.name, channel.topic, channel.purpose, *marks, *said])


def begun(slack_story: Begin, **changes: str) -> SlackStory:  # noqa: F811
    story = slack_story(**changes)
    story.fires(alertname="Quokka", instance="a")
    story.advance(minutes=1)
    return story


@on_every_database
def test_it_goes_on_in_a_private_room(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    old = story.room()
    story.fires(alertname="Quokka", instance="b")
    story.slack_client.says("U0BEN", old, "what people say stays theirs")
    story.types("note the quokka did it")
    story.advance(minutes=1)
    assert "uokka" in words(story, old)
    story.slack_client.slash("U0BEN", "private", old)
    story.advance(minutes=5)
    new = story.room()
    assert (new.private, old.archived, old.private) == (True, True, False)
    assert "uokka" not in words(story, old)
    assert [one.text for one in old.live()] == ["what people say stays theirs", OVER]
    assert {"U0ANA", "U0BEN"} <= new.members
    assert "Quokka" in story.read(story.card())
    assert "the quokka did it" in words(story, new), "the new room knows all of it"
    calls = len(story.workspace.calls)
    story.advance(minutes=1)
    assert len(story.workspace.calls) == calls


def test_a_lost_answer_makes_no_second_room(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    old = story.room()
    story.workspace.fail("conversations.create", loses_the_answer)
    story.workspace.fail("chat.delete", loses_the_answer)
    story.types("private")
    story.advance(minutes=10)
    assert [one.private for one in story.workspace.channels.values() if one.name.startswith("inc-1-")] == [
        False,
        True,
    ]
    assert "uokka" not in words(story, old)


def test_a_channel_that_people_had_stays_theirs(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    theirs = story.workspace.add_channel("war-room", members=["U0ANA"])
    theirs.purpose = "ours"
    story.slack_client.slash("U0ANA", "new here P1 Quokka loose", theirs)
    story.advance(minutes=1)
    story.types("private")
    story.advance(minutes=5)
    assert (theirs.archived, theirs.name, theirs.purpose) == (False, "war-room", "ours")
    assert "uokka" not in words(story, theirs)
    assert story.room().private


def test_the_thread_of_a_team_is_taken_back(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(alertname="Quokka", severity="warning")
    story.fires(alertname="Other", severity="warning")
    story.advance(minutes=1)
    story.types("ack INC-1", by="ben")
    story.advance(minutes=1)
    story.types("private INC-1", by="ben")
    story.advance(minutes=5)
    assert "uokka" not in words(story, story.web)
    assert "Other" in words(story, story.web), "what else the team was told stays"
    assert story.room(1).private
    assert story.room(1).id not in words(story, story.web), "nothing points there"


def test_a_room_that_people_put_away_first_is_left_alone(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    old = story.room()
    story.workspace.fail("chat.delete", answers(200, "is_archived"))
    story.types("private")
    story.advance(minutes=5)
    assert story.room().private
    assert not old.archived


@on_every_database
def test_what_was_announced_is_taken_back(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story, announce='[{channel: "#web"}]')
    story.types("update the quokka is hungry")
    story.advance(minutes=1)
    assert words(story, story.web).count("uokka") > 1
    story.types("private")
    story.advance(minutes=5)
    assert "uokka" not in words(story, story.web)
    assert {one.text for one in story.web.live()} == {NOTHING}
    story.types("update the quokka is fed")
    story.types("public yes")
    story.advance(minutes=5)
    head = next(one for one in story.web.live() if one.thread is None)
    assert "Quokka" in story.read(head)
    assert "fed" in story.read(head)
    assert len([one for one in story.web.live() if one.thread is None]) == 1


def test_members_who_are_not_on_it_are_told_that_there_is_none(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.types("private")
    story.advance(minutes=5)
    people = story.slack_client
    for line in ("info INC-1", "ack INC-1", "catchup INC-1", "room here INC-1", "update INC-1 hello"):
        said = people.slash("U0DAN", line, story.web).said["text"]
        assert said == "There is no INC-1; `list all` shows those there are."
        unknown = people.slash("U0DAN", line.replace("INC-1", "INC-9"), story.web)
        assert said == unknown.said["text"].replace("INC-9", "INC-1")
    assert "Nothing is open" in people.slash("U0DAN", "list", story.web).said["text"]
    people.slash("U0DAN", "private INC-9", story.web)
    people.slash("U0DAN", "ack INC-1", story.web)
    assert story.incident().acknowledged_by is None


def test_whoever_is_asked_into_the_room_sees_it_there(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.types("private")
    story.advance(minutes=5)
    story.room().members.add("U0DAN")
    assert "Quokka" in story.slack_client.slash("U0DAN", "info", story.room()).said["text"]
    assert "There is no" in story.slack_client.slash("U0DAN", "info INC-1", story.web).said["text"]
    story.slack_client.slash("U0DAN", "ack", story.room())
    assert "Quokka" in story.slack_client.slash("U0DAN", "info INC-1", story.web).said["text"]


def test_those_at_work_see_it_wherever_they_are(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.slack_client.slash("U0ANA", "private", story.room())
    story.advance(minutes=5)
    assert "Quokka" in story.slack_client.slash("U0ANA", "info INC-1", story.web).said["text"]
    assert "Quokka" in story.slack_client.slash("U0ANA", "list", story.web).said["text"]
