"""Announcements in Slack: one message per incident and channel, edited in place, each moment once in its thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from incident_bot.flow import commands
from tests.fakes.slack.state import Channel, Message
from tests.fakes.slack.workspace import answers, limited, loses_the_answer
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

Begin = Callable[..., SlackStory]
NEWS = {"announce": '[{channel: "#news"}]'}
PUBLIC = {"announce": '[{on: [update, resolve, reopen], public: true, channel: "#news"}]'}


def begun(slack_story: Begin, **changes: Any) -> tuple[SlackStory, Channel]:  # noqa: F811
    story = slack_story(**{**NEWS, **changes})
    return story, story.workspace.add_channel("news")


def head(channel: Channel) -> Message:
    """The announcement; what the bot says of itself is a message without a headline."""
    top = [one for one in channel.live() if one.thread is None]
    (message,) = [one for one in top if one.blocks[0]["type"] == "header"]
    return message


def replies(story: SlackStory, channel: Channel) -> list[str]:
    first = head(channel)
    return [story.read(one) for one in channel.live() if one.thread == first.ts]


@on_every_database
def test_one_message_follows_the_incident_and_its_thread_tells_each_moment(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story)
    story.fires()
    story.advance(seconds=5)
    assert "INCIDENT [P1]" in story.read(head(news))
    story.says("ack")
    story.says("update We roll back next 30m")
    story.advance(seconds=10)
    assert "We roll back" in story.read(head(news))
    assert "Investigating" in story.read(head(news))
    story.says("sev P2 fewer than we thought")
    story.advance(seconds=10)
    assert "P2 · INC-1" in story.read(head(news))
    story.says("resolve rolled back")
    story.advance(seconds=10)
    assert "INCIDENT RESOLVED" in story.read(head(news))
    told = replies(story, news)
    assert len(told) == 2
    assert "We roll back" in told[0]
    assert "RESOLVED" in told[1]
    story.says("reopen it is back")
    story.advance(seconds=10)
    assert "REOPENED" in replies(story, news)[2]
    assert "✅" not in story.read(head(news))
    calls = len(story.workspace.calls)
    story.restart()
    story.advance(minutes=2)
    assert len(story.workspace.calls) == calls


def test_updates_at_once_edit_once_and_are_each_told_in_order(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story)
    story.fires()
    for number in range(5):
        story.types(f"update Step {number} is done") if number == 0 else commands.handle(
            story.context, f"update Step {number} is done", incident=1, actor="ana", source="test",
            now=story.clock.now(),
        )  # fmt: skip
    story.advance(seconds=60)
    told = replies(story, news)
    assert [text.partition("Step ")[2][:1] for text in told] == ["0", "1", "2", "3", "4"]
    assert "Step 4" in story.read(head(news))
    assert head(news).edits <= 3


@pytest.mark.parametrize(
    "fault", [limited(7), answers(500), loses_the_answer], ids=["limited", "500", "lost"]
)
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "conversations.list"])
def test_whatever_goes_wrong_each_is_told_once_and_in_order(
    slack_story: Begin,  # noqa: F811
    fault: Any,
    method: str,
) -> None:
    story, news = begun(slack_story)
    story.workspace.fail(method, fault, fault, fault)
    story.fires()
    story.says("update One")
    story.advance(seconds=1)
    story.says("update Two")
    story.advance(minutes=20)
    told = replies(story, news)
    assert [("One" in text, "Two" in text) for text in told] == [(True, False), (False, True)]
    assert "Two" in story.read(head(news))


@on_every_database
def test_slack_away_for_three_hours_loses_nothing(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story, notify="{high: [{by: slack}, {by: sms, after: 5m}], low: [{by: slack}]}")
    story.workspace.down = True
    story.fires()
    story.advance(minutes=1)
    assert [(heard.via, heard.message.recipient) for heard in story.taken("page")] == [("sms", "ana")]
    story.says("ack")
    for hour in range(3):
        story.says(f"update Hour {hour}")
        story.advance(hours=1)
    assert news.live() == []
    story.workspace.down = False
    story.advance(minutes=15)
    told = replies(story, news)
    assert [text.partition("Hour ")[2][:1] for text in told] == ["0", "1", "2"]
    assert "Hour 2" in story.read(head(news))


def test_a_page_that_waits_for_slack_goes_out_on_the_next_channel(slack_story: Begin) -> None:  # noqa: F811
    story, _ = begun(slack_story, notify="{high: [{by: slack}, {by: sms, after: 5m}], low: [{by: slack}]}")
    story.workspace.fail("chat.postMessage", limited(90))
    story.fires(alertname="First")
    story.advance(seconds=2)
    story.fires(alertname="Second")
    story.advance(seconds=45)
    assert [heard.message.facts["incident"] for heard in story.taken("page")] == ["INC-1", "INC-2"]


def test_the_public_hears_of_nothing_internal(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story, **PUBLIC)
    story.fires(instance="db-7.internal", alertname="Checkout fails")
    story.says("impact One checkout in ten fails")
    story.says("ack")
    story.advance(seconds=10)
    assert news.live() == [], "its rule asks for updates"
    story.says("update A fix is being rolled out next 30m")
    story.says("resolve ana restarted db-7.internal")
    story.advance(seconds=10)
    said = json.dumps([[one.text, one.blocks] for one in news.live()])
    for part in ("One checkout in ten fails", "Checkout fails", "Over since", "It is over"):
        assert part in said
    for part in (
        "internal",
        "db-7",
        "Ana",
        "ana ",
        "bot.example.com",
        "INC-1",
        "runbook",
        "U0ANA",
        "HighErrorRate",
    ):
        assert part not in said, part


def test_a_private_incident_is_announced_nowhere(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story)
    commands.declare(
        story.context, title="Leak", actor="ana", source="test", severity="P1", private=True, now=story.clock.now()
    )  # fmt: skip
    story.pump()
    story.says("update We look")
    story.says("sev P2")
    story.says("resolve done")
    story.advance(minutes=1)
    assert news.live() == []


def test_an_announcement_that_somebody_deleted_is_made_anew(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story)
    story.fires()
    story.advance(seconds=5)
    head(news).deleted = True
    story.says("sev P2 fewer")
    story.advance(seconds=10)
    assert "P2 · INC-1" in story.read(head(news))
    story.says("update On it")
    story.advance(seconds=10)
    assert len(replies(story, news)) == 1


def test_a_channel_that_no_rule_asks_any_more_is_still_kept_right(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story, announce='[{severities: [P1], channel: "#news"}]')
    story.fires()
    story.advance(seconds=5)
    story.says("sev P2 fewer")
    story.says("resolve it was a test")
    story.advance(seconds=10)
    assert "RESOLVED" in story.read(head(news))
    assert replies(story, news) == []


def test_other_messages_are_messages_by_themselves(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story, routes="[{match: ['severity=\"info\"'], action: notify}]")
    story.fires(alertname="Noise", severity="info")
    story.advance(minutes=1)
    assert news.live() == []
    assert any("Noise" in story.read(message) for message in story.web.live())


def test_the_next_update_is_a_time_and_late_once_it_has_passed(slack_story: Begin) -> None:  # noqa: F811
    story, news = begun(slack_story, promises="{}")
    story.fires()
    story.advance(seconds=5)
    assert "Next update in 15 minutes (03:15 UTC)." in story.read(head(news))
    story.advance(minutes=2)
    story.says("ack")
    story.advance(seconds=10)
    assert "Next update by 03:15 UTC." in story.read(head(news))
    story.advance(minutes=14)
    assert "The update due by 03:15 UTC has not come yet." in story.read(head(news))
    story.says("update We roll back next 20m")
    story.advance(seconds=10)
    assert "Next update by 03:36 UTC." in story.read(head(news))
    story.advance(minutes=21)
    assert "The update due by 03:36 UTC has not come yet." in story.read(head(news))
