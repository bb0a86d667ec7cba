"""The bot speaks about itself: one notice to the channel for it, or to people where that channel does not work."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from incident_bot.core.effects import Moment
from incident_bot.core.model import Urgency
from incident_bot.flow.context import Context
from incident_bot.flow.directory import Directories
from incident_bot.flow.history import Roster
from incident_bot.store import circuits, outbox
from incident_bot.store.outbox import NewMessage
from incident_bot.store.transaction import Tx


def tell(
    context: Context,
    tx: Tx,
    text: str,
    *,
    key: str,
    now: datetime,
    avoid: Collection[str] | None = None,
) -> None:
    """Have one notice sent, once for each key, through a channel that works.

    Where the channel for messages is one of `avoid` (what is known to be down, unless given), the people of the last
    resort are told by the first of their own channels that is not; with none, it waits.
    """
    if avoid is None:
        avoid = {name for name, one in circuits.circuits(tx).items() if one.is_open}
    announce = context.live.current.revision.announce
    wanting = [rule.channel for rule in announce if Moment.META in rule.on]
    channel = next(iter([*wanting, *(rule.channel for rule in announce)]), "incident-bot")
    ways = _people(context, tx, avoid, now=now) if context.default_channel in avoid else []
    messages = [
        NewMessage(
            key=f"meta:{key}:{recipient}",
            coalesce=f"meta:{key}:{recipient}",
            via=via,
            recipient=recipient,
            person=person,
            moment=Moment.META,
            data={"text": text},
            due_at=now,
            rank=0,
        )
        for via, recipient, person in ways or [(context.default_channel, channel, None)]
    ]
    outbox.add_messages(tx, messages, now=now)


def _people(
    context: Context, tx: Tx, avoid: Collection[str], *, now: datetime
) -> list[tuple[str, str, str | None]]:
    """Give whom of the last resort which channel reaches: (channel, recipient, person)."""
    current = context.live.current
    directory = Directories(
        current.revision,
        roster=Roster(context.records, current, tx),
        notifiers=context.notifiers,
        default_channel=context.default_channel,
    ).of(current.revision.routing.default.team)
    reached = [
        one for target in current.revision.matrix.last_resort for one in directory.reach(target, now=now)
    ]
    ways: dict[str, str] = {}
    for one in reached:
        for rule in directory.rules(one.person, Urgency.HIGH):
            if rule.by not in avoid and one.person in current.revision.people:
                ways.setdefault(one.person, rule.by)
    return [(via, person, person) for person, via in ways.items()]
