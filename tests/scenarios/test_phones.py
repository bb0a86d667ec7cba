"""When nothing else works, the incident says whom to phone."""

from __future__ import annotations

from collections.abc import Callable

from incident_bot.flow import why
from incident_bot.notifiers.base import GiveUp, GiveUpReason
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
DEAD = GiveUp(GiveUpReason.ADDRESS, "no such member")
ANA = "Ana Example +4915100000001"


@on_every_database
def test_when_no_channel_reached_somebody_their_number_is_shown_wherever_the_incident_is_read(
    story: Story,
) -> None:
    story.slack.refuses["ana"] = DEAD
    story.fires()
    assert [(one.person, one.name, one.phone) for one in story.incident().call] == [
        ("ana", "Ana Example", "+4915100000001")
    ]
    assert ANA in story.says("info", by="ben")
    assert f"Not reached by any channel, call: {ANA}" in str(
        why.explain(story.context, 1, now=story.clock.now())["text"]
    )
    assert story.entry("page_failed").text.endswith("; call +4915100000001")
    assert "+49151" not in str(story.entry("page_failed").data)


def test_whoever_is_paged_last_is_told_whom_to_phone(tell: Tell) -> None:
    story = tell(matrix={"P1": "[{page: [on_call]}]"})
    story.slack.refuses["ana"] = DEAD
    story.fires()
    (heard,) = story.taken("page")
    assert heard.message.recipient == "theo"
    assert heard.message.text.endswith(f"\n\nNot reached by any channel, call: {ANA}\n")


def test_while_a_channel_reached_them_or_somebody_has_it_no_number_is_shown(tell: Tell) -> None:
    story = tell(notify="{high: [{by: slack}, {by: sms, after: 1m}], low: [{by: slack}]}")
    story.slack.refuses["ana"] = DEAD
    story.fires()
    assert story.incident().call == ()
    story.channels["sms"].refuses["ana"] = DEAD
    story.fires(alertname="Second")
    assert len(story.incident().call) == 1
    story.says("ack", by="ben")
    assert story.incident().call == ()
    assert story.entry("page_failed").text.endswith("no such member")


def test_without_a_number_there_is_nobody_to_phone(story: Story) -> None:
    story.slack.always = DEAD
    story.fires()
    assert story.incident().escalation_state == "exhausted"
    assert [one.person for one in story.incident().call] == ["ana"]
    assert [one.call for one in story.incidents()] == [()]
