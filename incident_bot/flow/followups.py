"""Tells a paging service what became of an incident that it pages for: somebody has it, or it is over.

What is owed follows from the incident's state and the pages that went out, so it can be worked out again at any time:
each word is a row of the outbox with a key of its own, and a second one is not stored. A service that was not reached
ignores a word about an alert that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from incident_bot.core.effects import AlertKey, Moment
from incident_bot.core.model import Event, Incident, Kind, Paging
from incident_bot.core.model.people import PAGERDUTY_PREFIX
from incident_bot.flow.channel_facts import PAGERDUTY, alert_key
from incident_bot.flow.context import Context
from incident_bot.notifiers.base import Message
from incident_bot.store import outbox
from incident_bot.store.outbox import NewMessage, OutboxRow, RowState
from incident_bot.store.transaction import Tx

ACKNOWLEDGE: Final = "acknowledge"
RESOLVE: Final = "resolve"
_TELLING: Final = frozenset({
    Kind.ACKNOWLEDGED, Kind.UNACKNOWLEDGED, Kind.SNOOZED, Kind.WOKEN, Kind.ESCALATED, Kind.REPAGED, Kind.RESOLVED,
    Kind.REOPENED, Kind.CANCELLED, Kind.RESUMED, Kind.ACK_EXPIRED, Kind.MERGED,
})  # fmt: skip
_SETTLED: Final = frozenset({Kind.PAGE_SENT, Kind.PAGE_FAILED})


def owed(
    context: Context, tx: Tx, incident: Incident, events: Iterable[Event], *, now: datetime
) -> list[NewMessage]:
    """Give what its paging services have to be told after these events; some may have been told before."""
    if PAGERDUTY not in context.notifiers or not any(_telling(event) for event in events):
        return []
    return owed_for(incident, outbox.pages_by(tx, incident.id, PAGERDUTY), now=now)


def owed_for(incident: Incident, rows: Sequence[OutboxRow], *, now: datetime) -> list[NewMessage]:
    """Give the same from the incident's pages; decides, reads nothing."""
    found: dict[str, NewMessage] = {}
    for row in rows:
        if row.via != PAGERDUTY or not row.attempts:
            continue
        action = _action(incident, row.epoch or 0)
        if action is None:
            continue
        alert = alert_key(incident, epoch=row.epoch or 0, person=row.person)
        # A call under way may end after ours and open the alert anew: whoever records it tells again, and should its
        # sender die, this one is late enough.
        late = row.state is RowState.SENDING
        message = told(
            incident.id, alert, action, due_at=max(row.lease_until or now, now) if late else now, late=late
        )
        found.setdefault(message.key, message)
    return list(found.values())


def told(
    incident_id: int, alert: AlertKey, action: str, *, due_at: datetime, late: bool = False
) -> NewMessage:
    """Make the one word of this action about this alert."""
    return NewMessage(
        key=f"pager:{alert}:{action}{':late' if late else ''}",
        incident_id=incident_id,
        via=PAGERDUTY,
        recipient=f"{PAGERDUTY_PREFIX}{alert.service}",
        moment=Moment.PAGER,
        data={"action": action, "alert_key": str(alert), "incident": alert.incident},
        due_at=due_at,
        rank=0,
    )


def heard(tx: Tx, incident_id: int, alert: AlertKey, action: str, *, now: datetime) -> None:
    """Note that the service said so itself: it is not told what it told us."""
    message = told(incident_id, alert, action, due_at=now)
    if outbox.add_messages(tx, [message], now=now):
        outbox.cancel_messages(tx, message.key, reason="the service said so itself")


def message(row: OutboxRow) -> Message:
    """Give the message of a row that `owed` made."""
    action = str(row.data.get("action", RESOLVE))
    word = "acknowledged" if action == ACKNOWLEDGE else "resolved"
    said = f"{row.data.get('incident')} is {word} here."
    return Message(
        key=row.key,
        kind=action,
        recipient=row.recipient or "",
        person=None,
        subject=said,
        text=said,
        facts={"alert_key": row.data.get("alert_key"), "incident": row.data.get("incident")},
        attempt=row.attempts,
    )


def _telling(event: Event) -> bool:
    return event.kind in _TELLING or (event.kind in _SETTLED and event.data.get("via") == PAGERDUTY)


def _action(incident: Incident, epoch: int) -> str | None:
    # Paging that began again is a new alert there: what stands for an earlier epoch would ring on, or be kept quiet.
    if not incident.paging.is_open or epoch < incident.epoch:
        return RESOLVE
    return ACKNOWLEDGE if incident.paging in (Paging.ACKNOWLEDGED, Paging.SNOOZED) else None
