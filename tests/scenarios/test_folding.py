"""S7: several pages for one person go out as one message, and each of them is accounted for by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident_bot.core.lanes import Pace, Pacing
from incident_bot.notifiers.base import GiveUp, GiveUpReason, RetryLater
from incident_bot.store import outbox
from tests.plugins.story import Story, on_every_database
from tests.scenarios.ways import burst, one_and_then

SLOW = {"sms": Pacing(total=Pace(every=timedelta(seconds=15)))}
SMS_THEN_VOICE = "{high: [{by: sms}, {by: voice, after: 10m}], low: [{by: sms}]}"
NOTIFY = {"notify": SMS_THEN_VOICE, "more": "storm: off"}


@pytest.fixture
def story(tell: Callable[..., Story]) -> Story:
    """One text in 15 seconds: the first page takes it, the others wait and fold."""
    return tell(pacings=SLOW, **NOTIFY)


def sent(story: Story, via: str = "sms") -> list[tuple[float, int, str]]:
    """When each message to ana went out, how many incidents it lists, and its subject."""
    return [
        (story.minute(call.at), len(call.message.also), call.message.subject)
        for call in story.taken()
        if call.via == via
    ]


@on_every_database
def test_what_waits_for_one_person_goes_out_as_one_message_the_worst_first(story: Story) -> None:
    one_and_then(story, 13, severities=("critical", "high"))
    story.advance(seconds=14)
    assert [(at, listed) for at, listed, _ in sent(story)] == [(0, 0)]
    story.advance(minutes=2)
    assert [(at, listed) for at, listed, _ in sent(story)] == [(0, 0), (0.25, 12)]
    severities = [line.severity for line in next(c for c in story.calls if c.message.also).message.also]
    assert severities == sorted(severities)


@on_every_database
def test_what_falls_due_at_once_is_one_message_even_where_nothing_is_slow(tell: Callable[..., Story]) -> None:
    story = tell()
    burst(story, 7)
    assert [(call.message.recipient, len(call.message.also)) for call in story.taken("page")] == [("ana", 7)]


@on_every_database
def test_a_few_at_once_are_told_one_by_one_where_nothing_is_slow(tell: Callable[..., Story]) -> None:
    story = tell()
    burst(story, 4)
    assert [(call.message.recipient, len(call.message.also)) for call in story.taken("page")] == [
        ("ana", 0)
    ] * 4


@on_every_database
def test_every_page_of_a_message_is_recorded_as_carried_by_the_worst(story: Story) -> None:
    one_and_then(story, 4)
    story.advance(seconds=15)
    pages = {number: story.pages(number)[0] for number in range(1, 5)}
    assert {page.state for page in pages.values()} == {"sent"}
    assert [pages[number].carried_by for number in (1, 2, 3, 4)] == [None, None, pages[2].id, pages[2].id]
    assert [pages[number].beside for number in (1, 2, 3)] == [None, "INC-3 and 1 more", "INC-2 and 1 more"]
    assert {len(page.attempts) for page in pages.values()} == {1}
    texts = [entry.text for entry in story.timeline(4) if entry.kind == "page_sent"]
    assert texts == ["Paged Ana Example by sms in one message with INC-2 and 1 more"]


@on_every_database
def test_an_acknowledgement_takes_what_waits_out_of_the_message(story: Story) -> None:
    one_and_then(story, 5)
    story.says("ack", incident=3)
    story.advance(seconds=15)
    (message,) = [call.message for call in story.calls if call.message.also]
    assert [line.incident for line in message.also] == ["INC-2", "INC-4", "INC-5"]
    assert story.pages(3)[0].state == "cancelled"


@on_every_database
def test_one_page_left_of_many_is_an_ordinary_page(story: Story) -> None:
    one_and_then(story, 3)
    story.says("ack", incident=2)
    story.advance(seconds=15)
    assert [call.message.also for call in story.taken("page")] == [(), ()]


@on_every_database
def test_a_message_that_cannot_go_out_sends_all_its_pages_to_the_next_channel_in_one_message(
    tell: Callable[..., Story],
) -> None:
    story = tell(pacings={"sms": Pacing(total=Pace(every=timedelta(seconds=10)))}, **NOTIFY)
    story.channels["sms"].fails.extend([None, GiveUp(GiveUpReason.ADDRESS, "no such number")])
    one_and_then(story, 6)
    story.advance(seconds=10)
    (call,) = [call for call in story.calls if call.via == "voice"]
    assert (call.message.recipient, len(call.message.also)) == ("ana", 5)
    states = [[(page.channel, page.state) for page in story.pages(number)] for number in range(2, 7)]
    assert states == [[("sms", "failed"), ("voice", "sent")]] * 5


@on_every_database
def test_a_second_attempt_has_the_same_key_and_never_more_incidents_than_the_first(
    tell: Callable[..., Story],
) -> None:
    story = tell(pacings={"sms": Pacing(total=Pace(every=timedelta(seconds=10)))})
    story.configure(notify="{high: [{by: sms}], low: [{by: sms}]}")
    story.channels["sms"].fails.extend([None, RetryLater("no answer")])
    one_and_then(story, 4)
    story.advance(seconds=10)
    story.says("ack", incident=2)
    burst(story, 2, first=10)
    story.advance(minutes=1)
    first, second, third = [call.message for call in story.calls if call.via == "sms"][1:]
    listed = sorted((len(second.also), len(third.also)))
    again = next(message for message in (second, third) if message.key == first.key)
    assert [line.incident for line in first.also] == ["INC-2", "INC-3", "INC-4"]
    assert [line.incident for line in again.also] == ["INC-3", "INC-4"], "the leader itself was taken"
    assert listed == [2, 2]


@pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
def test_a_killed_sender_s_message_goes_out_again_whole(story: Story) -> None:
    one_and_then(story, 3)
    story.clock.advance(timedelta(minutes=1))
    with story.context.store.write() as tx:
        (row,) = outbox.claim(
            tx,
            owner="dead",
            lease=timedelta(seconds=30),
            limit=9,
            lanes=story.context.lanes,
            now=story.clock.now(),
        ).rows
        assert len(row.carries) == 1
    story.killed()
    story.advance(minutes=3)
    (message,) = [call.message for call in story.taken() if call.message.also]
    assert (message.attempt, len(message.also)) == (2, 2)
    assert [page.state for number in (2, 3) for page in story.pages(number)[:1]] == ["sent", "sent"]


@on_every_database
def test_notes_that_somebody_has_it_fold_as_well(tell: Callable[..., Story]) -> None:
    story = tell(pacings={"sms": Pacing(total=Pace(every=timedelta(seconds=15)))})
    story.configure(notify="{high: [{by: sms}], low: [{by: sms}]}")

    def taken(message: object) -> None:
        del message
        for number in (2, 3, 4):
            story.says("ack", incident=number, by="ben")

    one_and_then(story, 4)
    story.channels["sms"].during = taken
    story.advance(minutes=1)
    notes = [call.message for call in story.taken("note")]
    assert [(note.recipient, len(note.also), note.subject[:6]) for note in notes] == [("ana", 3, "Taken:")]
    assert "ben has it" in notes[0].text


def test_the_text_lists_ten_and_counts_the_rest(story: Story) -> None:
    one_and_then(story, 40)
    story.advance(minutes=1)
    (message,) = [call.message for call in story.taken() if call.message.also and call.via == "sms"]
    assert (len(message.also), message.more) == (39, 0)
    assert message.text.count("INC-") == 2 * 10 + 1
    assert "and 29 more: " in message.text
    assert message.subject.startswith("39 incidents, worst P1: ")
    assert message.facts["count"] == 39
