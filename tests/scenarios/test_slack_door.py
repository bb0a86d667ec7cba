"""People in Slack: what they type and press does what it does everywhere, once, and is answered in time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

Begin = Callable[..., SlackStory]


@on_every_database
def test_a_command_in_the_room_is_about_its_incident(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    answered = story.slack_client.slash("U0ANA", "ack", story.room())
    assert answered.status == 200
    assert "You have" in answered.said["text"] or "INC-1" in answered.said["text"]
    assert story.incident().escalation == "acknowledged"
    assert story.incident().acknowledged_by == "ana"


def test_elsewhere_the_incident_is_named(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    assert "Which incident" in story.slack_client.slash("U0BEN", "ack", story.web).said["text"]
    story.slack_client.slash("U0BEN", "ack INC-1", story.web)
    assert story.incident().acknowledged_by == "ben"


def test_bare_incident_says_what_is_open_or_how_this_one_is(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    assert "INC-1" in str(story.slack_client.slash("U0BEN", "", story.web).said)
    assert "INC-1" in str(story.slack_client.slash("U0BEN", "", story.room(), command="/inc").said)


def test_an_unknown_word_is_answered_with_the_nearest(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    assert "escalate" in story.slack_client.slash("U0BEN", "esclate INC-1", story.web).said["text"]


def test_mentions_are_people(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    story.slack_client.slash("U0ANA", "lead <@U0BEN|ben>", story.room())
    assert story.incident().lead == "ben"


def test_on_call_answers_in_slack(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    assert "Ana" in str(story.slack_client.slash("U0BEN", "web", story.web, command="/oncall").said)


def test_a_button_acts_once_however_often_it_is_pressed(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    card = story.card()
    for _ in range(2):
        story.slack_client.click("U0ANA", card, "inc:ack")
    assert story.kinds().count("acknowledged") == 1
    assert story.kinds().count("confirmed") == 0


def test_the_same_signed_request_is_refused_the_second_time(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires()
    story.advance(minutes=1)
    story.slack_client.slash("U0ANA", "note the first time", story.room())
    assert story.slack_client.again().status == 409
    assert story.kinds().count("note") == 1


@pytest.mark.parametrize("at, secret", [(-301, None), (301, None), (0, "another-secret")])
def test_old_and_foreign_signatures_are_refused(slack_story: Begin, at: float, secret: str | None) -> None:  # noqa: F811
    story = slack_story()
    body = b"command=%2Fincident&text=list&user_id=U0ANA"
    headers = story.slack_client.signed(body, at=story.clock.now().timestamp() + at, secret=secret)
    answered = story.client().post(
        "/slack/events",
        content=body,
        headers={**headers, "content-type": "application/x-www-form-urlencoded"},
    )
    assert answered.status_code == 401


def test_slack_checks_the_address_with_a_challenge(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    body = b'{"type":"url_verification","challenge":"abc","token":"x"}'
    headers = {**story.slack_client.signed(body), "content-type": "application/json"}
    answered = story.client().post("/slack/events", content=body, headers=headers)
    assert (answered.status_code, "abc" in answered.text) == (200, True)


def test_a_stranger_may_act_and_is_named(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.workspace.person("U0NEW", "Nora New")
    story.fires()
    story.advance(minutes=1)
    story.slack_client.slash("U0NEW", "ack", story.room())
    assert story.incident().acknowledged_by == "slack:U0NEW"
    story.advance(minutes=1)
    assert "<@U0NEW> has it" in story.read(story.card())


def test_hostile_words_call_nobody(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(annotations={"summary": "<!channel> *now* <https://evil.example.com|click> & <@U0BEN>"})
    story.advance(minutes=1)
    story.slack_client.slash("U0ANA", "update &lt;!here&gt; we look", story.room())
    story.advance(minutes=1)
    said = [
        part
        for channel in story.workspace.channels.values()
        for message in channel.live()
        for part in (message.text, *mrkdwn_of(message.blocks))
    ]
    for hostile in ("<!channel>", "<!here>", "<https://evil.example.com|", "& <@U0BEN>"):
        assert not [part for part in said if hostile in part]


def mrkdwn_of(value: object) -> list[str]:
    """Every text of mrkdwn in blocks; plain text calls nobody."""
    if isinstance(value, dict):
        own = [str(value["text"])] if value.get("type") == "mrkdwn" else []
        return own + [text for part in value.values() for text in mrkdwn_of(part)]
    return [text for part in value for text in mrkdwn_of(part)] if isinstance(value, list) else []
