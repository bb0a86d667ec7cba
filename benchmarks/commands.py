"""From a command to its answer while a thousand incidents are open: `ack`, a note, the list.

Commands come through the API, one after the other, as from people. After each acknowledgement no page of its incident
may be claimed: the rows tell.
"""

from __future__ import annotations

import argparse
import http.client
import json
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.rig import processes
from benchmarks.rig.load import Job
from benchmarks.rig.processes import Databases, Provider
from benchmarks.rig.report import emit, middle, progress, table, versions

OPEN = 1000
OPENED_PER_SECOND = 100.0
COMMANDS = {"ack": "ack", "note": "note looking into it", "list": "list"}
EACH = 100
GOAL_P99_MS = 300.0
PATIENCE_SECONDS = 240.0
OK = 200


def measure(made: Databases, kind: str, *, opened: int, each: int) -> dict[str, Any]:
    """Open so many incidents on a fresh database, then run each command so often on incidents of its own."""
    database, provider = made.fresh(kind), Provider()
    with processes.product(database, provider) as port:
        first = 0
        while (missing := opened - database.count("incident")) > 0:
            seconds = max(missing / OPENED_PER_SECOND, 0.2)
            first = processes.send(
                Job(
                    port=port, shape="open1", connections=8, seconds=seconds, warmup=0.0, rate=OPENED_PER_SECOND,
                    first=first,
                )
            ).next  # fmt: skip
        processes.await_pages(database, seconds=PATIENCE_SECONDS)
        numbers = iter(sorted(row[0] for row in database.rows("SELECT id FROM incident")))
        there = database.count("incident", "paging = 'triggered'")
        figures: dict[str, Any] = {"open": there}
        for name, text in COMMANDS.items():
            took = sorted(_run(port, f"INC-{next(numbers)}", text) * 1000 for _ in range(each))
            figures[f"{name}_p50_ms"] = took[len(took) // 2]
            figures[f"{name}_p99_ms"] = took[min(len(took) - 1, len(took) * 99 // 100)]
        figures["claimed_after_ack"] = database.count(
            "outbox JOIN incident ON incident.id = outbox.incident_id",
            "outbox.kind = 'page' AND outbox.page_kind = 'step' AND outbox.claimed_at > incident.acknowledged_at",
        )
    provider.finish()
    return figures


def _run(port: int, incident: str, text: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    content = json.dumps({"text": text})
    began = time.perf_counter()
    connection.request(
        "POST", f"/api/v1/incidents/{incident}/commands", content, {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    told = answer.read()
    took = time.perf_counter() - began
    connection.close()
    if answer.status != OK:
        raise SystemExit(f"{text!r} was refused with {answer.status}: {told[:300]!r}")
    return took


def described(kind: str, rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Give the medians over the rounds, and what must be none as a sum."""
    found = {name: middle(one[name] for one in rounds) for name in rounds[0]}
    return {
        "database": kind,
        **found,
        "claimed_after_ack": sum(one["claimed_after_ack"] for one in rounds),
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--open", type=int, default=OPEN)
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--quick", action="store_true", help="a look in seconds; the figures mean nothing")
    chosen = parser.parse_args()
    rounds, opened, each = (1, 30, 5) if chosen.quick else (chosen.rounds, chosen.open, EACH)
    entries = []
    with processes.databases() as made:
        for kind in chosen.databases:
            found = []
            for number in range(rounds):
                progress(f"round {number + 1} of {rounds}: {opened} open incidents on {kind}")
                found.append(measure(made, kind, opened=opened, each=each))
            entries.append(described(kind, found))
    table(list(entries[0]), (list(entry.values()) for entry in entries))
    emit({"benchmark": "commands", "versions": versions(), "goals": {"p99_ms": GOAL_P99_MS}, "rounds": rounds,
          "figures": entries})  # fmt: skip


if __name__ == "__main__":
    main()
