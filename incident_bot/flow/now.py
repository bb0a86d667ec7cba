"""What the front page shows: what is open, pages on their way, whose turn it is, promises, what to worry about.

Asks the same `Roster` as paging. Reads only; a private incident is there for those alone who see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from incident_bot.flow import health as health_checks
from incident_bot.flow import queries, roster
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.flow.views import HealthView, IncidentView, OnCallView
from incident_bot.store import alerts, outbox
from incident_bot.store.transaction import Tx

OPEN_SHOWN: Final = 50
FLIGHT_SHOWN: Final = 30
AHEAD: Final = timedelta(days=8)
"""How far the next hand-off is looked for: a week's rotation has one."""

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "database": "Deliveries are answered 503 and come again. Free disk space or start the server.",
        "configuration": "Run `incident-bot check`, mend the line that it names, and reload.",
        "clock": "Have the machine's clock set by a time server.",
        "timers": "Something holds the worker up: look at the log, the load of the database and the disk.",
        "outbox": "Something holds the worker up: look at the log, the load of the database and the disk.",
        "parked": "They are not tried again: the log says why; look at the incidents named there.",
        "deferred": "They are decided by themselves; if the number grows, the log says what is wrong.",
        "paging": "Set its routing key in the environment, and restart.",
        "heartbeat": "Alertmanager, or the way from it to here, is down: look at that first, as no alert can come.",
        "channel": "Each person's next channel is used meanwhile. Look at the provider and its credentials.",
        "prometheus": "Pages do not need it; graphs of incidents are missing. Look at its prometheus_url and token.",
        "slack": "Pages go on by the other channels. Compare the token's scopes with `incident-bot slack manifest`.",
    }
)
"""What to do about a check that is not well, by the first word of its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One page that is on its way, or due."""

    incident: str
    person: str
    name: str
    channel: str
    due_at: datetime
    sending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One schedule: who answers, until when, and who is next."""

    schedule: str
    answering: tuple[OnCallView, ...]
    until: datetime | None
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Everything that the front page shows."""

    incidents: tuple[IncidentView, ...]
    more: bool
    """Whether more are open than are shown."""
    flights: tuple[Flight, ...]
    duties: tuple[Duty, ...]
    mine: tuple[Duty, ...]
    """Those on which the reader answers now."""
    promised: tuple[IncidentView, ...]
    """Open incidents with an update promised, the most urgent promise first."""
    health: HealthView
    unconfirmed: int
    """Alerts that fire here and of which their source has not spoken lately."""
    pulse: int
    """The newest event that is in this answer."""


def front(context: Context, viewer: str, *, now: datetime) -> Front:
    """Read the front page as `viewer` sees it."""
    pulse = queries.newest_event(context)
    found = queries.incidents(context, state="open", limit=OPEN_SHOWN + 1)
    shown = found[:OPEN_SHOWN]
    ranks = {rung.name: rung.rank for rung in context.live.current.revision.ladder.rungs}
    urgent = sorted(
        shown, key=lambda one: (one.escalation != "triggered", ranks.get(one.severity, 99), -one.number)
    )
    with context.store.read() as tx:
        flights = _flights(context, tx, [one.number for one in shown])
        duties = _duties(context, tx, now)
        unconfirmed = alerts.count_unconfirmed(tx)
    return Front(
        incidents=tuple(urgent),
        more=len(found) > OPEN_SHOWN,
        flights=flights,
        duties=duties,
        mine=tuple(duty for duty in duties if any(one.person == viewer for one in duty.answering)),
        promised=tuple(
            sorted((one for one in shown if one.next_update_at), key=lambda one: one.next_update_at or now)
        ),
        health=health_checks.health(context, now=now),
        unconfirmed=unconfirmed,
        pulse=pulse,
    )


def advice(check: str) -> str:
    """Say what to do about a check that is not well; nothing where its detail says all."""
    return ADVICE.get(check.casefold().split(" ", 1)[0], "")


def _flights(context: Context, tx: Tx, numbers: Sequence[int]) -> tuple[Flight, ...]:
    people = context.live.current.revision.people
    return tuple(
        Flight(
            incident=f"INC-{row.incident_id}",
            person=row.person or "",
            name=known.name if (known := people.get(row.person or "")) else row.person or "",
            channel=row.via,
            due_at=row.due_at,
            sending=row.state.value == "sending",
        )
        for row in outbox.in_flight(tx, numbers, limit=FLIGHT_SHOWN)
    )


def _duties(context: Context, tx: Tx, now: datetime) -> tuple[Duty, ...]:
    answering = roster.on_call(context, at=now)
    asked = Roster(context.records, context.live.current, tx)
    found = []
    for name in sorted(context.live.current.revision.schedules):
        mine = tuple(one for one in answering if one.schedule == name)
        until = min((one.until for one in mine if one.until), default=None)
        after: tuple[str, ...] = ()
        if until is not None and until < now + AHEAD:
            ahead = asked.shifts(name, until, until + timedelta(hours=1))
            after = ahead[0].people if ahead and ahead[0].start <= until else ()
        found.append(Duty(schedule=name, answering=mine, until=until, after=after))
    return tuple(found)
