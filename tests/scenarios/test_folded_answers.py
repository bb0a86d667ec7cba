"""S7: whoever answers a message about several incidents takes all of them, or the one that they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.lanes import Pace, Pacing
from incident_bot.core.model import Paging
from incident_bot.flow import acklinks, twilio
from incident_bot.flow.acklinks import DoorState
from incident_bot.notifiers.twilio import token_of
from incident_bot.store import incidents, outbox
from incident_bot.store.outbox import OutboxRow
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import LAYERS
from tests.scenarios.ways import burst

ANA = "+4915100000001"
TOKEN = "ab" * 24


@pytest.fixture
def story(tell: Callable[..., Story]) -> Story:
    """Three incidents of which ana heard in one message."""
    paced = {"sms": Pacing(total=Pace(every=timedelta(seconds=1)))}
    told = tell(notify="{high: [{by: sms}], low: [{by: sms}]}", pacings=paced)
    burst(told, 3)
    assert [len(call.message.also) for call in told.calls] == [3]
    return told


def replies(story: Story, text: str, sid: str = "SM1") -> str:
    said = twilio.answer_text(
        story.context, {"From": ANA, "Body": text, "MessageSid": sid}, now=story.clock.now()
    )
    story.pump()
    return said


def presses(story: Story, key: str | None = None) -> str:
    fields = {"CallSid": "CA1", **({"Digits": key} if key else {})}
    token = token_of(story.calls[0].message.key)
    said = twilio.speak(story.context, token, fields, action="/again", now=story.clock.now())
    story.pump()
    return said


def taken(story: Story) -> list[int]:
    with story.context.store.read() as tx:
        found = [incidents.get(tx, number) for number in (1, 2, 3)]
    return [one.id for one in found if one and one.paging is Paging.ACKNOWLEDGED]


def link(story: Story) -> OutboxRow:
    with story.context.store.read() as tx:
        rows = [row for number in (1, 2, 3) for row, _ in outbox.pages_of(tx, number)]
    leader = replace(rows[0], carries=tuple(rows[1:]))
    acklinks.keep(story.context, leader, f"https://bot.example/ack/{TOKEN}", now=story.clock.now())
    return leader


@on_every_database
def test_ack_takes_all_that_the_text_was_about(story: Story) -> None:
    assert "Acknowledged: INC-1, INC-2, INC-3." in replies(story, "ACK")
    assert taken(story) == [1, 2, 3]
    assert "Acknowledged: INC-1, INC-2, INC-3." in replies(story, "ACK"), "the same text, the same answer"


@on_every_database
def test_ack_with_a_number_takes_one_and_then_ack_the_rest(story: Story) -> None:
    replies(story, "ack 2", "SM1")
    assert taken(story) == [2]
    assert "Acknowledged: INC-1, INC-3." in replies(story, "1", "SM2")


def test_resolve_without_a_number_closes_none_of_several(story: Story) -> None:
    assert "was about 3 incidents. Name one: RESOLVE 1." in replies(story, "RESOLVE")
    replies(story, "RESOLVE 1 it was me", "SM2")
    assert story.incident(1).phase == "resolved"


@on_every_database
def test_a_call_says_how_many_and_the_worst_and_one_key_takes_all(story: Story) -> None:
    assert "3 incidents wait for you. The worst: P 1, incident 1." in presses(story)
    assert "Acknowledged: incident 1, incident 2, incident 3." in presses(story, "1")
    assert taken(story) == [1, 2, 3]
    assert "Somebody has all 3 incidents already" in presses(story)


def test_the_other_key_escalates_the_worst(story: Story) -> None:
    presses(story, "2")
    assert "escalated" in story.kinds(1)
    assert "escalated" not in story.kinds(2)


@on_every_database
def test_one_link_takes_all_after_a_page_that_lists_them(story: Story) -> None:
    link(story)
    story.says("ack", incident=2, by="ben")
    door = acklinks.look(story.context, TOKEN, now=story.clock.now())
    assert (door.state, door.button) == (DoorState.OPEN, "Acknowledge all 2")
    assert [line[:9] for line in door.lists] == ["P1 INC-1:", "P1 INC-3:"]
    assert taken(story) == [2], "looking changes nothing"
    done = acklinks.acknowledge(story.context, TOKEN, now=story.clock.now())
    assert (done.state, done.said) == (DoorState.DONE, "Acknowledged: INC-1, INC-3.")
    assert taken(story) == [1, 2, 3]
    again = acklinks.acknowledge(story.context, TOKEN, now=story.clock.now())
    assert (again.state, again.button) == (DoorState.OVER, None)
    assert again.said.startswith("Somebody has each of these 3 incidents")


def test_a_link_that_is_too_old_or_of_somebody_who_left_opens_nothing(story: Story) -> None:
    link(story)
    late = story.clock.now() + acklinks.LASTS
    old = acklinks.acknowledge(story.context, TOKEN, now=late)
    assert (old.state, old.said[:20]) == (DoorState.OVER, "This link held until")
    people = (
        "people:\n  ben: {name: Ben Example}\n  cleo: {name: Cleo}\n  dan: {name: Dan}\n  fay: {name: Fay}\n"
    )
    story.configure(
        people=f"{people}  ana: {{name: Ana, active: false}}\n  theo: {{name: Theo}}\n",
        layers=LAYERS.replace("[[ana]]", "[[ben]]"),
        teams="teams:\n  web: {schedule: web, lead: ben, manager: cleo, members: [ben]}\n"
        "  data: {schedule: data, lead: dan, members: [dan]}\n",
    )
    gone = acklinks.look(story.context, TOKEN, now=story.clock.now())
    assert (gone.state, gone.said) == (DoorState.OVER, "ana is no longer among the people who are paged.")


@on_every_database
def test_what_did_not_arrive_did_not_arrive_for_every_page_of_it(story: Story) -> None:
    token = token_of(story.calls[0].message.key)
    fields = {"MessageStatus": "undelivered", "ErrorCode": "30003"}
    assert twilio.note_status(story.context, token, fields, now=story.clock.now())
    story.pump()
    for number in (1, 2, 3):
        page = story.pages(number)[0]
        assert [receipt.status for receipt in page.receipts] == ["undelivered"]
        assert "page_failed" in story.kinds(number)
