"""Keeps away from providers that do not work: rows for them wait, and people are told by their next channel (S5).

The circuit never gives a page up: it brings the next channel forward, and lets the page be tried when the provider is
looked at again and at its last instant. What is known stands in the database, for every replica and after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import structlog

from incident_bot.core.circuit import Answer, Circuit, after
from incident_bot.core.model.people import PAGERDUTY_PREFIX
from incident_bot.core.postmortem import clock, duration
from incident_bot.flow import notices
from incident_bot.flow.context import Context
from incident_bot.store import circuits, outbox
from incident_bot.store.outbox import Again, OutboxRow, RowKind
from incident_bot.store.transaction import Tx

TOGETHER: Final = timedelta(seconds=10)
"""Over so long the rows that waited for a provider come back to it."""

log = structlog.get_logger(__name__)

Heard: TypeAlias = tuple[OutboxRow, Answer | None, str]
"""A row that was tried, what its provider's answer says of the way out, and the reason in words."""


def name_of(row: OutboxRow) -> str:
    """Give the way out that a row takes: its channel, or the one service of PagerDuty's, whose key is its own."""
    for name in (row.person, row.recipient):
        if name is not None and name.startswith(PAGERDUTY_PREFIX):
            return name
    return row.via


def held(context: Context, tx: Tx, rows: Iterable[OutboxRow], *, now: datetime) -> dict[int, Again]:
    """Give those of the rows that are not to be tried now, by their ids, with when they come again.

    One row at a time tries a way out again, the one least tried before. A page of somebody whom nothing else reaches
    need not wait for that: its own first try is one.
    """
    known = circuits.circuits(tx)
    found: dict[int, Again] = {}
    for row in sorted(rows, key=lambda row: row.attempts):
        name = name_of(row)
        circuit = known.get(name, Circuit())
        # What is about to be given up is tried whatever we think of the provider: we may be wrong.
        if circuit.retry_at is None or now >= row.give_up_at:
            continue
        if (not circuit.rests(now) or _alone(tx, row)) and context.probes.take(name, now=now):
            continue
        again = max(circuit.retry_at, now) + TOGETHER * context.chance()
        found[row.id] = Again(min(again, row.give_up_at), f"not tried: {said(name, circuit)}")
    return found


def _alone(tx: Tx, row: OutboxRow) -> bool:
    return row.kind is RowKind.PAGE and row.attempts == 1 and outbox.following(tx, row) is None


def note(context: Context, tx: Tx, heard: Sequence[Heard], *, now: datetime) -> dict[str, Circuit]:
    """Learn from what was tried, tell people once when a way out fails and when it works again; gives the open ones."""
    for row, answer, _ in heard:
        if answer is not None:
            context.probes.end(name_of(row))
    known = circuits.circuits(tx)
    bad = {
        name_of(row)
        for row, answer, _ in heard
        if answer not in (None, Answer.WORKED) or (answer and known.get(name_of(row), Circuit()) != Circuit())
    }
    before = circuits.locked(tx, bad)
    changed = dict(before)
    for row, answer, reason in heard:
        name = name_of(row)
        if answer is not None and name in changed:
            changed[name] = after(changed[name], answer, reason=reason, chance=context.chance(), now=now)
    circuits.save(tx, {name: one for name, one in changed.items() if one != before[name]})
    known.update(changed)
    down = {name: one for name, one in known.items() if one.is_open}
    for name, one in sorted(changed.items()):
        if one.is_open != before[name].is_open:
            _tell(context, tx, name, before[name], one, down, now=now)
    return down


def said(name: str, circuit: Circuit) -> str:
    """Say that a way out is down, since when, and why."""
    return f"{name} is down since {clock(circuit.opened_at)} ({circuit.reason})" if circuit.opened_at else ""


def _tell(
    context: Context,
    tx: Tx,
    name: str,
    before: Circuit,
    circuit: Circuit,
    down: dict[str, Circuit],
    *,
    now: datetime,
) -> None:
    since = circuit.opened_at or before.opened_at or now
    if circuit.is_open:
        log.error("a way out does not work", channel=name, error=circuit.reason)
        text = (
            f"{said(name, circuit)}. People are told by their next channel meanwhile; it is tried again by itself. "
            "`/health` says how it stands."
        )
    else:
        log.info("a way out works again", channel=name)
        text = f"{name} works again, after {duration(now - since)}."
    word = "down" if circuit.is_open else "up"
    notices.tell(
        context, tx, text, key=f"circuit:{name}:{since.isoformat()}:{word}", avoid=down.keys(), now=now
    )
