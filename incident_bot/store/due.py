"""When something is due next, of everything that waits: one question where a replay would ask two for each step."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa

from incident_bot.store.tables import outbox, timer
from incident_bot.store.tables.states import TimerState
from incident_bot.store.transaction import Tx


class Due(NamedTuple):
    """The next instants at which something falls due; None where nothing waits."""

    timer: datetime | None
    row: datetime | None
    """A page or message, an expired lease included."""


_NEXT: Final = sa.select(
    sa.select(sa.func.min(timer.c.due_at))
    .where(timer.c.state == TimerState.PENDING.value)
    .scalar_subquery()
    .label("timer"),
    sa.select(sa.func.min(outbox.c.ready_at))
    .where(outbox.c.ready_at.is_not(None))
    .scalar_subquery()
    .label("row"),
)


def next_due(tx: Tx) -> Due:
    """Give when the next timer and the next row of the outbox are due."""
    return Due(*tx.connection.execute(_NEXT).one())
