"""When whom was paged, for what: narrow reads that stay quick however much there was (they decide nothing)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from incident_bot.core.effects import PageKind
from incident_bot.store.bulk import among
from incident_bot.store.tables import incident, outbox
from incident_bot.store.transaction import Tx

# Written out: a database uses a partial index only where it can read the index's condition in the query.
_LATER: Final = timedelta(days=1)
"""The messages of one page go out within this time: personal delays and tries are minutes."""
_PAGED: Final = sa.text("outbox.page_kind IS NOT NULL AND outbox.sent_at IS NOT NULL")
NO_PAGES: Final = (PageKind.NOTE.value, PageKind.ASK.value)
"""That it is taken, and whether they still have it: told to a person, and no step that reaches out to anybody."""


class Paged(NamedTuple):
    """One page of one step to one person, however many channels told of it."""

    person: str
    incident: int
    at: datetime
    """When the first of its messages went out."""


def pages_between(
    tx: Tx, start: datetime, end: datetime, *, incidents: Collection[int] | None = None
) -> list[Paged]:
    """Give every page whose first message went out in `[start, end)`, the first one first; drills are none.

    With `incidents`, only those for them.
    """
    step = (
        outbox.c.incident_id,
        outbox.c.person,
        outbox.c.epoch,
        outbox.c.loop,
        outbox.c.step,
        outbox.c.page_kind,
    )
    first = sa.func.min(outbox.c.sent_at, type_=outbox.c.sent_at.type)
    query = (
        sa.select(outbox.c.person, outbox.c.incident_id, first)
        .join(incident, incident.c.id == outbox.c.incident_id)
        .where(
            _PAGED, outbox.c.sent_at >= start - _LATER, outbox.c.sent_at < end, outbox.c.person.is_not(None)
        )
        .where(outbox.c.page_kind.not_in(NO_PAGES), sa.not_(incident.c.drill))
        .group_by(*step)
        .having(first >= start)
        .order_by(first, outbox.c.incident_id)
    )
    if incidents is not None:
        query = query.where(among(tx, outbox.c.incident_id, incidents))
    return [Paged(*row) for row in tx.connection.execute(query)]
