"""A storm of 1,000 deliveries, each an incident of its own, all at once; and how fast recorded ones are replayed.

Four parts, each on a fresh database. `free`: the provider takes pages as fast as they come, one message each. `paced`:
the provider's rate is bounded and pages wait for it; what waits for one person goes as one message. `stopped`: what is
queued behind a slow rate is acknowledged and never goes out. `replay`: what `incident-bot replay` does with the
deliveries of a week. What is lost, went twice or went before a worse one is counted in the rows afterwards.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.rig import processes
from benchmarks.rig.bodies import requests
from benchmarks.rig.load import Job
from benchmarks.rig.processes import CONFIGURATION, ROOT, Database, Databases, Provider, Served
from benchmarks.rig.replicas import configured
from benchmarks.rig.report import emit, middle, progress, table, versions

INCIDENTS = 1000
CONNECTIONS = 64
SEND_SECONDS = 120.0
PATIENCE_SECONDS = 180.0
PACED_PER_MINUTE = 600
STOPPED_PER_MINUTE = 2
STOPPED = 60
STOPPED_QUICK = 20
"""Messages a minute where fewer than `STOPPED` wait: half a minute for each of the rest would be no quick look."""
WORSE_WAITED = timedelta(seconds=0.5)
"""A page counts as passed over where a milder one is claimed so long after it was stored."""
PEOPLE = 5
ALERTS = 40
"""Alerts of the week that is replayed."""
GOALS = {"lost": 0, "twice": 0, "passed_over": 0, "claimed_after_ack": 0, "replay_per_second": 300.0}
OK = 200

Figures = dict[str, Any]

_MANY = {
    "rotations/people.yaml": "people:\n" + "".join(
        f"  p{number}: {{name: P{number}, email: p{number}@example.com,"
        " notify: {high: [{by: webhook}], low: [{by: webhook}]}}\n"
        for number in range(PEOPLE)
    ),
    "rotations/teams.yaml": "teams: {platform: {schedule: primary, lead: p0}}\n",
    "rotations/schedules/primary.yaml": (
        "schedule: primary\ntime_zone: UTC\nlayers: [{name: always, priority: 1, people: [["
        + ", ".join(f"p{number}" for number in range(PEOPLE))
        + ']], turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}}]\n'
    ),
}  # fmt: skip
_SEVERITIES = {
    "rotations/escalation.yaml": (
        "severities:\n"
        "  P1: {aliases: [critical], urgency: high}\n"
        "  P2: {aliases: [warning], urgency: high}\n"
        "  P3: {aliases: [info], urgency: high}\n"
        "matrix:\n"
        + "".join(f"  P{rank}: [{{page: [on_call]}}, {{after: 30m, page: [lead]}}]\n" for rank in (1, 2, 3))
        + "fallback: [person/@]\nlast_resort: [person/@]\n"
    ),
    "rotations/routing.yaml": CONFIGURATION["rotations/routing.yaml"].replace("info|debug", "debug"),
}
ONE_PERSON = {**CONFIGURATION, **{name: text.replace("@", "alice") for name, text in _SEVERITIES.items()}}
FIVE_PEOPLE = {
    **CONFIGURATION, **_MANY, **{name: text.replace("@", "p0") for name, text in _SEVERITIES.items()}
}  # fmt: skip
"""All of them are on call at once, so that every incident pages five people."""


def storm(bot: Served, incidents: int) -> float:
    """Send it; gives how many seconds it took until every delivery was answered. Ends where one was refused."""
    began = time.monotonic()
    result = processes.send(
        Job(port=bot.port, shape="storm1", connections=CONNECTIONS, seconds=SEND_SECONDS, warmup=0.0, count=incidents)
    )  # fmt: skip
    if result.answered_alerts != incidents:
        raise SystemExit(f"{incidents} deliveries were sent, {result.answered_alerts} were accepted")
    return time.monotonic() - began


def await_none(database: Database, where: str) -> None:
    """Wait until there is no such page, or the patience is over."""
    until = time.monotonic() + PATIENCE_SECONDS
    while database.count("outbox", f"kind = 'page' AND {where}") and time.monotonic() < until:
        time.sleep(0.05)


def free(made: Databases, kind: str, incidents: int) -> Figures:
    """Measure a provider that takes everything at once."""
    database, provider = made.fresh(kind), Provider()
    with processes.served(database, provider, configuration=ONE_PERSON) as bot:
        before = processes.processor_seconds(bot.pid)
        began = time.monotonic()
        accepted = storm(bot, incidents)
        await_none(database, "state IN ('pending', 'sending')")
        taken = time.monotonic() - began
        spent = processes.processor_seconds(bot.pid) - before
    came = provider.finish()
    pages = _pages(database)
    return {
        "accepted_s": accepted, "handed_over_s": taken, "pages_per_second": len(pages) / taken,
        "cpu_ms_per_page": spent * 1000 / max(1, len(pages)),
        "messages": len(came), "lost": incidents - len({number for _, number in came}),
        "twice": len(came) - len({number for _, number in came}), "passed_over": passed_over(pages),
    }  # fmt: skip


def paced(made: Databases, kind: str, incidents: int) -> Figures:
    """Measure a provider that takes so many messages a minute, for five people each."""
    database, provider = made.fresh(kind), Provider()
    rate = {"INCIDENT_BOT_WEBHOOK_RATE": str(PACED_PER_MINUTE)}
    with processes.served(database, provider, more=rate, configuration=FIVE_PEOPLE) as bot:
        began = time.monotonic()
        accepted = storm(bot, incidents)
        await_none(database, "state IN ('pending', 'sending')")
        taken = time.monotonic() - began
    provider.finish()
    pages, sent = _pages(database), _messages(database)
    return {
        "accepted_s": accepted, "handed_over_s": taken, "pages_per_second": len(pages) / taken,
        "messages": len({page.carrier for page in pages}), "lost": incidents * PEOPLE - len(pages),
        "twice": sum(page.attempts > 1 for page in pages), "passed_over": passed_over(pages),
        "most_in_a_minute": most_within(sent, timedelta(minutes=1)), "rate": PACED_PER_MINUTE,
    }  # fmt: skip


def stopped(made: Databases, kind: str, incidents: int) -> Figures:
    """Acknowledge what waits for a slow provider, then see what still goes out."""
    database, provider = made.fresh(kind), Provider()
    minute = STOPPED_PER_MINUTE if incidents >= STOPPED else STOPPED_QUICK
    rate = {"INCIDENT_BOT_WEBHOOK_RATE": str(minute)}
    with processes.served(database, provider, more=rate, configuration=ONE_PERSON) as bot:
        storm(bot, incidents)
        waiting = [
            int(row[0])
            for row in database.rows(
                "SELECT incident_id FROM outbox WHERE kind = 'page' AND state = 'pending' ORDER BY rank DESC, id DESC"
            )
        ]
        acknowledged = waiting[: len(waiting) * 2 // 3]
        began = time.monotonic()
        with ThreadPoolExecutor(4) as people:
            list(people.map(lambda number: _acknowledge(bot.port, number), acknowledged))
        took = time.monotonic() - began
        await_none(database, "state IN ('pending', 'sending')")
    provider.finish()
    listed = ", ".join(map(str, acknowledged)) or "0"
    return {
        "queued": len(waiting), "acknowledged": len(acknowledged), "acknowledging_s": took,
        "cancelled": database.count("outbox", f"kind = 'page' AND state = 'cancelled' AND incident_id IN ({listed})"),
        "claimed_after_ack": database.count(
            "outbox JOIN incident ON incident.id = outbox.incident_id",
            "outbox.kind = 'page' AND outbox.page_kind = 'step' AND outbox.claimed_at > incident.acknowledged_at",
        ),
        "lost": database.count(
            "outbox", "kind = 'page' AND state NOT IN ('sent', 'cancelled')"
        ),
    }  # fmt: skip


def replayed(deliveries: int) -> Figures:
    """Replay so many deliveries of a week with the real command: alerts that begin, are told again, and end."""
    with tempfile.TemporaryDirectory(prefix="incident_bot_bench_replay_") as folder:
        directory = configured(Path(folder, "configuration"), ONE_PERSON)
        file = Path(folder, "week.jsonl")
        file.write_text("".join(recorded(deliveries)), encoding="utf-8")
        variables = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "INCIDENT_BOT_CONFIG_DIR": str(directory),
            "INCIDENT_BOT_DATABASE_URL": f"sqlite:///{folder}/none.db",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "incident_bot", "replay", str(file), "--format", "json", "--ack-after", "5m"],
            env=variables, cwd=folder, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the replay failed: {done.stderr[-2000:]}")
    told = json.loads(done.stdout)
    if told["deliveries"] != deliveries:
        raise SystemExit(f"{deliveries} deliveries were to be replayed, {told['deliveries']} were")
    return {
        "deliveries": deliveries, "replay_per_second": told["deliveries_per_second"], "incidents": told["incidents"],
        "pages": told["pages"],
    }  # fmt: skip


def recorded(deliveries: int) -> Iterator[str]:
    """Give the lines of a file, one each five minutes: an alert begins, is told again, ends, and the next one begins.

    Every second one is for the team's channel only.
    """
    began = datetime(2026, 11, 14, tzinfo=UTC)
    bodies = [
        json.loads(one.partition(b"\r\n\r\n")[2])
        for one in islice(requests("open1", port=0, first=0), ALERTS)
    ]
    for number in range(deliveries):
        at = began + number * timedelta(minutes=5)
        turn, phase = divmod(number, 3)
        body = bodies[turn % ALERTS]
        (alert,) = body["alerts"]
        alert["labels"]["severity"] = "debug" if turn % 2 else "critical"
        alert["startsAt"] = (at - phase * timedelta(minutes=5)).isoformat()
        body["status"] = alert["status"] = "resolved" if phase == 2 else "firing"
        alert["endsAt"] = at.isoformat() if phase == 2 else "0001-01-01T00:00:00Z"
        yield json.dumps({"at": at.isoformat(), "body": body}) + "\n"


class _Page:
    """One page as its row tells."""

    def __init__(self, row: Sequence[Any]) -> None:
        self.id, self.rank, self.attempts, carried_by, created, claimed = row
        self.carrier = carried_by or self.id
        self.created, self.claimed = _instant(created), _instant(claimed)


def _pages(database: Database) -> list[_Page]:
    """Give the pages that went out."""
    query = (
        "SELECT id, rank, attempts, carried_by, created_at, claimed_at FROM outbox"
        " WHERE kind = 'page' AND state = 'sent'"
    )
    return [_Page(row) for row in database.rows(query)]


def _messages(database: Database) -> list[datetime]:
    """Give when each call to the provider began, whatever it was about."""
    query = "SELECT claimed_at FROM outbox WHERE claimed_at IS NOT NULL AND carried_by IS NULL ORDER BY claimed_at"
    return [_instant(row[0]) for row in database.rows(query)]


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def passed_over(pages: Sequence[_Page]) -> int:
    """Count the pages that were claimed while a worse one had been stored and waited."""
    count = 0
    for worse_than in sorted({page.rank for page in pages})[1:]:
        worse = [page for page in pages if page.rank < worse_than]
        milder = [page for page in pages if page.rank == worse_than]
        count += sum(
            any(one.created + WORSE_WAITED < page.claimed < one.claimed for one in worse) for page in milder
        )
    return count


def most_within(instants: Sequence[datetime], span: timedelta) -> int:
    """Give the most that lie within any span of this length."""
    most, first = 0, 0
    for last, at in enumerate(instants):
        while at - instants[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


def _acknowledge(port: int, incident: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    path = f"/api/v1/incidents/INC-{incident}/commands"
    connection.request("POST", path, json.dumps({"text": "ack"}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    if answer.status != OK:
        raise SystemExit(f"an acknowledgement was refused with {answer.status}: {told[:300]!r}")


PARTS: dict[str, Callable[[Databases, str, int], Figures]] = {
    "free": free,
    "paced": paced,
    "stopped": stopped,
}


def described(name: str, kind: str, rounds: Sequence[Figures]) -> Figures:
    """Give the medians over the rounds; what must be none as a sum."""
    sums = {"lost", "twice", "passed_over", "claimed_after_ack"} & rounds[0].keys()
    middles = {key: middle(one[key] for one in rounds) for key in rounds[0] if key not in sums}
    return {
        "part": name,
        "database": kind,
        **middles,
        **{key: sum(one[key] for one in rounds) for key in sums},
    }


def measure(parts: Sequence[str], kinds: Sequence[str], *, rounds: int, incidents: int) -> list[Figures]:
    """Run every part on every database."""
    entries: list[Figures] = []
    with processes.databases() as made:
        for name in (part for part in parts if part in PARTS):
            for kind in kinds:
                found = []
                for number in range(rounds):
                    progress(f"round {number + 1} of {rounds}: {name} on {kind}")
                    # A queue behind a slow rate shows the same with fewer.
                    some = min(incidents, STOPPED) if name == "stopped" else incidents
                    found.append(PARTS[name](made, kind, some))
                entries.append(described(name, kind, found))
    if "replay" in parts:
        progress(f"replay of {2 * incidents} deliveries, {rounds} times")
        entries.append(described("replay", "memory", [replayed(2 * incidents) for _ in range(rounds)]))
    return entries


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--incidents", type=int, default=INCIDENTS)
    parser.add_argument("--parts", nargs="+", default=[*PARTS, "replay"], choices=[*PARTS, "replay"])
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--quick", action="store_true", help="a look in seconds; the figures mean nothing")
    chosen = parser.parse_args()
    rounds, incidents = (1, 10) if chosen.quick else (chosen.rounds, chosen.incidents)
    entries = measure(chosen.parts, chosen.databases, rounds=rounds, incidents=incidents)
    for name in chosen.parts:
        mine = [entry for entry in entries if entry["part"] == name]
        table(list(mine[0]), (list(entry.values()) for entry in mine))
    emit({"benchmark": "load", "versions": versions(), "goals": GOALS, "rounds": rounds, "incidents": incidents,
          "figures": entries})  # fmt: skip


if __name__ == "__main__":
    main()
