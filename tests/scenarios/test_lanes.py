"""S6: every way out is used as fast as its provider allows and no faster, the worst first, by however many replicas."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from incident_bot.clock import ManualClock
from incident_bot.core.effects import Moment
from incident_bot.core.lanes import LATE, Pace, Pacing
from incident_bot.core.model import Person
from incident_bot.flow import deliver
from incident_bot.notifiers.base import Message, Receipt, RetryLater
from incident_bot.store import outbox
from tests.fakes.notifier import RecordingNotifier
from tests.plugins.story import Story, on_every_database
from tests.scenarios.ways import burst, one_and_then

SECOND = timedelta(seconds=1)
A_SECOND = Pace(every=SECOND)
TEXTS = {"sms": Pacing(total=A_SECOND, folds=False)}
"""One text a second, each about one incident."""
ALONE = {"more": "storm: off"}
"""Every incident opens, however many there are."""
BY_TEXT = {"notify": "{high: [{by: sms}], low: [{by: sms}]}", **ALONE}
TEXT_THEN_VOICE = {"notify": "{high: [{by: sms}, {by: voice, after: 10m}], low: [{by: sms}]}", **ALONE}


def seconds(story: Story, via: str = "sms") -> list[float]:
    return [(call.at - story.start).total_seconds() for call in story.calls if call.via == via]


@on_every_database
def test_a_lane_lets_through_what_its_provider_allows(tell: Callable[..., Story]) -> None:
    story = tell(pacings=TEXTS, **BY_TEXT)
    burst(story, 5)
    assert seconds(story) == [0]
    story.advance(seconds=10)
    assert seconds(story) == [0, 1, 2, 3, 4]


@on_every_database
def test_the_worst_goes_first_and_equals_in_turn(tell: Callable[..., Story]) -> None:
    story = tell(pacings=TEXTS, **BY_TEXT)
    one_and_then(story, 7, severities=("high", "critical"))
    story.advance(seconds=10)
    told = [(call.message.facts["severity"], call.message.facts["incident"]) for call in story.calls]
    worst = [("P1", f"INC-{number}") for number in (3, 5, 7)]
    rest = [("P2", f"INC-{number}") for number in (2, 4, 6)]
    assert told[1:] == worst + rest or told[1:] == sorted(told[1:])


@on_every_database
def test_an_acknowledgement_stops_what_is_queued(tell: Callable[..., Story]) -> None:
    story = tell(pacings=TEXTS, **BY_TEXT)
    burst(story, 6)
    for number in range(2, 7):
        story.says("ack", incident=number, by="ben")
    story.advance(minutes=10)
    assert len(seconds(story)) == 1
    assert story.next_due() is None or story.next_due() > story.clock.now()  # type: ignore[operator]
    assert [page.state for number in range(2, 7) for page in story.pages(number)] == ["cancelled"] * 5


@pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
def test_a_restart_and_a_second_replica_keep_the_pace(tell: Callable[..., Story]) -> None:
    story = tell(pacings=TEXTS, **BY_TEXT)
    burst(story, 4)
    story.restart()
    other = story.replica()
    for _ in range(4):
        for context in (story.context, other.context, story.context):
            deliver.drain(context, now=story.clock.now)
        story.clock.advance(SECOND)
    assert seconds(story) == [0, 1, 2, 3]


@on_every_database
def test_retry_after_closes_the_lane_for_everybody_in_it(tell: Callable[..., Story]) -> None:
    story = tell(**BY_TEXT)
    story.channels["sms"].fails.append(RetryLater("too many", after=timedelta(seconds=40)))
    burst(story, 1)
    burst(story, 3, first=2)
    story.advance(seconds=39)
    assert seconds(story) == [0], "nobody knocks before the provider said so"
    story.advance(seconds=30)
    assert seconds(story)[1] == 40
    assert {page.state for number in range(1, 5) for page in story.pages(number)} == {"sent"}


@on_every_database
def test_a_page_that_waits_too_long_is_sent_on_the_next_channel_too_once(tell: Callable[..., Story]) -> None:
    story = tell(
        pacings={"sms": Pacing(total=Pace(every=timedelta(minutes=2))), "voice": Pacing(total=A_SECOND)},
        **TEXT_THEN_VOICE,
    )
    one_and_then(story, 3)
    story.advance(seconds=19)
    assert seconds(story, "voice") == []
    story.advance(minutes=5)
    assert seconds(story, "voice") == [LATE.total_seconds()], "both in one call, and once"
    assert seconds(story) == [0, 120], "the text still goes"
    assert [entry.text for entry in story.timeline(2) if entry.kind == "page_planned"] == [
        "Page planned for Ana Example by voice (sms takes no more just now)"
    ]


@on_every_database
def test_pages_pass_updates_and_every_channel_has_its_own_lane(tell: Callable[..., Story]) -> None:
    announce = '[{channel: "#all", on: [open, update]}, {channel: "#web", on: [open, update]}]'
    pacing = Pacing(each=A_SECOND, total=Pace(every=SECOND, burst=2), folds=False)
    story = tell(pacings={"slack": pacing}, announce=announce)
    burst(story, 3)
    story.advance(minutes=1)
    told = [(call.message.recipient, (call.at - story.start).total_seconds()) for call in story.calls]
    pages = [at for recipient, at in told if recipient == "ana"]
    assert pages == [0, 1, 2]
    for recipient in ("ana", "#all", "#web"):
        own = [at for name, at in told if name == recipient]
        assert all(later - sooner >= 1 for sooner, later in pairwise(own))
    assert all(sum(second == int(at) for _, at in told) <= 2 for second in range(60)), "two of the workspace"


@on_every_database
def test_an_act_that_is_counted_by_itself_has_a_lane_of_its_own(tell: Callable[..., Story]) -> None:
    announce = '[{channel: "#all", on: [open, update]}]'
    creating = Pace.per_minute(4)
    story = tell(pacings={"slack": Pacing(acts={Moment.OPENED: creating})}, announce=announce)
    burst(story, 8)
    story.advance(minutes=3)
    opened = [call.at for call in story.calls if call.message.kind == "opened"]
    assert len(opened) == 8
    minute = timedelta(minutes=1)
    assert all(sum(first <= at < first + minute for at in opened) <= 4 for first in opened)


@on_every_database
def test_while_an_update_waits_the_latest_wins(tell: Callable[..., Story]) -> None:
    announce = '[{channel: "#all", on: [open, update]}]'
    story = tell(pacings={"slack": Pacing(each=Pace(every=timedelta(seconds=30)))}, announce=announce)
    burst(story, 1)
    for text in ("first", "second", "third"):
        story.says(f"update {text}")
    story.advance(minutes=2)
    updates = [call.message.text for call in story.calls if call.message.kind == "update"]
    assert len(updates) == 1
    assert "third" in updates[0]


class Strict:
    """A provider that refuses whatever is more than its rate, and says how long to wait."""

    def __init__(self, clock: ManualClock, every: timedelta) -> None:
        self._clock = clock
        self._every = every
        self._last: datetime | None = None
        self.taken: list[tuple[datetime, Message]] = []
        self.refused = 0

    def send(self, message: Message) -> Receipt:
        now = self._clock.now()
        if self._last is not None and now < self._last + self._every:
            self.refused += 1
            raise RetryLater("too many requests", after=self._last + self._every - now)
        self._last = now
        self.taken.append((now, message))
        return Receipt(provider_id=f"{len(self.taken)}")

    def reaches(self, person: Person) -> bool:
        return person.active


FIVE = ("ana", "ben", "cleo", "dan", "fay")


@pytest.mark.parametrize("paced", [True, False], ids=["known pace", "pace not known"])
@on_every_database
def test_many_incidents_at_once(tell: Callable[..., Story], paced: bool) -> None:
    """Five people, three channels, providers that refuse what is too much: nothing is lost, little is sent."""
    storm(tell, 120, paced=paced)


@pytest.mark.parametrize("story_url", ["memory"], indirect=True)
def test_a_thousand_incidents_at_once(tell: Callable[..., Story]) -> None:
    storm(tell, 1000, paced=True)


def storm(tell: Callable[..., Story], count: int, *, paced: bool) -> None:
    vias = ("sms", "voice", "slack")
    people = ", ".join(f"person/{name}" for name in FIVE)
    ways = "[{by: slack}, {by: sms, after: 2m}, {by: voice, after: 4m}]"
    step = f"[{{page: [{people}]}}]"
    story = tell(
        pacings={via: Pacing(total=A_SECOND) for via in vias} if paced else {},
        notify=f"{{high: {ways}, low: {ways}}}",
        matrix={"P1": step, "P2": step},
        **ALONE,
    )
    strict = {via: Strict(story.clock, SECOND) for via in vias}
    for via, fake in strict.items():
        story.channels[via].send = fake.send  # type: ignore[method-assign]
    burst(story, count, severities=("high", "critical"))
    story.advance(minutes=6)
    with story.context.store.read() as tx:
        sent = [row for row in outbox.sent_pages(tx, story.start, story.clock.now()) if row.person in FIVE]
    assert len({row.key for row in sent}) == len(sent) == count * len(FIVE) * 3, "each page, once (P4)"
    calls = sum(len(fake.taken) + fake.refused for fake in strict.values())
    assert calls <= 20 * len(FIVE) * 3, "a few messages a person and channel, however many incidents"
    for fake in strict.values():
        assert not (paced and fake.refused)
        first: dict[str, Message] = {}
        for _, message in fake.taken:
            first.setdefault(message.recipient, message)
        assert {first[person].facts["severity"] for person in FIVE} == {"P1"}, "the worst first"


@on_every_database
def test_taking_all_of_a_storm_stops_the_queue(tell: Callable[..., Story]) -> None:
    story = tell(pacings=TEXTS, **BY_TEXT)
    burst(story, 60)
    story.advance(seconds=3)
    for number in range(1, 61):
        story.says("ack", incident=number)
    sent = len(seconds(story))
    story.advance(minutes=30)
    assert len(seconds(story)) == sent == 4


@pytest.mark.parametrize("seed", range(3))
@on_every_database
def test_at_every_claim_what_is_taken_is_the_worst_that_may_go(tell: Callable[..., Story], seed: int) -> None:
    """A provider slower than the pages: whatever is left behind is no worse than what was taken."""
    chance = random.Random(seed)  # noqa: S311 -- it shuffles, and guards nothing
    story = tell(pacings=TEXTS, **BY_TEXT)
    first = 1
    for _ in range(25):
        count = chance.randint(0, 3)
        burst(story, count, first=first, severities=chance.choice([("high",), ("critical",)]))
        first += count
        before = len(story.calls)
        story.clock.advance(SECOND)
        deliver.drain(story.context, now=story.clock.now)
        for call in story.calls[before:]:
            with story.context.store.read() as tx:
                left = [
                    row
                    for number in range(1, first)
                    for row, _ in outbox.pages_of(tx, number)
                    if row.state.value == "pending"
                ]
                key = call.message.key
                taken = next(
                    row for n in range(1, first) for row, _ in outbox.pages_of(tx, n) if row.key == key
                )
            order = (taken.rank, taken.due_at, taken.id)
            assert all((row.rank, row.due_at, row.id) > order for row in left)
    story.advance(minutes=2)
    assert len(story.taken("page")) == first - 1, "everybody's turn comes"


def test_the_fake_refuses_more_than_its_rate(tell: Callable[..., Story]) -> None:
    story = tell()
    fake = Strict(story.clock, SECOND)
    assert isinstance(story.channels["sms"], RecordingNotifier)
    message = Message(key="k", kind="page", recipient="ana", person=None, subject="s", text="t")
    fake.send(message)
    with pytest.raises(RetryLater):
        fake.send(message)
