"""An incident's room in Slack: made, filled, kept in step, put away; whatever Slack does meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.flow import queries
from incident_bot.flow.incident_list import page, read
from tests.fakes.slack.workspace import answers, limited, loses_the_answer
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

Begin = Callable[..., SlackStory]


@on_every_database
def test_an_incident_gets_a_room_with_its_card_and_the_people_paged(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(instance="a")
    story.advance(minutes=1)
    room = story.room()
    assert room.name == "inc-1-higherrorrate-on-a"
    (listed,) = page(story.context, read({})).incidents
    assert queries.incident(story.context, 1).room == listed.room == room.name
    assert "U0ANA" in room.members
    (card,) = [one for one in room.live() if one.ts in room.pins]
    assert "INC-1" in story.read(card)
    assert "nobody has it yet" in story.read(card)
    assert room.topic.startswith("P1 · triage · nobody leads")
    assert "Incident" in {mark["title"] for mark in room.bookmarks.values()}
    calls = len(story.workspace.calls)
    story.advance(minutes=2)
    assert len(story.workspace.calls) == calls, "what is as it should be is left alone"


def test_what_happens_is_told_once_and_the_card_follows(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    story.types("ack")
    story.advance(minutes=1)
    story.types("sev P2 fewer than we thought")
    story.advance(minutes=1)
    texts = story.texts()
    assert sum("Ana Example acknowledged" in text for text in texts) == 1
    assert any("P1" in text and "P2" in text for text in texts)
    (card,) = [one for one in story.room().live() if one.ts in story.room().pins]
    assert "<@U0ANA> has it" in story.read(card)
    assert story.room().topic.startswith("P2 · investigating")
    story.says("update We roll back next 5m")
    story.advance(minutes=6)
    (card,) = [one for one in story.room().live() if one.ts in story.room().pins]
    assert "Update overdue since" in story.read(card)


def test_alerts_are_told_in_the_thread_of_the_card(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(instance="a")
    story.advance(minutes=1)
    story.fires(instance="b")
    story.advance(minutes=1)
    room = story.room()
    thread = [one for one in room.live() if one.thread]
    assert any("Also firing" in story.read(one) for one in thread)
    assert not any("Also firing" in text for text in story.texts())


def test_a_severity_for_the_team_lives_in_a_thread_of_its_channel(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(severity="warning")
    story.advance(minutes=1)
    (card,) = [one for one in story.web.live() if one.thread is None]
    assert "INC-1" in story.read(card)
    story.types("ack", by="ben")
    story.advance(minutes=1)
    assert any("acknowledged" in story.read(one) for one in story.web.live() if one.thread == card.ts)
    assert story.workspace.channels_made == 0


def test_a_raised_severity_gets_a_room_of_its_own(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(severity="warning")
    story.advance(minutes=1)
    story.types("sev P1")
    story.advance(minutes=1)
    assert story.room().name.startswith("inc-1-")


def test_a_private_incident_has_a_private_room(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    from incident_bot.flow import commands  # noqa: PLC0415

    commands.declare(
        story.context,
        title="Leak",
        actor="ana",
        source="test",
        severity="P1",
        private=True,
        now=story.clock.now(),
    )
    story.advance(minutes=1)
    assert story.room().private


def test_a_name_that_is_taken_is_not_forced(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.add_channel("inc-1-higherrorrate", members=["U0CLEO"])
    story.fires()
    story.advance(minutes=1)
    assert story.room().name == "inc-1-higherrorrate-2"


@pytest.mark.parametrize("method", ["conversations.create", "chat.postMessage", "pins.add", "bookmarks.add"])
def test_nothing_is_done_twice_where_an_answer_is_lost(slack_story: Begin, method: str) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.fail(method, loses_the_answer)
    story.fires()
    story.advance(minutes=5)
    assert story.workspace.channels_made == 1
    cards = [one for one in story.room().live() if "INC-1" in story.read(one) and one.thread is None]
    assert len(cards) == 1
    assert len(story.room().bookmarks) == len({mark["title"] for mark in story.room().bookmarks.values()})


def test_slack_away_for_an_hour_costs_no_page_and_the_room_is_filled_in_order(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(notify="{high: [{by: slack}, {by: sms, after: 1m}], low: [{by: sms}]}")
    story.workspace.down = True
    story.fires()
    story.advance(minutes=10)
    assert [person for person, minute in story.paged() if minute <= 1] == ["ana"], "by the next channel"
    story.types("ack")
    story.advance(minutes=20)
    story.types("update We roll back")
    story.advance(minutes=30)
    story.workspace.down = False
    story.advance(minutes=5)
    told = "\n".join(story.texts()[1:])
    assert told.index("acknowledged") < told.index("We roll back")
    assert "Told late" in told
    assert told.count("We roll back") == 1


def test_rate_limits_are_honoured(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.fail("chat.postMessage", limited(30))
    story.fires()
    story.advance(seconds=25)
    assert not [method for method, _ in story.workspace.calls if method == "chat.update"]
    story.advance(minutes=2)
    assert story.room().pins


def test_a_missing_scope_holds_up_nothing_else(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.scopes.discard("bookmarks:write")
    story.fires()
    story.advance(minutes=1)
    story.types("ack")
    story.advance(minutes=1)
    assert any("acknowledged" in text for text in story.texts())
    assert story.room().topic


def test_the_end_puts_the_room_away_and_a_reopened_incident_uses_it_again(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    story.resolves()
    story.advance(minutes=10)
    story.fires()
    story.advance(minutes=1)
    assert story.workspace.channels_made == 1
    assert any("eopened" in text for text in story.texts())
    story.resolves()
    story.advance(days=3, minutes=10)
    assert story.room().archived


def test_a_server_error_is_tried_again(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.fail("conversations.create", answers(500), answers(503), answers(200, "fatal_error"))
    story.fires()
    story.advance(minutes=3)
    assert story.workspace.channels_made == 1
