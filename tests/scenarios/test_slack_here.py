"""A channel that people have already becomes the room of an incident."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.slack.workspace import answers
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

Begin = Callable[..., SlackStory]


@on_every_database
def test_an_incident_declared_here_has_this_channel_as_its_room(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    channel = story.workspace.add_channel("checkout-trouble", members=["U0ANA"])
    channel.purpose = "where we talk"
    answered = story.slack_client.slash("U0ANA", "new here P1 Checkout is slow", channel)
    assert "This channel is the room of INC-1 now" in answered.said["text"]
    story.advance(minutes=1)
    assert (story.incident().title, story.incident().severity) == ("Checkout is slow", "P1")
    assert any("INC-1" in story.read(one) for one in channel.live() if one.ts in channel.pins)
    story.slack_client.slash("U0ANA", "ack", channel)
    story.slack_client.slash("U0ANA", "resolve it was the cache", channel)
    story.advance(days=3, minutes=5)
    assert (channel.name, channel.purpose, channel.archived) == ("checkout-trouble", "where we talk", False)
    assert story.workspace.channels_made == 0
    assert any("it was the cache" in story.read(one) for one in channel.live())


def test_an_open_incident_in_a_thread_moves_here(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(severity="warning")
    story.advance(minutes=1)
    channel = story.workspace.add_channel("war-room", members=["U0ANA"])
    assert "Which incident" in story.slack_client.slash("U0ANA", "room here", channel).said["text"]
    story.slack_client.slash("U0ANA", "room here INC-1", channel)
    story.advance(minutes=1)
    assert [one for one in channel.live() if one.ts in channel.pins]
    again = story.workspace.add_channel("another", members=["U0ANA"])
    assert "has a room already" in story.slack_client.slash("U0ANA", "room here INC-1", again).said["text"]
    assert (
        "already, which is open" in story.slack_client.slash("U0ANA", "new here More", channel).said["text"]
    )


def test_where_the_bot_cannot_come_in_it_says_what_to_do(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    closed = story.workspace.add_channel("closed", private=True, members=["U0ANA"])
    people = story.slack_client
    assert "/invite" in people.slash("U0ANA", "new here Checkout is slow", closed).said["text"]
    assert story.incidents() == []
    closed.members.add("U0BOT")
    assert "is the room of" in people.slash("U0ANA", "new here Checkout is slow", closed).said["text"]
    direct = story.workspace.direct("U0ANA")
    assert "A room is a channel" in people.slash("U0ANA", "new here It", direct).said["text"]
    story.workspace.fail("conversations.join", answers(503))
    assert "try again in a minute" in people.slash("U0ANA", "new here It", story.web).said["text"]


def test_what_is_over_or_private_stays_where_it_is(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(severity="warning")
    story.advance(minutes=1)
    story.types("resolve done with it")
    channel = story.workspace.add_channel("war-room", members=["U0ANA"])
    assert "is over" in story.slack_client.slash("U0ANA", "room here INC-1", channel).said["text"]
    assert "no INC-7" in story.slack_client.slash("U0ANA", "room here INC-7", channel).said["text"]
