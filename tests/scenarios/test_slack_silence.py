"""A silence from Slack: what it would hide stands in the modal, the card says until when, the room hears of its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.fakes.alertmanager import AlertmanagerApi
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    ROOMS,
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database
from tests.scenarios.test_slack_modals import chosen, press, shown, words

Begin = Callable[..., SlackStory]
Told = tuple[SlackStory, AlertmanagerApi]


@pytest.fixture
def begun(slack_story: Begin) -> Iterator[Told]:  # noqa: F811
    """A story with one incident and its room, and an Alertmanager that can be asked."""
    story = slack_story()
    with AlertmanagerApi(story.alertmanager, story.clock.now) as api:
        source = f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}'
        story.configure(sources=source, severities=ROOMS)
        story.fires()
        story.advance(minutes=1)
        yield story, api


@on_every_database
def test_the_modal_shows_what_falls_silent_and_silences_it_once(begun: Told) -> None:
    story, api = begun
    story.fires(alertname="Down", severity="critical")
    story.advance(minutes=1)
    story.slack_client.click("U0ANA", story.card(1), "inc:silence")
    view = next(reversed(story.workspace.views.values()))
    assert "It hides 1 alert that fires now." in shown(view)
    assert 'alertmanager: {alertname="HighErrorRate"}' in shown(view)
    values = {"for": chosen("2h"), "reason": words("moving the database")}
    story.slack_client.submit("U0ANA", view, values)
    story.pump()
    (kept,) = api.kept.active()
    assert kept.created_by == "Ana Example"
    assert "moving the database" in kept.comment
    story.advance(minutes=1)
    assert "*Silenced until*" in story.read(story.card(1))
    assert any("Ana Example silences" in text for text in story.texts(1))
    assert len(api.kept.kept) == 1


def test_its_modal_lifts_it_too(begun: Told) -> None:
    story, api = begun
    story.types("silence 2h")
    story.advance(minutes=1)
    view = press(story, "inc:silence")
    assert "It is silenced until" in shown(view)
    story.slack_client.submit("U0ANA", view, {"for": chosen("lift")})
    story.pump()
    assert api.kept.active() == []
    story.advance(minutes=1)
    assert "Silenced until" not in story.read(story.card())


def test_the_room_is_told_before_it_ends(begun: Told) -> None:
    story, _api = begun
    story.types("silence 1h")
    story.advance(minutes=50)
    assert any("The silence ends at 04:01 UTC" in text for text in story.texts())


def test_typed_without_a_time_it_asks_for_one(begun: Told) -> None:
    story, _api = begun
    story.slack_client.slash("U0ANA", "silence", story.room())
    view = next(reversed(story.workspace.views.values()))
    assert view.view["callback_id"] == "inc:silence"


def test_where_nothing_can_be_silenced_the_modal_says_why(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    view = press(story, "inc:silence")
    assert "where nothing can be silenced from here" in shown(view)
    assert "submit" not in view.view
