"""Durable alerts a second: the floor and the product in turn, side by side in one run, everything switched on.

For each database, shape and number of connections: the rate of both, their ratio, and the latency. Then the product's
latency at half of the rate it reached. Every answered alert is counted again in the database afterwards.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.rig import processes
from benchmarks.rig.bodies import SHAPES, size
from benchmarks.rig.load import Job, Result
from benchmarks.rig.processes import Database, Databases, Provider
from benchmarks.rig.report import emit, middle, progress, table, versions

GOALS = {"ratio": 0.30, "aim": 0.50, "p99_ms_1": 25.0, "p99_ms_50": 80.0}
HALF = ("new1", "new50")
"""Shapes whose latency is measured at half of the reached rate."""

Key = tuple[str, int, str]
"""Database, connections, shape."""


@dataclass(slots=True)
class Figures:
    """What the rounds brought."""

    floor: dict[Key, list[Result]] = field(default_factory=dict)
    product: dict[Key, list[Result]] = field(default_factory=dict)
    half: dict[Key, list[Result]] = field(default_factory=dict)
    lost: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure."""

    rounds: int
    seconds: float
    kinds: Sequence[str]
    connections: Sequence[int]
    shapes: Sequence[str]


def measure(plan: Plan) -> Figures:
    """Run all rounds; within one, the floor and the product follow each other on the same kind of database."""
    figures = Figures()
    with processes.databases() as made:
        for number in range(plan.rounds):
            for kind in plan.kinds:
                progress(f"round {number + 1} of {plan.rounds}, {kind}: floor")
                _measure_floor(plan, made, kind, figures)
                progress(f"round {number + 1} of {plan.rounds}, {kind}: product")
                _measure_product(plan, made, kind, figures)
    return figures


def _measure_floor(plan: Plan, made: Databases, kind: str, figures: Figures) -> None:
    with processes.floor(made.fresh(kind)) as port:
        first = 0
        for connections in plan.connections:
            for shape in plan.shapes:
                job = Job(port=port, shape=shape, connections=connections, seconds=plan.seconds, first=first)
                result = processes.send(job)
                first = result.next
                figures.floor.setdefault((kind, connections, shape), []).append(result)


def _measure_product(plan: Plan, made: Databases, kind: str, figures: Figures) -> None:
    database = made.fresh(kind)
    provider = Provider()
    with processes.product(database, provider) as port:
        first = 0
        for connections in plan.connections:
            for shape in plan.shapes:
                key = (kind, connections, shape)
                job = Job(port=port, shape=shape, connections=connections, seconds=plan.seconds, first=first)
                result = _counted(database, job, figures)
                figures.product.setdefault(key, []).append(result)
                if shape in HALF and connections == plan.connections[0]:
                    rate = max(1.0, result.alerts_per_second / size(shape) / 2)
                    half = Job(port=port, shape=shape, connections=connections, seconds=plan.seconds,
                               rate=rate, first=result.next)  # fmt: skip
                    result = _counted(database, half, figures)
                    figures.half.setdefault(key, []).append(result)
                first = result.next
    provider.finish()


def _counted(database: Database, job: Job, figures: Figures) -> Result:
    """Send, and compare what was promised with what is stored."""
    before = database.count("episode")
    result = processes.send(job)
    figures.refused += result.refused
    if not job.shape.startswith("rep"):
        stored = database.count("episode") - before
        figures.lost += max(0, result.answered_alerts - stored)
    return result


def described(figures: Figures) -> Iterator[dict[str, object]]:
    """One entry for each database, number of connections and shape: medians over the rounds."""
    for key, results in figures.product.items():
        kind, connections, shape = key
        floors = figures.floor[key]
        half = figures.half.get(key, [])
        yield {
            "database": kind,
            "connections": connections,
            "shape": shape,
            "floor_alerts_per_second": middle((one.alerts_per_second for one in floors), 0),
            "product_alerts_per_second": middle((one.alerts_per_second for one in results), 0),
            "ratio": middle(
                (ours.alerts_per_second / max(theirs.alerts_per_second, 1e-9)
                 for ours, theirs in zip(results, floors, strict=True)), 3
            ),
            "floor_p99_ms": middle(one.p99_ms for one in floors),
            "product_p50_ms": middle(one.p50_ms for one in results),
            "product_p99_ms": middle(one.p99_ms for one in results),
            "half_rate_p50_ms": middle(one.p50_ms for one in half) if half else None,
            "half_rate_p99_ms": middle(one.p99_ms for one in half) if half else None,
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 64])
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument(
        "--quick", action="store_true", help="a look in a few seconds; the figures mean nothing"
    )
    chosen = parser.parse_args()
    plan = Plan(
        rounds=1 if chosen.quick else chosen.rounds,
        seconds=0.4 if chosen.quick else chosen.seconds,
        kinds=chosen.databases,
        connections=chosen.connections[:1] if chosen.quick else chosen.connections,
        shapes=chosen.shapes,
    )
    figures = measure(plan)
    entries = list(described(figures))
    heads = ["database", "connections", "shape", "floor_alerts_per_second", "product_alerts_per_second", "ratio",
             "product_p50_ms", "product_p99_ms", "half_rate_p99_ms"]  # fmt: skip
    short = [head.replace("_alerts_per_second", "/s").replace("product_p", "p") for head in heads]
    table(short, ([entry[head] for head in heads] for entry in entries))
    progress(f"lost: {figures.lost}, refused: {figures.refused}")
    emit(
        {
            "benchmark": "ingest",
            "versions": versions(),
            "goals": GOALS,
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "figures": entries,
            "lost": figures.lost,
            "refused": figures.refused,
        }
    )


if __name__ == "__main__":
    main()
