"""Reminds people of what an incident owes: the record, the messages and the next timer in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from incident_bot.core.effects import Moment
from incident_bot.core.incident import Reminder, remind, urgency_of
from incident_bot.core.model import Incident, Json, JsonObject, Kind, rfc3339
from incident_bot.core.timeline import redact
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.oncall.notices import Notices, name_of
from incident_bot.flow.promises import around
from incident_bot.store import incidents
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import Tx


def fire(context: Context, tx: Tx, timer: Timer, *, now: datetime) -> None:
    """Say everything that is due of one incident, asked now: a timer that is out of date says nothing.

    The epoch does not count: a promise is about the work, not about paging.
    """
    incident = incidents.get(tx, timer.incident_id or 0, lock=True)
    if incident is None:
        return
    ledger = Ledger(context, tx, now=now)
    decision, due = remind(incident, around(ledger.current, incident), now=now)
    ledger.take(decision)
    notices = Notices(context, tx, current=ledger.current, now=now)
    urgency = urgency_of(incident)
    for one in due:
        data = _data(ledger, incident, one)
        key = f"reminder:{incident.id}:{incident.seq}:{one.subject}"
        for message in notices.to_person(one.person or "", Moment.REMINDER, key, data, urgency=urgency):
            ledger.tell(replace(message, incident_id=incident.id))
    for event in decision.events:
        context.metrics.reminders.labels(kind=event.kind.value).inc()
    ledger.flush()


def _data(ledger: Ledger, incident: Incident, one: Reminder) -> JsonObject:
    """Give what the message says, as it was when it fell due."""
    if one.item is not None:
        item = one.item
        return {
            "about": item.kind.value,
            "number": item.number,
            "text": item.text,
            "due": rfc3339(item.due) if item.due else None,
            "late": item.due is not None and item.due < ledger.now,
        }
    if one.silences:
        what: list[Json] = [redact(silence.what) for silence in one.silences]
        return {"about": "silence", "due": rfc3339(one.silences[0].ends_at), "what": what}
    if one.subject.startswith("postmortem:"):
        review = incident.review
        due = review.due if review else None
        return {"about": "postmortem", "due": rfc3339(due) if due else None, "text": one.reason}
    if one.kind is Kind.NAGGED:
        return {"about": one.subject}
    reminders, promised = incident.reminders, incident.next_update_at
    missed = reminders.told.get("missed")
    return {
        "about": one.subject,
        "due": rfc3339(promised) if promised else None,
        "by": name_of(ledger.current, reminders.promised_by) if reminders.promised_by else None,
        "promised_at": rfc3339(reminders.promised_at) if reminders.promised_at else None,
        "told": [name_of(ledger.current, person) for person in (missed.people if missed else ())],
    }
