"""How often a message was really tried: what died with its process says nothing of the provider (S4, S5)."""

from __future__ import annotations

from datetime import datetime

from incident_bot.flow.context import Context
from incident_bot.store import outbox
from incident_bot.store.outbox import OutboxRow


def heard(context: Context, row: OutboxRow, *, now: datetime) -> int:
    """Count a row's attempts, at least one; once its time is over, only those whose end somebody saw."""
    if row.attempts == 1 or now < row.give_up_at:
        return row.attempts
    with context.store.read() as tx:
        return row.attempts - outbox.attempts_lost(tx, row.id)
