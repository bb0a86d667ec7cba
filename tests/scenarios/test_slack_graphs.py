"""Graphs in an incident's room: shown once, as pictures, and taken back where it becomes private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from incident_bot.render import pngs
from tests.fakes.prometheus import FakePrometheus
from tests.fakes.slack.workspace import loses_the_answer
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    ROOMS,
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

EXPRESSION = "sum(rate(errors_total[5m])) by (job)"


@pytest.fixture
def begun(slack_story: Callable[..., SlackStory]) -> Iterator[SlackStory]:  # noqa: F811
    """A story with one incident, its room, and its graph of the opening."""
    story = slack_story()
    with FakePrometheus() as prometheus:
        prometheus.rule("HighErrorRate", f"{EXPRESSION} > 0.05")
        prometheus.teach(EXPRESSION, {"job": "<!channel>"}, 0.2)
        source = f'  - {{name: alertmanager, kind: alertmanager, prometheus_url: "{prometheus.url}"}}'
        story.configure(sources=source, severities=ROOMS)
        story.fires()
        story.advance(minutes=1)
        yield story
        assert story.workspace.violations == []


def pictures(story: SlackStory) -> list[Any]:
    return [one for one in story.room().live() if one.files]


@on_every_database
def test_a_change_of_phase_and_the_end_are_drawn_in_the_room_once(begun: SlackStory) -> None:
    assert pictures(begun) == [], "the graph of the opening stands on the page"
    begun.types("status mitigating")
    begun.advance(minutes=2)
    begun.workspace.fail("files.completeUploadExternal", loses_the_answer)
    begun.types("status monitoring")
    begun.advance(minutes=5)
    begun.types("resolve rolled back")
    begun.advance(minutes=5)
    found = pictures(begun)
    assert [[file["name"] for file in one.files] for one in found] == [["INC-1 HighErrorRate.png"]] * 3
    assert found[0].text.startswith("HighErrorRate ▁")
    assert "threshold &gt; 0.05" in found[0].text
    content = begun.workspace.contents[f"/files/{found[0].files[0]['id']}"]
    assert content.startswith(b"\x89PNG")
    said = [given for method, given in begun.workspace.calls if method == "files.getUploadURLExternal"]
    assert "HighErrorRate" in said[0]["filename"]
    assert "0.2 to 0.2" in said[0]["alt_txt"]


def test_what_is_made_private_takes_its_pictures_along(begun: SlackStory) -> None:
    begun.types("graph")
    begun.advance(minutes=2)
    (shown,) = pictures(begun)
    number = shown.files[0]["id"]
    begun.types("private")
    begun.advance(minutes=5)
    assert number not in begun.workspace.files
    assert shown.deleted
    (again,) = pictures(begun)
    assert begun.workspace.channels[again.channel].private


def test_where_slack_refuses_they_stand_on_the_page_alone(begun: SlackStory) -> None:
    begun.workspace.scopes.discard("files:write")
    begun.types("graph")
    begun.advance(minutes=30)
    assert pictures(begun) == []
    refused = [one for one in begun.workspace.refusals if one[0].startswith("files.")]
    assert refused == [("files.getUploadURLExternal", "missing_scope")], "it is not asked for ever"


def test_without_the_extra_nothing_is_uploaded(begun: SlackStory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pngs, "typst", None)
    begun.types("graph")
    begun.advance(minutes=2)
    assert not [method for method, _ in begun.workspace.calls if method.startswith("files.")]
