"""A database with a year behind it: incidents, their timelines and pages, and far more episodes than pages.

Rows are written past the product, in bulk, in the shape in which the product writes them. Drawn from a seed, so that
two runs compare.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from benchmarks.rig.processes import Database
from incident_bot.store.incidents.rows import key_hash

YEAR: Final = timedelta(days=365)
NAMES: Final = 200
TEAMS: Final = ("platform", "payments", "search", "data")
PEOPLE: Final = tuple(f"p{number}" for number in range(12))
SEVERITIES: Final = ("P1", "P2", "P2", "P3", "P3", "P3")
OPEN: Final = 40
"""So many of the newest incidents are open."""
STORM: Final = 2000
"""So many episodes are on one incident, the newest of all: a storm."""
_BATCH: Final = 20_000
_HASH: Final = "0" * 64

Row = dict[str, Any]

CONFIGURATION: Final = {
    "rotations/people.yaml": "people:\n"
    + "".join(
        f"  {one}: {{name: Person {one}, time_zone: {zone}, notify: {{high: [{{by: stdout}}]}}}}\n"
        for one, zone in zip(PEOPLE, ("Europe/Berlin", "America/New_York", "Asia/Kolkata") * 4, strict=True)
    ),
    "rotations/teams.yaml": "teams:\n"
    + "".join(
        f"  {team}: {{schedule: {team}-primary, lead: {PEOPLE[at]}, services: [{team}-api, {team}-db]}}\n"
        for at, team in enumerate(TEAMS)
    ),
    **{
        f"rotations/schedules/{team}-primary.yaml": (
            f"schedule: {team}-primary\ntime_zone: Europe/Berlin\nlayers: [{{name: week, priority: 1,"
            f" people: [[{PEOPLE[at]}], [{PEOPLE[at + 4]}], [{PEOPLE[at + 8]}]],"
            ' turn: {unit: weeks, every: 1, anchor: "2024-01-01T09:00"}}]\n'
        )
        for at, team in enumerate(TEAMS)
    },
    "rotations/escalation.yaml": (
        "severities: {P1: {aliases: [critical], urgency: high}, P2: {urgency: high},"
        " P3: {aliases: [warning], urgency: low}}\n"
        "matrix: {P1: [{page: [on_call]}, {after: 15m, page: [lead]}], P2: [{page: [on_call]}],"
        " P3: [{page: [on_call]}]}\n"
        "fallback: [person/p0]\nlast_resort: [person/p0]\n"
    ),
    "rotations/routing.yaml": (
        "sources: [{name: alertmanager, kind: alertmanager}]\nroutes: []\n"
        "default: {team: platform, action: incident, severity: P2}\n"
    ),
    "rotations/status.yaml": (
        "status:\n  name: Bench\n  url: https://status.example.com\n  components:\n"
        + "".join(f"    {team}: {{name: {team}, services: [{team}-api]}}\n" for team in TEAMS)
    ),
    "runbooks/services/alert-1.md": (
        "---\ntitle: Alert 1\nalerts: [Alert001]\nowner: platform\n---\n## Mitigation\n\n1. Restart it\n"
    ),
}
"""Four teams with a schedule each, and a runbook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much there is."""

    incidents: int
    episodes: int


def fill(database: Database, amount: Amount, *, now: datetime, seed: int = 1) -> None:
    """Write a year's rows that end now into a migrated, empty database."""
    made = _Maker(amount, now, random.Random(seed))
    with closing(_open(database)) as writer:
        for table, rows in (
            ("incident", made.incidents()), ("event", made.events()), ("outbox", made.pages()),
            ("episode", made.episodes()),
        ):  # fmt: skip
            writer.write(table, rows)
        writer.finish()


@dataclass(slots=True)
class _Story:
    """What is drawn of one incident."""

    number: int
    opened: datetime
    acknowledged: datetime
    resolved: datetime | None
    team: str
    severity: str
    service: str
    name: str
    person: str
    drill: bool
    private: bool


class _Maker:
    """Draws the rows."""

    def __init__(self, amount: Amount, now: datetime, chance: random.Random) -> None:
        self._amount, self._now, self._chance = amount, now, chance
        self._stories = [self._story(number) for number in range(1, amount.incidents + 1)]

    def incidents(self) -> Iterator[Row]:
        for one in self._stories:
            key = f"{one.team}/{one.name}/{one.number}"
            over = one.resolved is not None
            yield {
                "id": one.number, "key": key, "key_hash": key_hash(key), "open_hash": None if over else key_hash(key),
                "title": f"{one.name} on {one.service}", "severity": one.severity, "peak": one.severity,
                "phase": "resolved" if over else "investigating", "paging": "resolved" if over else "acknowledged",
                "team": one.team, "service": one.service, "lead": one.person, "roles": "{}",
                "impact": "Some requests fail", "runbook": "services/alert-1.md" if one.name == "Alert001" else None,
                "items": _items(one), "epoch": 1, "loop": 0, "step": 1, "next_at": None, "running": "stopped",
                "started_at": _text(one.opened), "fell_back": False, "reached": True, "policy": _POLICY,
                "opened_at": _text(one.opened), "opened_by": "alertmanager",
                "acknowledged_at": _text(one.acknowledged), "acknowledged_by": one.person,
                "responders": json.dumps([one.person]), "resolved_at": _text(one.resolved) if one.resolved else None,
                "updated_by_people": True, "forced": False, "drill": one.drill, "private": one.private,
                "revision": "bench", "seq": 8 if over else 6, "last_hash": _HASH,
            }  # fmt: skip

    def events(self) -> Iterator[Row]:
        for one in self._stories:
            later = one.acknowledged + timedelta(minutes=4)
            told: list[tuple[str, str, datetime, dict[str, Any]]] = [
                ("opened", "alertmanager", one.opened, {"title": one.name, "severity": one.severity}),
                ("paged", one.person, one.opened, {"person": one.person, "via": "stdout"}),
                ("acknowledged", one.person, one.acknowledged, {"phase": "investigating"}),
                ("lead_assigned", one.person, one.acknowledged, {"person": one.person}),
                ("note", one.person, later, {"text": "Looking at the newest deploy"}),
                ("update_posted", one.person, later, {"text": "We are on it"}),
            ]
            if one.resolved:
                told += [
                    (
                        "phase_changed",
                        one.person,
                        one.resolved - timedelta(minutes=1),
                        {"phase": "monitoring"},
                    ),
                    ("resolved", one.person, one.resolved, {"phase": "resolved"}),
                ]
            for seq, (kind, actor, at, data) in enumerate(told, 1):
                yield {
                    "incident_id": one.number, "seq": seq, "kind": kind, "actor": actor, "source": "bench",
                    "happened_at": _text(at), "recorded_at": _text(at), "data": json.dumps(data), "hash": _HASH,
                }  # fmt: skip

    def pages(self) -> Iterator[Row]:
        for one in self._stories:
            for step in range(1 + one.number % 3):
                person = PEOPLE[(PEOPLE.index(one.person) + step) % len(PEOPLE)]
                at = _text(one.opened + timedelta(minutes=step))
                yield {
                    "kind": "page", "key": f"page:{one.number}:1:0:{step}:{person}:stdout", "incident_id": one.number,
                    "epoch": 1, "loop": 0, "step": step, "page_kind": "step", "person": person, "via": "stdout",
                    "moment": None, "data": "{}", "reason": "on call", "urgency": "high", "rank": 0, "due_at": at,
                    "state": "sent", "attempts": 1, "sent_at": at, "created_at": at,
                }  # fmt: skip

    def episodes(self) -> Iterator[Row]:
        # The newest incident is a storm; of the others every one has a few, and the rest paged nobody.
        storm = min(STORM, self._amount.episodes // 10)
        attached: list[_Story | None] = []
        for one in self._stories:
            attached += [one] * (storm if one is self._stories[-1] else 1 + one.number % 12)
        attached = attached[-self._amount.episodes :]
        rest = self._amount.episodes - len(attached)
        starts = sorted(
            [(one.opened, at) for at, one in enumerate(attached) if one]
            + [(self._now - YEAR * self._chance.random(), -1) for _ in range(rest)]
        )
        for number, (start, at) in enumerate(starts):
            yield self._episode(number, start, attached[at] if at >= 0 else None)

    def _episode(self, number: int, start: datetime, one: _Story | None) -> Row:
        name = one.name if one else _named(self._chance)
        team = one.team if one else self._chance.choice(TEAMS)
        service = one.service if one else f"{team}-api"
        length = timedelta(minutes=self._chance.expovariate(1 / 12))
        fires = one.resolved is None if one else False
        end = None if fires else _text(start + length)
        labels = {
            "alertname": name, "cluster": "eu-1", "instance": f"host-{number % 5000}:9100", "job": "node",
            "service": service, "severity": one.severity if one else "P3",
        }  # fmt: skip
        return {
            "source": "alertmanager", "alert_key": f"{number:032x}", "fingerprint": f"{number:016x}",
            "labels": json.dumps(labels, separators=(",", ":")), "annotations": _ANNOTATIONS,
            "generator_url": "http://prometheus.example.com:9090/graph?g0.expr=up&g0.tab=1",
            "status": "firing" if fires else "resolved", "starts_at": _text(start), "ends_at": end,
            "opened_at": _text(start), "updated_at": end or _text(start), "closed_at": end,
            "refires": int(number % 5 == 0), "flags": "", "disposition": "incident" if one else "record",
            "reason": None if one else "the route records it", "incident_id": one.number if one else None,
            "severity": labels["severity"], "service": service, "team": team, "runbook": None,
            "group_hash": f"{number % 997:032x}", "why": None, "alertname": name,
        }  # fmt: skip

    def _story(self, number: int) -> _Story:
        chance = self._chance
        opened = self._now - YEAR * (self._amount.incidents - number + 0.5) / self._amount.incidents
        acknowledged = opened + timedelta(seconds=30 + chance.expovariate(1 / 300))
        team = chance.choice(TEAMS)
        is_open = number > self._amount.incidents - OPEN
        return _Story(
            number=number, opened=opened, acknowledged=acknowledged,
            resolved=None if is_open else acknowledged + timedelta(minutes=5 + chance.expovariate(1 / 40)),
            team=team, severity=chance.choice(SEVERITIES), service=f"{team}-{chance.choice(('api', 'db'))}",
            name=_named(chance), person=chance.choice(PEOPLE), drill=number % 50 == 0, private=number % 70 == 0,
        )  # fmt: skip


def _named(chance: random.Random) -> str:
    """Few alerts are most of the noise."""
    return f"Alert{min(int(chance.expovariate(1 / 25)), NAMES - 1):03}"


def _items(one: _Story) -> str:
    follow = {
        "number": 1, "kind": "followup", "text": f"Make {one.name} less noisy", "owner": one.person, "due": None,
        "undo": None, "added_at": one.acknowledged.isoformat(), "added_by": one.person, "done_at": None,
        "done_by": None,
    }  # fmt: skip
    return json.dumps([follow] if one.number % 4 == 0 else [])


_POLICY: Final = json.dumps({"steps": []})
_ANNOTATIONS: Final = json.dumps(
    {
        "description": "Less than 10% left on / of this machine, and it goes on filling at the present rate",
        "summary": "Disk is filling",
    }
)


def _text(instant: datetime) -> str:
    return instant.isoformat(" ", "microseconds")[:26]


class _Sqlite:
    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, timeout=30)
        for pragma in ("synchronous=OFF", "temp_store=MEMORY", "cache_size=-400000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._known = {
            table: {row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")}
            for table in ("incident", "event", "outbox", "episode")
        }

    def write(self, table: str, rows: Iterable[Row]) -> None:
        for columns, batch in _batches(rows, self._known[table]):
            places = ", ".join("?" * len(columns))
            self._connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",
                batch,
            )
        self._connection.commit()

    def finish(self) -> None:
        self._connection.execute("ANALYZE")
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()


class _Postgresql:
    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, options="-c timezone=UTC")
        found = self._connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        self._known: dict[str, set[str]] = {}
        for table, column in found:
            self._known.setdefault(table, set()).add(column)

    def write(self, table: str, rows: Iterable[Row]) -> None:
        with self._connection.cursor() as cursor:
            for columns, batch in _batches(rows, self._known[table]):
                with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
                    for row in batch:
                        copy.write_row(row)
            if table == "incident":
                cursor.execute(b"SELECT setval('incident_id_seq', (SELECT max(id) FROM incident))")
        self._connection.commit()

    def finish(self) -> None:
        self._connection.autocommit = True
        self._connection.execute("VACUUM ANALYZE")

    def close(self) -> None:
        self._connection.close()


def _open(database: Database) -> _Sqlite | _Postgresql:
    if database.kind == "sqlite":
        return _Sqlite(database.url.removeprefix("sqlite:///"))
    return _Postgresql(database.url)


def _batches(rows: Iterable[Row], known: set[str]) -> Iterator[tuple[Sequence[str], list[tuple[Any, ...]]]]:
    """Give the rows in the columns that the table has, so that the same rows fill older and newer schemas."""
    columns: list[str] = []
    batch: list[tuple[Any, ...]] = []
    for row in rows:
        columns = columns or [name for name in row if name in known]
        batch.append(tuple(row[name] for name in columns))
        if len(batch) == _BATCH:
            yield columns, batch
            batch = []
    if batch:
        yield columns, batch
