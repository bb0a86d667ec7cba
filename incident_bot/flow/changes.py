"""Tells PagerDuty's services that another configuration is in force, as change events beside their incidents.

One word for each activation and service, whichever replica says it: the key of its row is the activation's number.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.model import TargetKind, paging_service, rfc3339
from incident_bot.core.model.people import PAGERDUTY_PREFIX
from incident_bot.flow.channel_facts import DEFAULT_SERVICE, PAGERDUTY
from incident_bot.flow.context import Context
from incident_bot.notifiers.base import Message
from incident_bot.store import interventions, outbox
from incident_bot.store.outbox import NewMessage, OutboxRow

TOLD_WITHIN: Final = timedelta(hours=1)
"""An activation older than this is no news, whatever became of its rows."""
FILES_TOLD: Final = 20
LAST: Final = 9
"""Behind every severity: no page waits for it."""


def tell(context: Context, *, now: datetime) -> int:
    """Have the services told of the configuration in force, once; gives how many words were new."""
    if not context.live.current.revision.change_events or context.sealed:
        return 0
    services = _services(context)
    with context.store.write() as tx:
        known = interventions.activations(tx)
        if not services or not known or now - known[-1].activated_at > TOLD_WITHIN:
            return 0
        newest = known[-1]
        before = interventions.documents_of(tx, known[-2].number) if known[1:] else {}
        after = interventions.documents_of(tx, newest.number)
        changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        rows = [
            NewMessage(
                key=f"change:{newest.number}:{service}",
                via=PAGERDUTY,
                recipient=service,
                moment=Moment.CHANGE,
                data={
                    "revision": newest.id,
                    "at": rfc3339(newest.activated_at),
                    "files": changed[:FILES_TOLD],
                    "count": len(changed),
                    "url": context.settings.public_url,
                },
                due_at=now,
                rank=LAST,
            )
            for service in services
        ]
        return len(outbox.add_messages(tx, rows, now=now))


def message(row: OutboxRow) -> Message:
    """Give the message of a row that `tell` made."""
    files = row.data.get("files")
    named = ", ".join(str(one) for one in files) if isinstance(files, list | tuple) else ""
    count = row.data.get("count")
    word = "file" if count == 1 else "files"
    said = f"incident-bot applied configuration {row.data.get('revision')}: {count} {word} changed"
    return Message(
        key=row.key,
        kind=Moment.CHANGE.value,
        recipient=row.recipient or "",
        person=None,
        subject=said,
        text=f"{said}: {named}" if named else said,
        url=str(row.data.get("url") or "") or None,
        facts={"revision": row.data.get("revision"), "at": row.data.get("at"), "files": files},
        attempt=row.attempts,
    )


def _services(context: Context) -> list[str]:
    """Give every service that the escalation names, and the one behind the key `default`, as far as they are set up."""
    revision = context.live.current.revision
    matrix = revision.matrix
    rows = [*matrix.rows.values(), *(row for team in matrix.team_rows.values() for row in team.values())]
    named = [
        *matrix.fallback,
        *matrix.last_resort,
        *(target for row in rows for step in row for target in step.targets),
    ]
    wanted = {f"{PAGERDUTY_PREFIX}{DEFAULT_SERVICE}"}
    wanted |= {
        str(one)
        for one in named
        if one.kind is TargetKind.PAGERDUTY and one.name not in revision.pagerduty_schedules
    }
    way = context.notifiers.get(PAGERDUTY)
    services = {name: paging_service(name) for name in sorted(wanted)}
    return [name for name, service in services.items() if way and service and way.reaches(service)]
