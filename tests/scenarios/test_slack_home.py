"""App Home: what concerns a member now, drawn anew after each of its buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from incident_bot.flow.oncall import handoffs
from tests.fakes.slack.state import View
from tests.fakes.slack.workspace import answers
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database
from tests.plugins.story_files import documents
from tests.scenarios.test_slack_modals import chosen, opened, shown, words

Begin = Callable[..., SlackStory]

TURNS = """
  - {name: days, priority: 10, turn: {unit: days, every: 1, anchor: "2026-01-05T09:00"}, people: [[ana], [ben]]}
"""


def home(story: SlackStory, user: str) -> View:
    story.slack_client.opens_home(user)
    return story.workspace.homes[user]


@on_every_database
def test_who_is_on_call_sees_it_and_their_pages(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    said = shown(home(story, "U0ANA"))
    assert "*Yes: web*" in said
    assert "Pages that wait for you (1)" in said
    assert "🔴 *P1*" in said
    assert "nobody leads" in said
    assert f"<#{story.room().id}>" in said
    story.slack_client.click("U0ANA", story.workspace.homes["U0ANA"], "home:ack")
    assert story.incident().acknowledged_by == "ana"
    after = shown(story.workspace.homes["U0ANA"])
    assert "Pages that wait" not in after
    assert "INC-1" in after


def test_who_is_not_on_call_sees_who_is(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    said = shown(home(story, "U0CLEO"))
    assert "You are not on call now" in said
    assert "Nothing is open" in said
    assert "Ana Example" in said
    assert "None in the next 14 days" in said
    for address in ("/oncall|", "/calendars|"):
        assert address in said


def test_shifts_of_the_next_two_weeks(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(layers=TURNS)
    said = shown(home(story, "U0BEN"))
    shifts = [line for line in said.splitlines() if line.startswith("• <!date")]
    assert len(shifts) == 7
    assert "until <!date" in shown(home(story, "U0ANA"))


def test_a_stranger_is_told_who_can_add_them(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.person("U0NEW", "Nora New")
    story.fires()
    story.advance(minutes=1)
    said = shown(home(story, "U0NEW"))
    assert "slack: U0NEW" in said
    assert "INC-1" in said
    assert "My next shifts" not in said


def test_a_private_incident_is_seen_by_those_who_work_on_it(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.slack_client.slash("U0FAY", "new", story.web)
    private: dict[str, Any] = {"value": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}}
    story.slack_client.submit(
        "U0FAY",
        opened(story),
        {"title": words("Salaries leaked"), "private": private, "severity": chosen("P1")},
    )
    story.advance(minutes=1)
    assert "Salaries" not in shown(home(story, "U0DAN"))
    for insider in ("U0FAY", "U0ANA"):
        assert "Salaries" in shown(home(story, insider))


def test_a_page_that_somebody_has_meanwhile_is_told(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    old = home(story, "U0ANA")
    story.says("resolve it was nothing", by="ben")
    story.slack_client.click("U0ANA", old, "home:ack")
    assert "⚠️" in shown(story.workspace.homes["U0ANA"])


def test_the_reachability_tap_is_one_button(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story(layers=TURNS)
    answer = story.reload({**documents(layers=TURNS), "rotations/oncall.yaml": "handoff: {tap: 1h}\n"})
    assert answer.ok, answer.problems
    handoffs.schedule_all(story.context, now=story.clock.now())
    due = story.clock.now().replace(hour=8, minute=30, second=0)
    story.until(due if due > story.clock.now() else due + timedelta(days=1))
    user = next(user for user in ("U0ANA", "U0BEN") if "reachable" in shown(home(story, user)))
    story.slack_client.click(user, story.workspace.homes[user], "oncall:here")
    said = shown(story.workspace.homes[user])
    assert "Thank you" in said
    assert "I am reachable" not in said


def test_declare_opens_from_the_home(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.slack_client.click("U0ANA", home(story, "U0ANA"), "inc:declare")
    story.slack_client.submit("U0ANA", opened(story), {"title": words("It burns")})
    assert "INC-1 is open" in shown(opened(story))
    story.slack_client.click("U0ANA", story.workspace.homes["U0ANA"], "home:refresh")
    assert "It burns" in shown(story.workspace.homes["U0ANA"])


def test_a_home_that_slack_does_not_take_is_left_alone(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.fail("views.publish", answers(503))
    story.slack_client.opens_home("U0ANA")
    assert story.workspace.homes == {}
    assert "Am I on call?" in shown(home(story, "U0ANA"))
