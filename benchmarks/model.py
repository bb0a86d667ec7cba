"""The model test for as long as wanted: random stories on a real database, P1 to P16 held against each (semantics, 5).

    python benchmarks/model.py --minutes 30 --database postgresql --replicas 4 --seed 1

Three stories in turn: replicas in turns that the seed draws; the same story with deaths, without, and with one replica;
replicas at the same moment, on PostgreSQL. What breaks is shortened and printed; then it ends with 1.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from benchmarks.rig.report import emit, progress, versions
from tests.fakes.alertmanager import Alertmanager, AlertmanagerApi
from tests.model.actions import ACTIONS
from tests.model.scripts import (
    Databases,
    Failure,
    Script,
    drawn,
    drawn_plain,
    play,
    postgresql,
    problem_of,
    shortened,
    sqlite,
    twins,
)

DATABASES: dict[str, Databases] = {"sqlite": sqlite, "postgresql": postgresql}
NAMES = frozenset(kind.name for kind in ACTIONS)
EVERY = 50
"""After so many stories it says where it stands."""
QUICK = 3


@dataclass
class Run:
    """What a run has done so far."""

    database: str
    replicas: int
    scripts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def story(self, seed: int, api: AlertmanagerApi) -> None:
        """Draw the story of a seed and play it."""
        databases = DATABASES[self.database]
        alone = [self._in_turns, self._as_twins]
        ways = [*alone, self._at_once] if self.database == "postgresql" and self.replicas > 1 else alone
        script, once = ways[seed % len(ways)](seed, databases, api)

        def breaks(wanted: Script) -> str | None:
            return problem_of(lambda: once(wanted))

        problem = breaks(script)
        self.scripts += 1
        if problem is not None:
            progress(f"seed {seed}: {problem}; making it shorter")
            self.failures.append(shortened(script, breaks))
            progress(str(self.failures[-1]))

    def _in_turns(
        self, seed: int, databases: Databases, api: AlertmanagerApi
    ) -> tuple[Script, Callable[[Script], None]]:
        return drawn(seed, replicas=self.replicas), self._on_one(databases, api)

    def _at_once(
        self, seed: int, databases: Databases, api: AlertmanagerApi
    ) -> tuple[Script, Callable[[Script], None]]:
        return drawn(seed, replicas=self.replicas, threads=True), self._on_one(databases, api)

    def _as_twins(
        self, seed: int, databases: Databases, api: AlertmanagerApi
    ) -> tuple[Script, Callable[[Script], None]]:
        return drawn_plain(seed, replicas=self.replicas), lambda script: twins(
            script, databases, api, self.counts
        )

    def _on_one(self, databases: Databases, api: AlertmanagerApi) -> Callable[[Script], None]:
        def once(script: Script) -> None:
            with databases() as url:
                play(script, url, api, self.counts)

        return once


def main() -> None:
    options = _options()
    # The bot tells of each mistake that a story makes on purpose.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    run = Run(options.database, options.replicas)
    began, seed = time.monotonic(), options.seed
    progress(
        f"round 1 of 1: stories from seed {seed} on {options.database}, up to {options.replicas} replicas"
    )
    with AlertmanagerApi(Alertmanager()) as api:
        while run.scripts < QUICK if options.quick else time.monotonic() - began < options.minutes * 60:
            run.story(seed, api)
            seed += 1
            if run.scripts % EVERY == 0:
                progress(f"{run.scripts} stories, {len(run.failures)} broke")
    emit(
        {
            "benchmark": "model",
            "versions": versions(),
            "database": run.database,
            "replicas": run.replicas,
            "seconds": round(time.monotonic() - began, 1),
            "seeds": [options.seed, seed - 1],
            "stories": run.scripts,
            "actions": {name: number for name, number in sorted(run.counts.items()) if name in NAMES},
            "seen": {name: number for name, number in sorted(run.counts.items()) if name not in NAMES},
            "violations": [str(failure) for failure in run.failures],
        }
    )
    if run.failures:
        raise SystemExit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--database", choices=sorted(DATABASES), default="sqlite")
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="three stories, to see that it runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
