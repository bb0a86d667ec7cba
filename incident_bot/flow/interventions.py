"""Maintenance windows: planned times in which what matches opens incidents but pages nobody. Data, audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import TimerKind
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.matchers import parse_matcher
from incident_bot.core.model import JsonObject, Paging, rfc3339
from incident_bot.flow.commands import publishing
from incident_bot.flow.commands.publishing import PublicWords
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.triage import Triage
from incident_bot.store import incidents, interventions, timers
from incident_bot.store.interventions import Maintenance
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import Tx

LONGEST: Final = timedelta(days=31)


def add_maintenance(
    context: Context,
    *,
    matchers: Sequence[str],
    start: datetime,
    end: datetime,
    reason: str,
    actor: str,
    public: PublicWords | None = None,
    now: datetime,
) -> JsonObject:
    """Plan a window; raises Refused for one without matchers or reason, in the past, or longer than a month.

    With `public` the status page tells of it; words that the public must not read refuse it whole.
    """
    if not matchers or not reason.strip():
        message = "A maintenance window needs at least one matcher and a reason."
        raise Refused(message)
    try:
        parsed = [str(parse_matcher(text)) for text in matchers]
    except ValueError as error:
        raise Refused(str(error)) from error
    if end <= start or end <= now:
        message = "A maintenance window ends after it starts, and in the future."
        raise Refused(message)
    if end - start > LONGEST:
        message = f"A maintenance window lasts at most {LONGEST.days} days."
        raise Refused(message)
    window = Maintenance(
        matchers=tuple(parsed), start=start, end=end, reason=" ".join(reason.split()), created_by=actor
    )
    with context.store.write() as tx:
        if public is not None:
            window = replace(window, public=publishing.maintenance(Ledger(context, tx, now=now), public))
        saved = interventions.add_maintenance(tx, window, now=now)
        interventions.record(tx, actor, "maintenance.added", _shown(saved), after=_shown(saved), now=now)
        if saved.start <= now:
            reconsider_all(context, tx, now=now)
        else:
            timers.set_timers(tx, [_begins(saved)], now=now)
    context.signals.changed()
    return _shown(saved)


def maintenance(context: Context, *, now: datetime) -> list[JsonObject]:
    """List the windows that are in force or to come."""
    with context.store.read() as tx:
        return [_shown(window) for window in interventions.maintenance(tx, now=now)]


def end_maintenance(context: Context, number: int, *, actor: str, now: datetime) -> JsonObject:
    """End a window now: what it alone held back is paged for. Raises NotFound."""
    with context.store.write() as tx:
        before = next((one for one in interventions.maintenance(tx, now=now) if one.id == number), None)
        window = interventions.end_maintenance(tx, number, by=actor, now=now)
        if window is None:
            message = f"There is no maintenance window {number} in force or to come."
            raise NotFound(message)
        was = _shown(before) if before else None
        data: JsonObject = {"id": number}
        interventions.record(tx, actor, "maintenance.ended", data, before=was, after=_shown(window), now=now)
        reconsider_all(context, tx, now=now)
    context.signals.changed()
    return _shown(window)


def reconsider_all(context: Context, tx: Tx, *, now: datetime) -> None:
    """Look at every incident that pages: what a window begins to cover is held back, what it leaves goes on."""
    ledger = Ledger(context, tx, now=now)
    triage = Triage(ledger)
    triage.reconsider(incidents.numbers_of(tx, Paging.TRIGGERED))
    ledger.flush()


def _begins(window: Maintenance) -> Timer:
    return Timer(
        id=0,
        kind=TimerKind.MAINTENANCE,
        key=f"maintenance:{window.id}",
        incident_id=None,
        subject=window.id,
        epoch=None,
        due_at=window.start,
        data={},
        attempts=0,
    )


def _shown(window: Maintenance) -> JsonObject:
    return {
        "id": window.id,
        "matchers": list(window.matchers),
        "start": rfc3339(window.start),
        "end": rfc3339(window.end),
        "reason": window.reason,
        "public": window.public,
        "created_by": window.created_by,
    }
