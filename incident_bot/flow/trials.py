"""Test messages: sent to whoever asks for them, through the outbox like any other, and what came of each.

They wake nobody else, open no incident, and a second press within the same minute sends nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import Person
from incident_bot.flow.context import Context
from incident_bot.store import interventions, outbox
from incident_bot.store.interventions import Sought
from incident_bot.store.outbox import NewMessage

PATIENCE: Final = timedelta(minutes=5)
"""A test that has not gone out by then has failed."""
TESTED: Final = "message.tested"
TOLD_MOST: Final = 20
SHOWN: Final = timedelta(hours=1)
"""So long what came of a test is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """One test message."""

    channel: str
    at: datetime
    state: str
    """pending, sending, sent, failed or cancelled."""
    detail: str | None
    """What the provider said where it failed."""
    sent_at: datetime | None


def reaching(context: Context, person: Person) -> list[str]:
    """Give the channels that are set up and reach a person, by name."""
    return sorted(name for name, way in context.notifiers.items() if way.reaches(person))


def send(context: Context, person: str, channels: Iterable[str] | None = None, *, now: datetime) -> list[str]:
    """Send a person a test by these channels, or by each that reaches them; gives the channels.

    Raises NotFound for a channel that is not set up, and Refused where one, or every one, does not reach them.
    """
    found = context.live.current.revision.people.get(person)
    if found is None or not found.active:
        raise Refused("A test goes to a person of people.yaml: sign in as one, or say at /me who you are.")
    known = reaching(context, found)
    wanted = list(channels) if channels is not None else known
    for name in wanted:
        if name not in context.notifiers:
            raise NotFound(f"There is no channel {name[:64]!r} that is set up.")
        if name not in known:
            raise Refused(f"{name} does not reach you: your entry in people.yaml has no address for it.")
    if not wanted:
        raise Refused("No channel that is set up reaches you: your entry in people.yaml has no address.")
    messages = [
        NewMessage(
            key=f"trial:{person}:{name}:{now:%Y%m%dT%H%M}",
            via=name,
            recipient=person,
            person=person,
            moment=Moment.META,
            data={
                "text": f"Test for {found.name}: {name} works. Nothing is wrong, and nothing is to be done."
            },
            due_at=now,
            rank=0,
            give_up_at=now + PATIENCE,
        )
        for name in wanted
    ]
    with context.store.write() as tx:
        if outbox.add_messages(tx, messages, now=now):
            interventions.record(tx, person, TESTED, {"keys": [one.key for one in messages]}, now=now)
    context.signals.changed()
    context.store.notify()
    return wanted


def results(context: Context, person: str, *, now: datetime) -> list[TrialView]:
    """Give what came of a person's tests of the last hour, the newest first and each channel once."""
    with context.store.read() as tx:
        told = interventions.audit(
            tx, Sought(actor=person, action=TESTED, start=now - SHOWN), limit=TOLD_MOST
        )
        listed = [one.data.get("keys") for one in told]
        keys = [str(key) for one in listed if isinstance(one, list) for key in one]
        rows = outbox.of_keys(tx, keys) if keys else []
    newest = {row.via: row for row in rows}
    return [
        TrialView(
            channel=row.via, at=row.due_at, state=row.state.value, detail=row.error, sent_at=row.sent_at
        )
        for row in sorted(newest.values(), key=lambda row: row.via)
    ]
