"""Slack over Socket Mode: the same commands and buttons, once each, over connections that come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from incident_bot.entrypoints.slack.socket import SocketLine
from incident_bot.flow import health
from incident_bot.flow.views import CheckView
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.fakes.slack.client import Client
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.state import APP_TOKEN, BOT_TOKEN
from tests.fakes.slack.workspace import Workspace
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)

Begin = Callable[..., SlackStory]


@contextmanager
def over_a_socket(story: SlackStory) -> Iterator[tuple[Client, Sockets]]:
    """People whose Slack reaches the story's bot over Socket Mode."""
    with (
        Sockets(story.workspace) as sockets,
        SocketLine(story.application.app.state.slack, APP_TOKEN),
    ):
        assert sockets.connected.wait(10)
        yield Client(story.workspace, socket=sockets.deliver, after=story.pump), sockets


def check(story: SlackStory) -> CheckView:
    found = health.health(story.context, now=story.clock.now()).checks
    return next(one for one in found if one.name == "slack")


def test_commands_and_buttons_act(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    with over_a_socket(story) as (people, _):
        people.click("U0ANA", story.card(), "inc:ack")
        wait_for(lambda: story.incident().acknowledged_by == "ana", what="the button acts")
        answered = people.slash("U0BEN", "note over the socket", story.room())
        assert "text" in answered.said
    assert story.kinds().count("note") == 1


def test_an_envelope_that_comes_again_is_acknowledged_and_acts_once(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    with over_a_socket(story) as (people, sockets):
        people.slash("U0ANA", "note only once", story.room())
        sockets.deliver("slash_commands", people.sent[-1])
    assert story.kinds().count("note") == 1


def test_what_came_over_http_is_not_done_again_over_the_socket(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    with over_a_socket(story) as (_, sockets):
        story.slack_client.slash("U0ANA", "note only once", story.room())
        sockets.deliver("slash_commands", story.slack_client.sent[-1])
    assert story.kinds().count("note") == 1


def test_a_connection_that_ends_is_made_anew(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    with over_a_socket(story) as (people, sockets):
        sockets.refresh()
        wait_for(lambda: len(sockets.connections) > 1, what="the bot comes again")
        people.slash("U0ANA", "note after the break", story.room())
    assert story.kinds().count("note") == 1


def test_slack_may_be_away_at_the_start(slack_story: Begin, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    story = slack_story()
    monkeypatch.setattr("incident_bot.entrypoints.slack.socket.FIRST_WAIT", 0.02)
    with SocketLine(story.application.app.state.slack, APP_TOKEN):
        wait_for(lambda: story.context.ear.trouble is not None, what="the first attempt failed")
        assert not check(story).ok
        assert "forbidden_team" in check(story).detail
        with Sockets(story.workspace):
            wait_for(lambda: check(story).ok, what="a later attempt is taken")
            assert check(story).detail.startswith("Socket Mode: connected; nothing heard yet")


def test_health_names_what_slack_refuses(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    assert check(story).ok
    story.workspace.scopes.discard("bookmarks:write")
    story.fires()
    story.advance(minutes=1)
    assert not check(story).ok
    assert "INC-1: bookmarks.add: missing_scope (scope bookmarks:write)" in check(story).detail


def test_health_says_when_rooms_wait(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.context.ear.last = story.clock.now()
    story.workspace.down = True
    story.says("sev P2 fewer")
    story.sleep_through(minutes=5)
    assert "1 room waits" in check(story).detail
    assert "heard 5 min ago" in check(story).detail


def test_the_real_process_answers_over_its_socket_and_stops_in_order(tmp_path: Path, sqlite_url: str) -> None:
    with Workspace(lambda: 1_800_000_000.0) as workspace, Sockets(workspace) as sockets:
        workspace.person("U0ANA", "Ana Example")
        channel = workspace.add_channel("web", members=["U0ANA"])
        people = Client(workspace, socket=sockets.deliver)
        environment = {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "INCIDENT_BOT_SLACK_API_URL": workspace.url,
        }
        with RunningBot(
            write(tmp_path, small()), database_url=sqlite_url, environment=environment
        ) as running:
            assert sockets.connected.wait(20)
            assert "is open" in people.slash("U0ANA", "new Checkout is slow", channel).said["text"]
            assert [one["title"] for one in running.incidents()] == ["Checkout is slow"]
            assert running.post("/slack/events", b"{}").status_code == 403
            assert running.stop() == 0
            assert not running.errors()
    assert workspace.violations == []
