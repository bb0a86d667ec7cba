"""The incidents of one message, answered together (S7): whoever acknowledges it takes what still waits of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.model import Incident, Paging
from incident_bot.flow import commands
from incident_bot.flow.context import Context
from incident_bot.store import incidents, outbox
from incident_bot.store.outbox import OutboxRow
from incident_bot.store.transaction import Tx

NAMED_MOST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of acknowledging several incidents, each by itself: one that is refused does not hold up the others."""

    names: tuple[str, ...]
    refused: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """Say it in one or two sentences."""
        done = (
            f"Acknowledged: {listed(self.names)}." if self.names else "There was nothing left to acknowledge."
        )
        return f"{done} Not: {listed(self.refused)}." if self.refused else done


def incidents_in(tx: Tx, row: OutboxRow) -> list[Incident]:
    """Give the incidents of the message in which a page stood, the worst first."""
    numbers = dict.fromkeys(one.incident_id for one in outbox.together(tx, row) if one.incident_id)
    return [found for number in numbers if (found := incidents.get(tx, number)) is not None]


def incidents_of(context: Context, number: int) -> list[Incident]:
    """Give the same by the number of a page; none where there is no such page."""
    with context.store.read() as tx:
        row = outbox.row(tx, number) if 0 < number < 2**63 else None
        return incidents_in(tx, row) if row else []


def waiting(found: Sequence[Incident]) -> list[Incident]:
    """Give those that nobody has yet."""
    return [one for one in found if one.paging is Paging.TRIGGERED]


def take(
    context: Context,
    wanted: Sequence[Incident],
    person: str,
    *,
    source: str,
    key: str | None = None,
    now: datetime,
) -> Taken:
    """Acknowledge them as this person; with a `key` the same request again changes nothing."""
    names: list[str] = []
    refused: list[str] = []
    for incident in wanted:
        own = f"{key[:80]}:{incident.id}" if key else None
        try:
            commands.handle(
                context, "ack", incident=incident.id, actor=person, source=source, key=own, now=now
            )
        except Refused:  # somebody was faster, or it is over
            refused.append(incident.name)
        else:
            names.append(incident.name)
    return Taken(names=tuple(names), refused=tuple(refused))


def listed(names: Sequence[str]) -> str:
    """Write names for people: the first five, and how many more there are."""
    more = len(names) - NAMED_MOST
    return f"{', '.join(names[:NAMED_MOST])}{f' and {more} more' if more > 0 else ''}"
