"""What 100,000 pending timers cost: memory, finding what is due, arming, firing, an idle bot, and how late they are.

The store's part runs in this process; memory, idle cost and lateness are those of `incident-bot serve`, beside a bot
with no timers at all on a database of its own. Timers that fire here find nothing to do: their own cost is measured.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.rig import processes
from benchmarks.rig.processes import CONFIGURATION, Database, Databases
from benchmarks.rig.replicas import Replica, configured
from benchmarks.rig.report import emit, middle, progress, table, versions
from incident_bot.core.effects import TimerKind
from incident_bot.store import timers
from incident_bot.store.engine import Store
from incident_bot.store.timers import Timer

FEW = 100
MANY = 100_000
ARMED_AT_ONCE = 500
FIRED_AT_ONCE = 50
PER_SECOND = 500
LOOKS = 300
AHEAD = timedelta(days=300)
GOALS = {
    "memory_mb": 5.0, "find_ms": 0.1, "idle_share_percent": 0.5, "arm_us": 40.0, "fire_us": 100.0, "late_p99_s": 1.0,
    "ready_s": 3.0, "idle_pss_mb": 110.0,
}  # fmt: skip
NOWHERE = "http://127.0.0.1:9/"

Figures = dict[str, float]


class Cost:
    """Time and processor time for each of many things, in microseconds."""

    def __init__(self, number: int) -> None:
        """Begin to measure."""
        self._number = number
        self._began = (time.perf_counter(), time.process_time())
        self.wall = self.cpu = 0.0

    def over(self) -> Cost:
        """End."""
        wall, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        self.wall, self.cpu = wall / self._number * 1e6, cpu / self._number * 1e6
        return self


def pending(first: int, number: int, due_at: Callable[[int], datetime]) -> Iterator[Timer]:
    """Give timers that are about an episode that there is not."""
    for place in range(first, first + number):
        yield Timer(kind=TimerKind.EPISODE, key=f"bench:{place}", subject=2**40 + place, due_at=due_at(place))


def arm(store: Store, wanted: Sequence[Timer], *, now: datetime) -> Cost:
    """Set them in batches."""
    cost = Cost(len(wanted))
    for place in range(0, len(wanted), ARMED_AT_ONCE):
        with store.write() as tx:
            timers.set_timers(tx, wanted[place : place + ARMED_AT_ONCE], now=now)
    return cost.over()


def find(store: Store, *, now: datetime) -> tuple[float, float]:
    """Give how long it takes to ask for the next due time, and to claim when nothing is due, in milliseconds."""
    asked, claimed = [], []
    with store.read() as tx:
        for _ in range(LOOKS):
            began = time.perf_counter()
            timers.next_due(tx)
            asked.append(time.perf_counter() - began)
    for _ in range(LOOKS):
        with store.write() as tx:
            began = time.perf_counter()
            timers.claim_due(tx, limit=FIRED_AT_ONCE, now=now)
            claimed.append(time.perf_counter() - began)
    return median(asked) * 1000, median(claimed) * 1000


def fire(store: Store, number: int, *, now: datetime) -> Cost:
    """Claim and remove what is due, in batches, until nothing is."""
    cost = Cost(number)
    left = number
    while left > 0:
        with store.write() as tx:
            due = timers.claim_due(tx, limit=FIRED_AT_ONCE, now=now)
            timers.done(tx, *due)
        left -= len(due) or left
    return cost.over()


def stored(database: Database, many: int) -> Figures:
    """What the store's part costs, with few timers and with many."""
    store = Store.open(database.url)
    store.upgrade()
    now = datetime.now(UTC)
    try:
        arm(store, list(pending(0, FEW, lambda place: now + AHEAD + timedelta(seconds=place))), now=now)
        few, claim_few = find(store, now=now)
        armed = arm(
            store,
            list(pending(FEW, many - FEW, lambda place: now + AHEAD + timedelta(seconds=place))),
            now=now,
        )
        find_many, claim_many = find(store, now=now)
        due = many // 20
        arm(store, list(pending(many, due, lambda place: now - timedelta(microseconds=place))), now=now)
        fired = fire(store, due, now=now)
    finally:
        store.close()
    return {
        "find_few_ms": few, "find_ms": find_many, "find_ratio": find_many / few,
        "claim_few_ms": claim_few, "claim_ms": claim_many, "claim_ratio": claim_many / claim_few,
        "arm_us": armed.wall, "arm_cpu_us": armed.cpu, "fire_us": fired.wall, "fire_cpu_us": fired.cpu,
    }  # fmt: skip


def served(database: Database, *, seconds: float, storm: float) -> Figures:
    """What a bot needs on this database while nothing happens, and how late it is when much falls due."""
    with tempfile.TemporaryDirectory(prefix="incident_bot_timers_") as folder:
        directory = configured(Path(folder, "configuration"), CONFIGURATION)
        bot = Replica(directory, database, NOWHERE, Path(folder, "log"))
        began = time.monotonic()
        bot.start()
        try:
            bot.await_ready()
            ready = time.monotonic() - began
            time.sleep(min(2.0, seconds))
            before, at = processes.processor_seconds(bot.pid), time.monotonic()
            time.sleep(seconds)
            share = (processes.processor_seconds(bot.pid) - before) / (time.monotonic() - at) * 100
            figures = {"ready_s": ready, "idle_share_percent": share, "idle_pss_mb": pss(bot.pid)}
            if storm:
                figures |= lateness(database, storm)
        finally:
            bot.stop()
    return figures


def lateness(database: Database, seconds: float) -> Figures:
    """Have five hundred timers a second fall due; looks again and again how long the oldest one waits."""
    store = Store.open(database.url)
    now = datetime.now(UTC)
    start = now + timedelta(seconds=3)
    number = int(seconds * PER_SECOND)
    wanted = pending(10**9, number, lambda place: start + timedelta(seconds=(place - 10**9) / PER_SECOND))
    ages = []
    try:
        arm(store, list(wanted), now=now)
        end = start + timedelta(seconds=seconds + 30)
        time.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()))
        while (now := datetime.now(UTC)) < end:
            with store.read() as tx:
                due = timers.next_due(tx)
            ages.append(max(0.0, (now - due).total_seconds()) if due else 0.0)
            if due is None or due > start + timedelta(seconds=seconds):
                break
            time.sleep(0.01)
    finally:
        store.close()
    ages.sort()
    return {"late_p99_s": ages[len(ages) * 99 // 100], "late_most_s": ages[-1]}


def pss(pid: int) -> float:
    """Give a process's share of memory in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measure(made: Databases, kind: str, *, many: int, seconds: float, storm: float) -> Figures:
    """Run it all once, on two fresh databases."""
    bare, full = made.fresh(kind), made.fresh(kind)
    figures = stored(full, many)
    # The first start migrates and compiles: it is not the one that counts.
    if seconds > 1:
        served(bare, seconds=0.1, storm=0)
    none = served(bare, seconds=seconds, storm=0)
    some = served(full, seconds=seconds, storm=storm)
    figures |= some
    figures |= {
        "memory_mb": some["idle_pss_mb"] - none["idle_pss_mb"],
        "idle_share_none_percent": none["idle_share_percent"],
    }
    return figures


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long an idle bot is watched")
    parser.add_argument("--timers", type=int, default=MANY)
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--quick", action="store_true", help="a look in seconds; the figures mean nothing")
    chosen = parser.parse_args()
    rounds, seconds, many = (1, 0.5, 2000) if chosen.quick else (chosen.rounds, chosen.seconds, chosen.timers)
    storm = 0.5 if chosen.quick else 6.0
    entries: list[dict[str, Any]] = []
    with processes.databases() as made:
        for kind in chosen.databases:
            found = []
            for number in range(rounds):
                progress(f"round {number + 1} of {rounds}: {many} timers on {kind}")
                found.append(measure(made, kind, many=many, seconds=seconds, storm=storm))
            entries.append(
                {"database": kind, **{name: middle((one[name] for one in found), 3) for name in found[0]}}
            )
    names = [name for name in entries[0] if name != "database"]
    table(["", *(one["database"] for one in entries), "goal"],
          ([name, *(one[name] for one in entries), GOALS.get(name, "")] for name in names))  # fmt: skip
    emit({"benchmark": "timers", "versions": versions(), "goals": GOALS, "rounds": rounds, "timers": many,
          "figures": entries})  # fmt: skip


if __name__ == "__main__":
    main()
