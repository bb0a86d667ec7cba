"""From the last byte of a delivery to the page on the provider's socket, while new groups come at a steady rate.

Every delivery opens an incident of its own, and every incident pages one person at once; the provider answers at once.
Times are the machine's monotonic clock, which all processes share. A page that never comes is counted as lost.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.rig import processes
from benchmarks.rig.load import Job, Result
from benchmarks.rig.processes import Databases, Provider
from benchmarks.rig.report import emit, middle, progress, table, versions

GOALS = {"p50_ms": 10.0, "p99_ms": 50.0}
CONNECTIONS = 32
PATIENCE_SECONDS = 10.0

Key = tuple[str, float]
"""Database, groups a second."""


@dataclass(slots=True)
class Round:
    """One rate on one database, once."""

    from_received: list[float] = field(default_factory=list)
    from_answered: list[float] = field(default_factory=list)
    lost: int = 0
    twice: int = 0
    refused: int = 0
    cpu_ms: float = 0.0
    """Processor time of the bot for each page, from the delivery to the record of what came of it."""


def measure(
    *, rounds: int, seconds: float, kinds: Sequence[str], rates: Sequence[float]
) -> dict[Key, list[Round]]:
    """Run every rate on every database, each on a fresh one."""
    figures: dict[Key, list[Round]] = {}
    with processes.databases() as made:
        for number in range(rounds):
            for kind in kinds:
                for rate in rates:
                    progress(f"round {number + 1} of {rounds}: {rate:g} new groups a second on {kind}")
                    figures.setdefault((kind, rate), []).append(_round(made, kind, rate, seconds))
    return figures


def _round(made: Databases, kind: str, rate: float, seconds: float) -> Round:
    provider = Provider()
    database = made.fresh(kind)
    with processes.served(database, provider) as bot:
        before = processes.processor_seconds(bot.pid)
        job = Job(
            port=bot.port, shape="open1", connections=CONNECTIONS, seconds=seconds, rate=rate, trace=True
        )
        result = processes.send(job)
        processes.await_pages(database, seconds=PATIENCE_SECONDS)
        compared = _compared(result, provider.finish())
        spent = processes.processor_seconds(bot.pid) - before
        compared.cpu_ms = spent * 1000 / max(1, len(compared.from_received))
        return compared


def _compared(result: Result, came: Sequence[tuple[float, int]]) -> Round:
    first: dict[int, float] = {}
    for at, number in came:
        first.setdefault(number, at)
    compared = Round(refused=result.refused, twice=len(came) - len(first))
    for number, sent_at, answered_at in result.trace:
        paged_at = first.get(number)
        if paged_at is None:
            compared.lost += 1
            continue
        compared.from_received.append((paged_at - sent_at) * 1000)
        compared.from_answered.append((paged_at - answered_at) * 1000)
    return compared


def described(figures: dict[Key, list[Round]]) -> Iterator[dict[str, object]]:
    """One entry for each database and rate: medians over the rounds."""
    for (kind, rate), rounds in figures.items():
        yield {
            "database": kind,
            "groups_per_second": rate,
            "pages": sum(len(one.from_received) for one in rounds),
            "received_to_page_p50_ms": middle(_part(one.from_received, 50) for one in rounds),
            "received_to_page_p99_ms": middle(_part(one.from_received, 99) for one in rounds),
            "answered_to_page_p50_ms": middle(_part(one.from_answered, 50) for one in rounds),
            "answered_to_page_p99_ms": middle(_part(one.from_answered, 99) for one in rounds),
            "cpu_ms_per_page": middle(one.cpu_ms for one in rounds),
            "lost": sum(one.lost for one in rounds),
            "twice": sum(one.twice for one in rounds),
            "refused": sum(one.refused for one in rounds),
        }


def _part(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each rate and round")
    parser.add_argument("--rates", type=float, nargs="+", default=[30, 100, 300])
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument(
        "--quick", action="store_true", help="a look in a few seconds; the figures mean nothing"
    )
    chosen = parser.parse_args()
    rounds, seconds = (1, 0.5) if chosen.quick else (chosen.rounds, chosen.seconds)
    rates = chosen.rates[:1] if chosen.quick else chosen.rates
    entries = list(described(measure(rounds=rounds, seconds=seconds, kinds=chosen.databases, rates=rates)))
    heads = ["database", "groups_per_second", "pages", "received_to_page_p50_ms", "received_to_page_p99_ms",
             "answered_to_page_p50_ms", "answered_to_page_p99_ms", "cpu_ms_per_page", "lost"]  # fmt: skip
    table([head.replace("_per_second", "/s").replace("_to_page", "") for head in heads],
          ([entry[head] for head in heads] for entry in entries))  # fmt: skip
    emit(
        {
            "benchmark": "paging",
            "versions": versions(),
            "goals": GOALS,
            "rounds": rounds,
            "seconds": seconds,
            "figures": entries,
        }
    )


if __name__ == "__main__":
    main()
