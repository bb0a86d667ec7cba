"""Processor time from a delivery to the record of its page, stage by stage, in one process and one thread.

Deliveries come in batches of a fixed size, as the group commit makes them, each opening an incident of its own; then
the outbox is emptied. Every incident has one page and one announcement, sent to a provider that answers at once. Unlike
wall time, processor time says nearly the same on a machine that others use.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.rig import processes
from benchmarks.rig.bodies import Template
from benchmarks.rig.processes import CONFIGURATION, Databases, Provider
from benchmarks.rig.replicas import configured
from benchmarks.rig.report import emit, middle, progress, table, versions
from incident_bot import bootstrap
from incident_bot.config.settings import Settings
from incident_bot.flow import deliver
from incident_bot.telemetry import configure_logging

INCIDENTS = 160
BATCHES = (1, 8, 32)
STAGES = {"claim": "_claim", "words": "_written", "send": "_attempt", "record": "record"}
"""Each stage of the outbox, by the function that does it."""

Spent = dict[str, float]


def measure(made: Databases, kind: str, *, batch: int, incidents: int, rounds: int) -> list[Spent]:
    """Give the processor time for each incident, in microseconds, stage by stage, of every round but the first."""
    spent: Spent = defaultdict(float)
    before = {name: vars(deliver)[name] for name in STAGES.values()}
    for stage, name in STAGES.items():
        setattr(deliver, name, _timed(spent, stage, before[name]))
    provider = Provider()
    found: list[Spent] = []
    with tempfile.TemporaryDirectory(prefix="incident_bot_bench_stages_") as folder:
        directory = configured(Path(folder), CONFIGURATION)
        application = bootstrap.build(
            Settings(
                database_url=SecretStr(made.fresh(kind).url),
                config_dir=directory,
                default_channel="webhook",
                webhook_url=SecretStr(provider.url),
            )
        )
        application.context.live.record(now=application.clock.now())
        try:
            for number in range(rounds + 1):
                spent.clear()
                _one_round(application, spent, number * incidents, incidents, batch)
                found.append({stage: value / incidents * 1e6 for stage, value in spent.items()})
        finally:
            application.close()
            provider.finish()
            for name, function in before.items():
                setattr(deliver, name, function)
    return found[1:]


def _one_round(
    application: bootstrap.Application, spent: Spent, first: int, incidents: int, batch: int
) -> None:
    make = Template(1, port=0, own_incident=True)
    for start in range(first, first + incidents, batch):
        numbers = range(start, min(start + batch, first + incidents))
        bodies = [("alertmanager", make(number).partition(b"\r\n\r\n")[2]) for number in numbers]
        began = time.process_time()
        answers = application.intake.deliver(bodies)
        spent["intake"] += time.process_time() - began
        if any(answer.status != 200 for answer in answers):
            raise SystemExit(f"a delivery was refused: {answers}")
        while deliver.drain(application.context, now=application.clock.now):
            pass


def _timed(spent: Spent, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*given: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            found = function(*given, **named)
            # Words are written one by one as they are asked for.
            return list(found) if stage == "words" else found
        finally:
            spent[stage] += time.process_time() - began

    return timed


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--quick", action="store_true", help="a look in seconds; the figures mean nothing")
    chosen = parser.parse_args()
    rounds, incidents = (1, 16) if chosen.quick else (chosen.rounds, INCIDENTS)
    configure_logging(level="error", style="json")
    entries: list[dict[str, Any]] = []
    with processes.databases() as made:
        for kind in chosen.databases:
            for batch in BATCHES:
                progress(f"round 1 of {rounds} and the others: batches of {batch} on {kind}")
                found = measure(made, kind, batch=batch, incidents=incidents, rounds=rounds)
                stages = {stage: middle((one[stage] for one in found), 0) for stage in ("intake", *STAGES)}
                whole = middle((sum(one.values()) for one in found), 0)
                entries.append({"database": kind, "batch": batch, **stages, "whole": whole})
    table(list(entries[0]), (list(entry.values()) for entry in entries))
    emit({"benchmark": "stages", "versions": versions(), "goals": {}, "rounds": rounds, "unit": "us per incident",
          "figures": entries})  # fmt: skip


if __name__ == "__main__":
    main()
