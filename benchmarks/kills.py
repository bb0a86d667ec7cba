"""Kills the real process again and again under load, and counts every delivery and every page.

`kill -9` at random moments; senders come again as Alertmanager does; people acknowledge; a strict provider writes down
every page. SQLite has one process, PostgreSQL `--replicas`. What a 200 promised must be there, what was planned must
have been sent, and nothing may come twice but what was under way when its process died. The status is 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.rig import processes
from benchmarks.rig.clients import Crowd
from benchmarks.rig.counting import Came, CountingProvider
from benchmarks.rig.processes import CONFIGURATION, Database, Databases
from benchmarks.rig.replicas import Replica, configured
from benchmarks.rig.report import emit, progress, table, versions

SENDERS = 4
IN_FLIGHT_SECONDS = 30.0
"""P3: a call that had begun before the acknowledgement ends within the lease."""
SETTLE_SECONDS = 120.0
PAGES = ("step", "fallback", "last_resort")
FILES = {
    **CONFIGURATION,
    "rotations/people.yaml": (
        "people:\n  alice: {name: Alice, email: a@example.com, notify: {high: [{by: webhook}]}}\n"
        "  bob: {name: Bob, email: b@example.com, notify: {high: [{by: webhook}]}}\n"
    ),
    "rotations/teams.yaml": "teams: {platform: {schedule: primary, lead: bob}}\n",
    "rotations/escalation.yaml": (
        "severities: {P1: {aliases: [critical], urgency: high}}\n"
        "matrix: {P1: [{page: [on_call]}, {after: 4s, page: [lead]}, {after: 8s, page: [on_call]}]}\n"
        "fallback: [person/bob]\nlast_resort: [person/bob]\n"
        # A run may take longer than an acknowledgement holds.
        "ack_timeout: {high: off}\n"
    ),
}
SHOULD_BE_NONE = (
    "deliveries_lost", "deliveries_refused", "commands_refused", "incidents_stuck", "incidents_without_page",
    "pages_lost", "pages_doubled_unexplained", "pages_never_planned", "claims_after_ack",
    "pages_after_ack_beyond_bound", "malformed", "errors_logged",
)  # fmt: skip


def body(number: int) -> bytes:
    """One delivery: an alert of its own; every third joins the incident of the one before."""
    labels = {
        "alertname": f"Kill{number - (number % 3 == 1)}", "instance": f"host-{number}", "severity": "critical",
        "cluster": "eu-1", "service": "checkout",
    }  # fmt: skip
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "It is killed while it pages"},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com:9090/graph",
        "fingerprint": f"{number:016x}",
    }
    return json.dumps(
        {
            "receiver": "incident-bot", "status": "firing", "alerts": [alert], "groupLabels": {},
            "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://alertmanager.example.com:9093",
            "version": "4", "groupKey": f"{{}}:{{number={number}}}", "truncatedAlerts": 0,
        }
    ).encode()  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run goes."""

    kills: int
    replicas: int
    pause: float
    """Seconds from one delivery to the next."""
    minutes: float
    """No kill begins later than this."""
    seed: int


def run(made: Databases, kind: str, plan: Plan) -> dict[str, Any]:
    """Kill so often on a fresh database, let everything come to rest, and count."""
    seed = plan.seed
    database = made.fresh(kind)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="incident_bot_kills_") as folder,
        CountingProvider(seed=seed) as provider,
    ):
        directory = configured(Path(folder, "configuration"), FILES)
        running = [
            Replica(directory, database, provider.url, Path(folder, f"{number}.log"))
            for number in range(plan.replicas)
        ]
        try:
            crowd, killed_at = _under_load(running, provider, plan)
            _settle(database)
            # Whatever comes twice comes soon: what is still under way is waited for.
            for one in running:
                one.stop()
            counted = counts(database, crowd, provider.came())
        finally:
            for one in running:
                one.kill()
        errors = [line for one in running for line in one.errors()]
        for line in errors[:5]:
            progress(f"logged: {line[:600]}")
    return {
        "database": kind, "replicas": plan.replicas, "kills": killed_at["kills"],
        "seconds": round(time.monotonic() - began),
        "killed_while_starting": killed_at["starting"], **counted, "malformed": provider.wrong,
        "errors_logged": len(errors),
    }  # fmt: skip


def _under_load(
    running: Sequence[Replica], provider: CountingProvider, plan: Plan
) -> tuple[Crowd, Counter[str]]:
    seed, pause = plan.seed, plan.pause
    for one in running:
        one.start()
        # One after the other: the first migrates, and two cores are soon busy.
        one.await_ready()
    crowd = Crowd(ports=[one.port for one in running], make=body)
    threads = [
        threading.Thread(target=crowd.send, args=(seed + number, pause * SENDERS))
        for number in range(SENDERS)
    ]
    threads.append(threading.Thread(target=crowd.acknowledge, args=(provider, seed + SENDERS)))
    for thread in threads:
        thread.start()
    try:
        killed_at = _kill(running, plan, chance=random.Random(seed))
    finally:
        crowd.stop.set()
        for thread in threads:
            thread.join()
    return crowd, killed_at


def _kill(running: Sequence[Replica], plan: Plan, *, chance: random.Random) -> Counter[str]:
    killed_at: Counter[str] = Counter()
    until = time.monotonic() + plan.minutes * 60
    for number in range(plan.kills):
        if time.monotonic() > until:
            progress(f"{plan.minutes:g} minutes are over")
            break
        killed_at["kills"] += 1
        victim = chance.choice(running)
        time.sleep(chance.random() * (1.5 if len(running) == 1 else 2.5))
        victim.kill()
        victim.start()
        if chance.random() < 1 / 8:
            # Half started: the schema, the lock, what the last one left.
            time.sleep(chance.random() * 2)
            victim.kill()
            victim.start()
            killed_at["starting"] += 1
        victim.await_ready()
        if number % 10 == 9 or number == plan.kills - 1:
            progress(f"killed {number + 1} of {plan.kills}")
    return killed_at


def _settle(database: Database) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    quiet = 0.0
    while time.monotonic() < until:
        waiting = database.count("outbox", "state IN ('pending', 'sending')")
        stepping = database.count("incident", "paging = 'triggered' AND running = 'running'")
        quiet = quiet + 0.2 if not waiting and not stepping else 0.0
        if quiet > 1.0:
            return
        time.sleep(0.2)
    progress("it did not come to rest; what is left counts as lost")


def counts(database: Database, crowd: Crowd, came: Sequence[Came]) -> dict[str, Any]:
    """Compare what was promised with what is stored, and what is stored with what the provider saw."""
    episodes = {
        str(json.loads(labels)["instance"]): incident if incident is not None else reason
        for labels, incident, reason in database.rows("SELECT labels, incident_id, reason FROM episode")
    }
    lost = [number for number in crowd.promised if not episodes.get(f"host-{number}")]
    pages = [Page(*row) for row in database.rows(_PAGES)]
    attempts = _attempts(database)
    keys = Counter(one.key for one in came)
    planned = {page.key for page in pages}
    doubled = {page.key: attempts.get(page.number, []) for page in pages if keys[page.key] > 1}
    explained = [
        key for key, tried in doubled.items() if sum(r == "unknown" for r, _ in tried) >= keys[key] - 1
    ]
    paged = {page.incident for page in pages if keys[page.key]}
    incidents = {row[0] for row in database.rows("SELECT id FROM incident")}
    after, beyond, in_flight = _after_ack(crowd, pages, attempts, came)
    wrong = [page for page in pages if _is_lost(page, keys)]
    for page in wrong[:5]:
        progress(f"lost: {page} {attempts.get(page.number)}")
    for key in [key for key in doubled if key not in explained][:5]:
        progress(f"twice: {key} {keys[key]} times, {doubled[key]}")
    return {
        "deliveries_answered": len(crowd.promised), "deliveries_sent_again": crowd.again,
        "commands_refused": crowd.commands_refused, "deliveries_refused": len(crowd.refused),
        "deliveries_lost": len(lost),
        "incidents": len(incidents), "incidents_acknowledged": len(crowd.acknowledged),
        "incidents_stuck": database.count("incident", "paging = 'triggered' AND running = 'running'"),
        "incidents_without_page": len(incidents - paged),
        "pages": sum(page.state == "sent" for page in pages),
        "pages_cancelled": sum(page.state == "cancelled" for page in pages),
        "pages_lost": len(wrong), "pages_doubled_killed_between": len(explained),
        "pages_doubled_unexplained": len(doubled) - len(explained),
        "pages_never_planned": len({one.key for one in came if one.kind == "page"} - planned),
        "claims_after_ack": len(after), "pages_in_flight_at_ack": in_flight, "pages_after_ack_beyond_bound": beyond,
    }  # fmt: skip


_PAGES = (
    "SELECT id, key, incident_id, page_kind, state, attempts, claimed_at FROM outbox"
    " WHERE kind = 'page' ORDER BY id"
)


class Page:
    """One row of the outbox."""

    def __init__(
        self, number: int, key: str, incident: int, kind: str, state: str, attempts: int, claimed_at: Any
    ) -> None:
        """Take the columns."""
        self.number, self.key, self.incident = number, key, incident
        self.kind, self.state, self.attempts = kind, state, attempts
        self.claimed_at = _seconds(claimed_at)

    def __str__(self) -> str:
        """Say what it is."""
        return f"{self.key} {self.kind} {self.state} after {self.attempts} attempts"


def _is_lost(page: Page, keys: Counter[str]) -> bool:
    if page.state == "sent":
        return not keys[page.key]
    return page.state != "cancelled"


def _attempts(database: Database) -> dict[int, list[tuple[str, float]]]:
    found: dict[int, list[tuple[str, float]]] = {}
    for number, result, at in database.rows(
        "SELECT outbox_id, result, at FROM attempt ORDER BY outbox_id, number"
    ):
        found.setdefault(number, []).append((result, _seconds(at) or 0.0))
    return found


def _after_ack(
    crowd: Crowd, pages: Sequence[Page], attempts: dict[int, list[tuple[str, float]]], came: Sequence[Came]
) -> tuple[list[Page], int, int]:
    """P3: no claim begins after the answer to an acknowledgement; a call that had begun ends within its bound."""
    by_key = {page.key: page for page in pages}
    claims: list[Page] = []
    for page in pages:
        acked_at = crowd.acknowledged.get(f"INC-{page.incident}")
        if acked_at is None or page.kind not in PAGES:
            continue
        begun = [at for _, at in attempts.get(page.number, [])] + [page.claimed_at or 0.0]
        if max(begun) > acked_at:
            claims.append(page)
            progress(f"claimed {max(begun) - acked_at:.3f} s after the acknowledgement: {page}")
    late = [
        one.at - crowd.acknowledged[one.incident]
        for one in came
        if one.incident in crowd.acknowledged and one.at > crowd.acknowledged[one.incident]
        and one.key in by_key and by_key[one.key].kind in PAGES
    ]  # fmt: skip
    return claims, sum(seconds > IN_FLIGHT_SECONDS for seconds in late), len(late)


def _seconds(instant: Any) -> float | None:
    if instant is None:
        return None
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200, help="on each database")
    parser.add_argument("--replicas", type=int, default=4, help="on PostgreSQL")
    parser.add_argument("--pause", type=float, default=0.08, help="seconds from one delivery to the next")
    parser.add_argument("--minutes", type=float, default=20.0, help="no kill begins later, on each database")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--quick", action="store_true", help="three kills: a look in under a minute")
    chosen = parser.parse_args()
    kills = 3 if chosen.quick else chosen.kills
    seed = chosen.seed or random.SystemRandom().randrange(1, 10**6)
    figures = []
    with processes.databases() as made:
        for kind in chosen.databases:
            replicas = 1 if kind == "sqlite" else chosen.replicas
            progress(f"round 1 of 1: {kills} kills on {kind}, replicas: {replicas}, seed {seed}")
            plan = Plan(kills, replicas, chosen.pause, chosen.minutes, seed)
            figures.append(run(made, kind, plan))
    table(["", *(one["database"] for one in figures)],
          ([name, *(one[name] for one in figures)] for name in figures[0] if name != "database"))  # fmt: skip
    wrong = {name: sum(one[name] for one in figures) for name in SHOULD_BE_NONE}
    emit({"benchmark": "kills", "versions": versions(), "seed": seed, "figures": figures, "wrong": wrong})
    if any(wrong.values()):
        progress(f"wrong: {', '.join(name for name, number in wrong.items() if number)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
