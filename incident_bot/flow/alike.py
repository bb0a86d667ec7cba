"""Which open incidents may be the one that somebody is about to declare, for whoever asks. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.timeline import redact
from incident_bot.flow.context import Context
from incident_bot.flow.sight import seen
from incident_bot.flow.slack.likely import likely
from incident_bot.store import incidents, interventions

LOOKED_AT: Final = 200
SHOWN_MOST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """One open incident that may be the same trouble."""

    id: str
    title: str
    severity: str
    opened_at: datetime
    why: str


def alike(context: Context, *, title: str, service: str | None, actor: str, key: str | None) -> list[Alike]:
    """Give the open incidents that the reader sees and that speak of the same, the newest first, eight at most.

    Empty where the actor has declared with this key already: a second click is answered as the first was.
    """
    with context.store.read() as tx:
        if key and interventions.recall(tx, key, actor) is not None:
            return []
        open_now = seen(tx, context.seer, incidents.list_incidents(tx, state="open", limit=LOOKED_AT))
    found = likely(open_now, title=title, service=service)
    return [
        Alike(
            id=one.name,
            title=redact(one.title),
            severity=one.severity,
            opened_at=one.opened_at,
            why=why,
        )
        for one, why in found[:SHOWN_MOST]
    ]
