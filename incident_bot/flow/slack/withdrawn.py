"""Takes back what channels were told of an incident that was made private: each message is edited to say nothing.

What waits is not sent at all. Mails and webhooks that went out cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.model import Incident
from incident_bot.flow.slack.announcements import PATIENCE, NotYet, is_announcement
from incident_bot.flow.slack.facts import SLACK
from incident_bot.notifiers.base import Message
from incident_bot.render.slack.blocks import message as blocks_of
from incident_bot.render.slack.blocks import section
from incident_bot.store import outbox
from incident_bot.store.outbox import NewMessage, OutboxRow, RowState
from incident_bot.store.transaction import Tx

NOTHING: Final = "This is private now."
PREFIX: Final = "withdraw"
_WHY: Final = "it was made private"
_ANNOUNCED: Final = (
    Moment.OPENED, Moment.UPDATE, Moment.RESOLVED, Moment.REOPENED, Moment.FLAPPING, Moment.POSTMORTEM, Moment.MISSED,
)  # fmt: skip


def owed(tx: Tx, incident: Incident, *, rank: int, now: datetime) -> list[NewMessage]:
    """Cancel what channels were to be told yet, and give the edits of what they were told."""
    outbox.cancel_announced(tx, incident.id, _ANNOUNCED, reason=_WHY)
    outbox.cancel_messages(tx, f"edit:head:{incident.id}:", reason=_WHY)
    rows = [row for row in outbox.messages_by(tx, incident.id, SLACK) if is_announcement(row)]
    return [
        NewMessage(
            key=f"{PREFIX}:{incident.id}:{row.id}:{incident.seq}",
            incident_id=incident.id,
            via=SLACK,
            recipient=row.recipient or "",
            moment=Moment.EDIT,
            data={PREFIX: row.id},
            due_at=now,
            rank=rank,
            give_up_at=now + PATIENCE,
        )
        for row in _standing(rows)
    ]


def keep(tx: Tx, incident: Incident) -> None:
    """Leave what still stands as it is: the incident is public again."""
    outbox.cancel_messages(tx, f"{PREFIX}:{incident.id}:", reason="it was made public")


def message(row: OutboxRow, told: OutboxRow | None) -> Message | None:
    """Give the edit of a message, which `told` is; None where there is none. Raises NotYet while it is on its way."""
    if told is None or told.state in (RowState.PENDING, RowState.SENDING):
        raise NotYet("what is to be taken back is on its way")
    if told.provider_id is None:
        return None
    return Message(
        key=row.key,
        kind=Moment.EDIT.value,
        recipient=row.recipient or "",
        person=None,
        subject="",
        text=NOTHING,
        facts={
            "edit": told.provider_id,
            "or_nothing": True,
            "text": NOTHING,
            "blocks": list(blocks_of([section(NOTHING)])),
        },
        attempt=row.attempts,
    )


def _standing(rows: Iterable[OutboxRow]) -> list[OutboxRow]:
    """Give one row for each message that stands, and those whose message is on its way."""
    posted = {row.provider_id: row for row in rows if row.provider_id and "/" in row.provider_id}
    sending = [row for row in rows if row.state is RowState.SENDING and row.provider_id is None]
    return [*posted.values(), *sending]
