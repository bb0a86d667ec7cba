"""Storm, 429 storm and outage of Slack: what is done to a story, and what came of it, for tests and the benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from incident_bot.store import rooms
from tests.fakes.slack.state import Message
from tests.plugins.slack_story import SlackStory
from tests.scenarios.ways import burst

SEVERITIES = ("warning", "high", "critical")
BOTH = "{high: [{by: slack}, {by: sms, after: 5m}], low: [{by: slack}]}"
"""By Slack, and by SMS where that does not help."""


def minutes(story: SlackStory, count: float) -> None:
    """Let so many minutes pass, one after the other."""
    left = count
    while left > 0:
        story.advance(minutes=min(left, 1))
        left -= 1


def quiet(story: SlackStory, *, most: int) -> int:
    """Let time pass until Slack has nothing more to hear, and give the minutes; a minute without a call is quiet."""
    for minute in range(most):
        before = len(story.workspace.calls)
        story.advance(minutes=1)
        if len(story.workspace.calls) == before and not waiting(story):
            return minute
    message = f"after {most} minutes Slack is still being told"
    raise AssertionError(message)


def waiting(story: SlackStory) -> int:
    """How many rooms wait for their turn."""
    with story.context.store.read() as tx:
        return rooms.count_waiting(tx, before=story.clock.now())


def storm(story: SlackStory, count: int) -> None:
    """So many incidents at once, of all severities that have a place in Slack."""
    burst(story, count, severities=SEVERITIES)


def work(story: SlackStory, numbers: Sequence[int], *, by: str = "ana", pause: float = 5) -> None:
    """Take these incidents, tell of them twice and end every second one, some minutes between."""
    for line in ("ack", "update We look at {0}", "update {0} is rolled back"):
        for number in numbers:
            story.types(line.format(f"number {number}"), by=by, incident=number)
        minutes(story, pause)
    for number in numbers[::2]:
        story.types("resolve fixed by the roll-back", by=by, incident=number)


@dataclass(frozen=True, slots=True)
class Found:
    """What a workspace looks like afterwards; every count of trouble is to be 0."""

    incidents: int
    calls: dict[str, int]
    violations: int
    over_rate: int
    hasty: int
    turned_away: int
    twice: int
    """Messages of ours with a key that another message has."""
    without_room: int
    out_of_order: int
    """Rooms in which something was told before what happened earlier."""
    room_errors: int
    last_page_s: float
    """When the last page was posted, from the beginning."""
    pages_after_first_room: int
    """People who were told of the storm only after a room was made."""

    @property
    def trouble(self) -> dict[str, int]:
        """What should not be there."""
        found = {
            "violations": self.violations,
            "over rate": self.over_rate,
            "hasty": self.hasty,
            "twice": self.twice,
            "without a room": self.without_room,
            "out of order": self.out_of_order,
            "refused of rooms": self.room_errors,
        }
        return {name: count for name, count in found.items() if count}


def look(story: SlackStory) -> Found:
    """See what came of it."""
    ws = story.workspace
    newest = story.newest() or 0
    with story.context.store.read() as tx:
        found = rooms.of(tx, range(1, newest + 1))
    pages = [
        message
        for one in ws.channels.values()
        for message in one.messages.values()
        if message.metadata and message.metadata["event_payload"]["key"].startswith("page:")
    ]
    made = [one.created for one in ws.channels.values() if one.name.startswith("inc-")]
    first_room = min(made, default=None)
    return Found(
        incidents=newest,
        calls=dict(Counter(method for method, _ in ws.calls).most_common()),
        violations=len(ws.violations),
        over_rate=len(ws.limited),
        hasty=len(ws.hasty),
        turned_away=len(ws.turned_away),
        twice=_twice([message for one in ws.channels.values() for message in one.messages.values()]),
        without_room=sum(1 for room in found.values() if _wants(story, room) and not room.shown.card_ts),
        out_of_order=sum(1 for one in ws.channels.values() if one.name.startswith("inc-") and _mixed(one)),
        room_errors=sum(1 for room in found.values() if room.error),
        last_page_s=max((float(page.ts) for page in pages), default=0.0) - story.start.timestamp(),
        pages_after_first_room=0
        if first_room is None
        else sum(1 for one in ws.channels.values() if one.direct and _first(one) > first_room + 1),
    )


def told(messages: Sequence[Message], *words: str) -> list[int]:
    """The places at which these words stand among messages, in this order of words; -1 where they stand nowhere."""
    texts = [SlackStory.read(message) for message in messages]
    return [next((place for place, text in enumerate(texts) if word in text), -1) for word in words]


def _first(channel: Any) -> float:
    return min((float(message.ts) for message in channel.messages.values()), default=0.0)


def _twice(messages: Sequence[Message]) -> int:
    keys = Counter(
        f"{message.channel} {message.metadata['event_payload']['key']}"
        for message in messages
        if message.metadata
    )
    return sum(count - 1 for count in keys.values())


def _wants(story: SlackStory, room: Any) -> bool:
    return bool(story.incident(room.incident_id).escalation != "merged") and room.shown.channel is not None


def _mixed(channel: Any) -> bool:
    """Say whether the room was told of events in another order than theirs."""
    places = [
        int(message.metadata["event_payload"]["key"].split(":")[2])
        for message in channel.live()
        if message.metadata and message.metadata["event_payload"]["key"].startswith("tell:")
        and message.metadata["event_payload"]["key"].endswith(":aloud")
    ]  # fmt: skip
    return any(before > after for before, after in pairwise(places))
