"""Server time of every page and list with 10,000 incidents and 1,000,000 episodes, through the real application.

Every address that is read (GET) is found by walking the application's routes, and asked in process: from the request to
the last byte of the answer, without a network. Processor time stands beside it: it says nearly the same on a machine
that others use, but of PostgreSQL it lacks the server's share. `--keep DIRECTORY` keeps the filled SQLite file.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from fastapi.routing import APIRoute
from pydantic import SecretStr

from benchmarks.rig import processes
from benchmarks.rig.filled import CONFIGURATION, Amount, fill
from benchmarks.rig.processes import Database, Databases
from benchmarks.rig.replicas import configured
from benchmarks.rig.report import emit, progress, table, versions
from incident_bot import bootstrap
from incident_bot.config.settings import Settings
from incident_bot.entrypoints.api.parameters import cursor_after
from incident_bot.store.engine import Store
from incident_bot.telemetry import configure_logging

GOAL_MS = 100.0
AMOUNT = Amount(incidents=10_000, episodes=1_000_000)
QUICK = Amount(incidents=120, episodes=2_000)
ROUNDS = 7
ENDLESS = ("/live",)
"""Streams: what they send first says nothing, and they never end."""
WORDS = {
    "schedule": "platform-primary", "person": "p0", "team": "platform", "source": "alertmanager",
    "path": "services/alert-1.md", "token": "none",
}  # fmt: skip
"""What stands in an address for a word in braces."""
BESIDES = (
    "/incidents?state=open", "/incidents?state=resolved", "/incidents?severity=P1", "/incidents/{storm}",
    "/incidents?team=payments&service=payments-db", "/incidents?cursor={cursor}",
    "/api/v1/incidents/{storm}", "/api/v1/incidents?state=open&limit=200", "/api/v1/incidents?team=platform",
    "/api/v1/alerts?status=firing", "/api/v1/alerts?status=resolved", "/api/v1/alerts?source=alertmanager",
    "/api/v1/alerts?incident={storm}", "/api/v1/alerts?incident={id}",
    "/insights?days=7", "/insights?team=payments", "/insights?severity=P1", "/insights?days=91",
    "/alerts?alert=Alert001", "/alerts?alert=Alert150", "/alerts?status=firing", "/alerts?incident={storm}",
    "/incidents?alert=Alert001", "/incidents?alert=Alert150", "/incidents?paged=p0", "/incidents?slower=30m",
    "/incidents?drill=yes",
)  # fmt: skip
"""Addresses that no route names by itself."""


def measure(
    made: Databases, kind: str, amount: Amount, *, rounds: int, keep: Path | None
) -> list[dict[str, Any]]:
    """Fill a database and ask every address so often."""
    database = _filled(made, kind, amount, keep)
    with TemporaryDirectory(prefix="incident_bot_bench_pages_") as folder:
        directory = configured(Path(folder), CONFIGURATION)
        application = bootstrap.build(
            Settings(database_url=SecretStr(database.url), config_dir=directory, default_channel="stdout")
        )
        try:
            application.context.live.record(now=application.clock.now())
            return asyncio.run(_ask_all(application, kind, amount, rounds))
        finally:
            application.app.state.desk.streams.close()
            application.close()


def _filled(made: Databases, kind: str, amount: Amount, keep: Path | None) -> Database:
    kept = keep / f"pages-{amount.incidents}-{amount.episodes}.db" if keep and kind == "sqlite" else None
    database = made.fresh(kind)
    if kept and kept.exists():
        shutil.copy(kept, database.url.removeprefix("sqlite:///"))
        return database
    store = Store.open(database.url)
    store.upgrade()
    store.close()
    progress(f"filling {kind} with {amount.incidents:,} incidents and {amount.episodes:,} episodes")
    began = time.perf_counter()
    fill(database, amount, now=datetime.now(UTC))
    progress(f"filled in {time.perf_counter() - began:.0f} s")
    if kept:
        shutil.copy(database.url.removeprefix("sqlite:///"), kept)
    return database


async def _ask_all(
    application: bootstrap.Application, kind: str, amount: Amount, rounds: int
) -> list[dict[str, Any]]:
    entries = []
    for route, address in _addresses(application, amount):
        took: list[float] = []
        worked: list[float] = []
        for _ in range(rounds + 1):
            began = time.process_time()
            status, size, seconds = await ask(application.app, address)
            took.append(seconds * 1000)
            worked.append((time.process_time() - began) * 1000)
        entries.append(
            {
                "database": kind, "route": route, "address": address, "status": status, "bytes": size,
                "first_ms": round(took[0], 1), "p50_ms": round(median(took[1:]), 1),
                "cpu_ms": round(median(worked[1:]), 1),
            }
        )  # fmt: skip
    return sorted(entries, key=lambda one: -float(one["p50_ms"]))


def _addresses(application: bootstrap.Application, amount: Amount) -> Iterator[tuple[str, str]]:
    """Give every address that is read, as it is written and as it is asked."""
    named = {
        **WORDS, "id": f"INC-{amount.incidents - 3}", "n": "1", "number": "1", "storm": f"INC-{amount.incidents}",
        "cursor": cursor_after(amount.incidents // 2),
    }  # fmt: skip
    routers = [getattr(one, "original_router", None) for one in application.app.routes]
    for route in (route for router in routers if router is not None for route in router.routes):
        if (
            isinstance(route, APIRoute)
            and "GET" in (route.methods or ())
            and not route.path.endswith(ENDLESS)
        ):
            yield route.path, _asked(route.path, named)
    for path in BESIDES:
        yield path, _asked(path, named)


def _asked(path: str, named: dict[str, str]) -> str:
    if "alerts/" in path:
        return re.sub(r"\{\w+\}", "1", path)
    if "people/" in path:
        return re.sub(r"\{\w+\}", "p0", path)
    if "schedules/" in path:
        return re.sub(r"\{\w+\}", "platform-primary", path)
    if "teams/" in path:
        return re.sub(r"\{\w+\}", "platform", path)
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: named.get(found[1], "none"), path)


async def ask(app: Any, address: str) -> tuple[int, int, float]:
    """Ask once, as a browser on this machine would; gives status, size of the body, and seconds."""
    path, _, query = address.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"localhost:8080")], "client": ("127.0.0.1", 50000), "server": ("localhost", 8080),
    }  # fmt: skip
    told = {"status": 0, "size": 0}
    over = asyncio.Event()

    asked = iter(({"type": "http.request", "body": b"", "more_body": False},))

    async def receive() -> dict[str, Any]:
        for message in asked:
            return message
        # Whoever streams an answer listens for its end meanwhile.
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told["status"] = message.get("status", told["status"])
        told["size"] += len(message.get("body", b""))

    began = time.perf_counter()
    await app(scope, receive, send)
    took = time.perf_counter() - began
    over.set()
    return told["status"], told["size"], took


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--incidents", type=int, default=AMOUNT.incidents)
    parser.add_argument("--episodes", type=int, default=AMOUNT.episodes)
    parser.add_argument("--keep", type=Path, help="a directory for the filled SQLite file")
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--quick", action="store_true", help="a look in seconds; the figures mean nothing")
    chosen = parser.parse_args()
    rounds = 1 if chosen.quick else chosen.rounds
    amount = QUICK if chosen.quick else Amount(incidents=chosen.incidents, episodes=chosen.episodes)
    configure_logging(level="error", style="json")
    entries: list[dict[str, Any]] = []
    with processes.databases() as made:
        for kind in chosen.databases:
            progress(f"round 1 of {rounds} and the others: every page on {kind}")
            entries += measure(made, kind, amount, rounds=rounds, keep=chosen.keep)
    heads = ("database", "address", "status", "bytes", "first_ms", "p50_ms", "cpu_ms")
    table(heads, ([one[head] for head in heads] for one in entries))
    slow = [one["address"] for one in entries if one["p50_ms"] > GOAL_MS]
    emit({"benchmark": "pages", "versions": versions(), "goals": {"p50_ms": GOAL_MS}, "rounds": rounds,
          "incidents": amount.incidents, "episodes": amount.episodes, "slower": slow, "figures": entries})  # fmt: skip


if __name__ == "__main__":
    main()
