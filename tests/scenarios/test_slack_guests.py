"""Whoever Slack knows and people.yaml does not can be given work, by their name everywhere; pages need an entry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import export
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

Begin = Callable[..., SlackStory]
NORA = "<@U0NEW|nora.new>"


@pytest.fixture
def story(slack_story: Begin) -> SlackStory:  # noqa: F811
    """An incident with its room, and Nora, who is in no file."""
    story = slack_story()
    story.workspace.person("U0NEW", "Nora New")
    story.fires()
    story.advance(minutes=1)
    return story


def says(story: SlackStory, line: str, *, by: str = "U0ANA") -> str:
    """Type it in the room; gives the answer."""
    return str(story.slack_client.slash(by, line, story.room()).said["text"])


@on_every_database
def test_a_guest_takes_the_lead_a_role_and_work(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.person("U0NEW", "Nora New")
    story.fires()
    story.advance(minutes=1)
    assert says(story, f"lead {NORA}").startswith("nora.new leads INC-1 now."), "as Slack wrote it, at first"
    story.advance(minutes=1)
    assert says(story, f"role scribe {NORA}").startswith("Nora New is scribe of INC-1 now")
    assert "noted for Nora New" in says(story, f"task look at the logs {NORA}")
    assert "noted for Nora New" in says(story, f"followup {NORA} alert on the pool 14d")
    incident = story.incident()
    assert (incident.lead, incident.roles) == ("slack:U0NEW", {"scribe": "slack:U0NEW"})
    assert [one.owner for one in incident.items] == ["slack:U0NEW", "slack:U0NEW"]
    assert [one.text for one in incident.items] == ["look at the logs", "alert on the pool"]
    story.advance(minutes=1)
    assert "U0NEW" in story.room().members


def test_every_surface_has_their_name(story: SlackStory) -> None:
    for line in (f"lead {NORA}", f"role scribe {NORA}", f"task look {NORA}", f"followup look again {NORA}"):
        says(story, line)
    story.advance(minutes=1)
    told = [entry.text for entry in story.timeline()]
    assert "Nora New leads the incident" in told
    assert [text for text in told if "look (for Nora New)" in text]
    shown = [
        *told,
        *(says(story, line) for line in ("info", "catchup", "why", "postmortem")),
        *story.texts(),
        story.read(story.card()),
        export.postmortem(story.context, 1, now=story.clock.now())[0],
        story.client().get("/incidents/INC-1").text,
        story.client().get("/incidents/INC-1/postmortem").text,
    ]
    assert not [text for text in shown if "slack:U0" in text]
    assert sum("Nora New" in text for text in shown) >= 9


def test_they_work_with_it_themselves(story: SlackStory) -> None:
    assert says(story, "lead me", by="U0NEW").endswith("`ack`.")
    assert story.incident().lead == "slack:U0NEW"
    story.advance(minutes=1)
    assert "Nora New leads INC-1 already" in says(story, f"lead {NORA}")
    says(story, "lead me")
    assert "Nora New leads INC-1 now" in says(story, "undo")
    assert story.incident().lead == "slack:U0NEW"


def test_a_page_needs_an_entry(story: SlackStory) -> None:
    for line in (f"page {NORA}", f"handoff {NORA}"):
        said = says(story, line)
        assert "is not in people.yaml, so nothing reaches them: have them added there" in said
        assert "`slack: U0NEW`" in said
    assert [one.person for one in story.pages()] == ["ana"]
    assert story.incident().offered_to is None
    with pytest.raises(Refused, match=r"^U0GONE is not in people\.yaml"):
        story.types("page @slack:U0GONE")


def test_whom_nobody_has_named_yet_goes_by_their_id(story: SlackStory) -> None:
    assert story.types("lead @slack:U0GONE").startswith("U0GONE leads INC-1 now")
    assert story.timeline()[-1].text == "U0GONE leads the incident"


def test_a_form_takes_them_too(story: SlackStory) -> None:
    people = story.slack_client
    people.click("U0ANA", story.card(), "inc:roles")
    view = next(reversed(story.workspace.views.values()))
    people.submit("U0ANA", view, {"comms": {"value": {"type": "users_select", "selected_user": "U0NEW"}}})
    assert story.incident().roles == {"comms": "slack:U0NEW"}
    story.advance(minutes=1)
    people.click("U0ANA", story.card(), "inc:roles")
    again = next(reversed(story.workspace.views.values()))
    assert "U0NEW" in str(again.view["blocks"]), "the form shows who holds the role"
    assert [entry.text for entry in story.timeline() if "Nora New" in entry.text]
