"""What comes from strangers stays text, what is private stays private, and enterprise-wide ids are people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from incident_bot.flow import commands
from tests.fakes.slack.client import Client
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)

Begin = Callable[..., SlackStory]
HOSTILE = "<!channel> <@U0BEN> <#C0X|x> <https://evil.example.com|log in> & <!subteam^S1> `*_~"
TYPED = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
"""The same as Slack sends what somebody typed."""
FORBIDDEN = ("<!channel>", "<https://evil", "<!subteam", "<#C0X")


def mrkdwn(value: object) -> Iterator[str]:
    """Every text of mrkdwn in blocks."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield str(value["text"])
        for part in value.values():
            yield from mrkdwn(part)
    elif isinstance(value, list):
        for part in value:
            yield from mrkdwn(part)


def everything_said(story: SlackStory) -> list[str]:
    """All that the bot wrote in the workspace and that Slack would read as mrkdwn."""
    ws = story.workspace
    said = [
        text
        for channel in ws.channels.values()
        for message in channel.live()
        if message.user == "U0BOT"
        for text in (message.text, *mrkdwn(message.blocks))
    ]
    for whisper in ws.whispers:
        said += [str(whisper["text"]), *mrkdwn(whisper["blocks"])]
    for responses in ws.responses.values():
        said += [text for one in responses for text in (str(one.get("text")), *mrkdwn(one.get("blocks")))]
    # Topics stand apart: https://docs.slack.dev/reference/methods/conversations.setTopic formats and links nothing.
    return said


def test_hostile_words_in_every_field_call_nobody_and_link_nowhere(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.person("U0EVE", HOSTILE)
    annotations = {
        "summary": HOSTILE,
        "description": HOSTILE,
        "runbook_url": "javascript:alert(1)",
        "impact": HOSTILE,
    }
    story.fires(annotations=annotations, instance=HOSTILE, service=HOSTILE)
    story.advance(minutes=1)
    people, room = story.slack_client, story.room()
    for line in ("title", "impact", "note", "task", "followup", "did", "update", "sev P2"):
        people.slash("U0EVE", f"{line} {TYPED}", room)
        story.advance(minutes=1)
    people.slash("U0EVE", TYPED, room)
    message = people.says(
        "U0EVE", room, TYPED, files=[{"id": "F1", "name": HOSTILE, "mimetype": "x/y", "size": 1}]
    )
    people.reacts("U0EVE", message, "pushpin")
    people.reacts("U0EVE", message, "arrow_right")
    people.edits(message, TYPED + "!")
    story.advance(minutes=2)
    people.slash("U0EVE", "info", room)
    people.slash("U0EVE", "catchup", room)
    said = everything_said(story)
    assert [text for text in said if "evil.example.com" in text], "it is shown as text"
    assert not [text for text in said for hostile in FORBIDDEN if hostile in text]
    assert not [mark for mark in room.bookmarks.values() if not mark["link"].startswith("https://")]


def test_nothing_about_a_private_incident_is_said_outside_its_room(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(announce='[{channel: "#web"}]')
    commands.declare(
        story.context,
        title="Leak of the crown jewels",
        actor="ana",
        source="test",
        severity="P1",
        private=True,
        now=story.clock.now(),
    )
    story.advance(minutes=1)
    story.types("update We know how")
    story.advance(minutes=30)
    room = story.room()
    assert room.private
    outside = [
        story.read(message) + message.text
        for channel in story.workspace.channels.values()
        if channel is not room and not channel.direct
        for message in channel.live()
    ]
    assert not [text for text in outside if "jewels" in text or "We know how" in text]


def test_people_of_an_enterprise_are_people(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.person("W0WENDY", "Wendy Wide")
    story.fires()
    story.advance(minutes=1)
    people = Client(story.workspace, door=story.slack_client.door, after=story.pump, enterprise=True)
    people.click("W0WENDY", story.card(), "inc:ack")
    assert story.incident().acknowledged_by == "slack:W0WENDY"
    message = people.says("W0WENDY", story.room(), "ask <@W0WENDY>")
    people.reacts("W0WENDY", message, "pushpin")
    assert story.entry("note").text == "Wendy Wide noted: ask @Wendy Wide"
    story.advance(minutes=1)
    assert "W0WENDY" in story.room().members
