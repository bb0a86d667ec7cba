"""What the model looks at: the rows, and what its observers saw from outside. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from incident_bot.core.effects import PageKind, TimerKind
from incident_bot.core.model import Episode, Event, Incident, JsonObject, Paging
from incident_bot.store import Store, alerts, incidents, outbox, timers
from incident_bot.store.outbox import Attempt, OutboxRow, RowState
from incident_bot.store.tables import lane as lane_table
from incident_bot.store.tables import timer as timer_table
from incident_bot.store.tables.base import Base
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import Tx

MANY = 100_000
MOVES = {"delivery_group": {"last_seen"}}
"""The one thing that a repeat may change (I4, P8)."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One logical page with its attempts."""

    row: OutboxRow
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a page, as its own transaction saw the incident just before it was committed."""

    page: int
    key: str
    attempt: int
    kind: PageKind
    epoch: int
    paging: Paging
    incident_epoch: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One page that was planned, with what was in force in that transaction."""

    page: int
    key: str
    kind: PageKind
    person: str
    step: int
    team: str
    policy: JsonObject
    configurations: frozenset[int]
    """The configurations that may have been in force: one, or two while replicas take over a new one."""
    lead: str | None
    responders: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a provider about a page."""

    key: str
    person: str
    via: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """One firing alert in a delivery that was answered with 200."""

    fingerprint: str
    starts_at: datetime


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything at one moment, and everything that was seen until then."""

    now: datetime
    incidents: Mapping[int, Incident]
    events: Mapping[int, tuple[Event, ...]]
    broken_chains: frozenset[int] = frozenset()
    pages: tuple[Page, ...] = ()
    timers: tuple[Timer, ...] = ()
    episodes: tuple[Episode, ...] = ()
    claims: tuple[Claim, ...] = ()
    plans: tuple[Plan, ...] = ()
    acted: Mapping[str, int] = field(default_factory=dict)
    """Page key to how often a provider took it."""
    excused: Mapping[str, int] = field(default_factory=dict)
    """Page key to how often a provider took it and nobody here could know: a death or a lost answer."""
    calls: tuple[Call, ...] = ()
    told: tuple[Told, ...] = ()
    firing_there: frozenset[str] | None = None
    """The fingerprints that fire at the source; None unless there was time and a way to compare."""
    lanes: Mapping[str, datetime] = field(default_factory=dict)
    """When each way out is used again whose provider asked to wait (S6)."""
    before: Facts | None = None
    """The facts at the last look."""

    def pages_of(self, incident_id: int) -> list[Page]:
        return [page for page in self.pages if page.row.incident_id == incident_id]

    def held(self, row: OutboxRow) -> bool:
        """Whether a page waits because its provider asked to."""
        opens_at = self.lanes.get(row.via)
        return row.state is RowState.PENDING and opens_at is not None and opens_at > self.now

    def timer(self, kind: TimerKind, incident_id: int) -> Timer | None:
        found = (one for one in self.timers if one.kind is kind and one.incident_id == incident_id)
        return next(found, None)


def rows(tx: Tx) -> dict[str, Any]:
    """Read what `Facts` is made of from the database."""
    known = {one.id: one for one in incidents.list_incidents(tx, limit=MANY)}
    numbers = sorted(known)
    broken = {number for number in numbers if incidents.verify_chain(tx, number) is not None}
    return {
        "incidents": known,
        "events": {number: tuple(incidents.events(tx, number)) for number in numbers},
        "broken_chains": frozenset(broken),
        "pages": tuple(
            Page(row=row, attempts=tuple(attempts))
            for number in numbers
            for row, attempts in outbox.pages_of(tx, number)
        ),
        "timers": tuple(timers._found(tx, sa.select(timer_table))),
        "episodes": tuple(alerts.list_episodes(tx, limit=MANY)),
        "lanes": {
            row.name: row.opens_at
            for row in tx.connection.execute(sa.select(lane_table))
            if row.opens_at is not None
        },
    }


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Give every row of every table, without what a repeat may change (P8)."""
    with store.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.connection.execute(sa.select(*columns))), key=repr)
            for table in Base.metadata.sorted_tables
            if (columns := [one for one in table.c if one.name not in MOVES.get(table.name, ())])
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a story ended, as far as restarts and the number of replicas may not change it (P10, P11)."""

    incidents: tuple[Any, ...]
    pages: frozenset[str]
    firing: frozenset[str]


def ending(facts: Facts) -> Ending:
    """Give the end of a story: incidents by key and age, the logical pages, what fires."""
    return Ending(
        incidents=tuple(
            (one.id, _key(one.key), one.severity, one.paging, one.phase, one.epoch, one.progress.loop,
             one.progress.step, one.progress.state, one.acknowledged_by)
            for _, one in sorted(facts.incidents.items())
        ),
        pages=frozenset(page.row.key for page in facts.pages if page.row.page_kind is not PageKind.NOTE),
        firing=frozenset(one.fingerprint for one in facts.episodes if one.status == "firing"),
    )  # fmt: skip


def _key(key: str) -> str:
    """The key of what a person declared is drawn anew in each telling."""
    return "declared" if key.startswith("declared|") else key
