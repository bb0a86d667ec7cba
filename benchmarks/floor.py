"""The floor: the same HTTP server and one batched upsert for each group commit, without any decision.

`floor.py` measures it alone; `floor.py --serve PORT --database URL` runs it for `ingest.py`, which measures it in turn
with the product. It decodes the body, stores one row for each alert and answers after the commit, nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import threading
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import psycopg
import uvicorn

from benchmarks.rig import processes
from benchmarks.rig.load import Job
from benchmarks.rig.report import emit, middle, progress, table, versions

BATCH = 256
SHAPES = ("new1", "rep1", "new50", "rep50")
TABLE = """
CREATE TABLE IF NOT EXISTS alert (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, labels TEXT NOT NULL, annotations TEXT NOT NULL,
    starts_at TEXT NOT NULL, ends_at TEXT NOT NULL, seen_at TEXT NOT NULL
)
"""
UPDATE = "ON CONFLICT (key) DO UPDATE SET status = excluded.status, seen_at = excluded.seen_at"
COLUMNS = 7

Row = tuple[str, ...]
Message = MutableMapping[str, Any]


class Writer(Protocol):
    """Stores rows in one transaction."""

    def store(self, rows: Sequence[Row]) -> None:
        """Come back when they are durable."""


class OnSqlite:
    """WAL, every commit synchronised to disk."""

    def __init__(self, path: str) -> None:
        """Open the file."""
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", TABLE):
            self._connection.execute(statement)
        self._statement = f"INSERT INTO alert VALUES ({', '.join('?' * COLUMNS)}) {UPDATE}"

    def store(self, rows: Sequence[Row]) -> None:
        """Upsert all, then commit."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(self._statement, rows)
        self._connection.execute("COMMIT")


class OnPostgresql:
    """Arrays and `unnest`: one statement a batch."""

    def __init__(self, url: str) -> None:
        """Connect."""
        self._connection = psycopg.connect(url)
        self._connection.execute(TABLE)
        self._connection.commit()
        arrays = ", ".join(["%s::text[]"] * COLUMNS)
        self._statement = f"INSERT INTO alert SELECT * FROM unnest({arrays}) {UPDATE}".encode()

    def store(self, rows: Sequence[Row]) -> None:
        """Upsert all, then commit."""
        latest = {row[0]: row for row in rows}
        self._connection.execute(
            self._statement, [list(column) for column in zip(*latest.values(), strict=True)]
        )
        self._connection.commit()


class Floor:
    """Bare ASGI: bodies wait, one thread takes all that wait, commits once, answers."""

    def __init__(self, writer: Writer) -> None:
        """Start the thread."""
        self._writer = writer
        self._waiting: deque[tuple[bytes, asyncio.Future[int]]] = deque()
        self._wake = threading.Semaphore(0)
        self._loop: asyncio.AbstractEventLoop | None = None
        threading.Thread(target=self._write, daemon=True).start()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request when its alerts are stored."""
        body = b""
        more = scope["method"] == "POST"
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        stored = await self._stored(body) if body else 0
        answer = b'{"alerts":%d}' % stored
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _stored(self, body: bytes) -> int:
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = self._loop.create_future()
        self._waiting.append((body, future))
        self._wake.release()
        return await future

    def _write(self) -> None:
        while True:
            self._wake.acquire()
            batch = [self._waiting.popleft()]
            while self._waiting and len(batch) < BATCH:
                if self._wake.acquire(blocking=False):
                    batch.append(self._waiting.popleft())
            told = [_rows(body) for body, _ in batch]
            self._writer.store([row for rows in told for row in rows])
            if self._loop is not None:
                answers = [(future, len(rows)) for (_, future), rows in zip(batch, told, strict=True)]
                self._loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: list[tuple[asyncio.Future[int], int]]) -> None:
    for future, stored in answers:
        if not future.done():
            future.set_result(stored)


def _rows(body: bytes) -> list[Row]:
    now = datetime.now(UTC).isoformat()
    return [
        (
            alert["fingerprint"], alert["status"], json.dumps(alert["labels"]), json.dumps(alert["annotations"]),
            alert["startsAt"], alert["endsAt"], now,
        )
        for alert in json.loads(body)["alerts"]
    ]  # fmt: skip


def serve(port: int, url: str) -> None:
    writer = OnSqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else OnPostgresql(url)
    uvicorn.run(
        Floor(writer),
        host="127.0.0.1",
        port=port,
        backlog=4096,
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


def measure(*, rounds: int, seconds: float, kinds: Sequence[str], connections: int) -> dict[str, object]:
    figures: dict[str, dict[str, dict[str, list[float]]]] = {}
    with processes.databases() as made:
        for number in range(rounds):
            for kind in kinds:
                progress(f"round {number + 1} of {rounds}: floor on {kind}")
                with processes.floor(made.fresh(kind)) as port:
                    first = 0
                    for shape in SHAPES:
                        job = Job(
                            port=port, shape=shape, connections=connections, seconds=seconds, first=first
                        )
                        result = processes.send(job)
                        first = result.next
                        kept = figures.setdefault(kind, {}).setdefault(
                            shape, {"alerts_per_second": [], "p99_ms": []}
                        )
                        kept["alerts_per_second"].append(result.alerts_per_second)
                        kept["p99_ms"].append(result.p99_ms)
    return {
        kind: {
            shape: {name: middle(values) for name, values in kept.items()} for shape, kept in shapes.items()
        }
        for kind, shapes in figures.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--serve", type=int, metavar="PORT", help="only run the server")
    parser.add_argument("--database", help="the database of --serve")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each shape and round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument(
        "--quick", action="store_true", help="a look in a few seconds; the figures mean nothing"
    )
    chosen = parser.parse_args()
    if chosen.serve is not None:
        serve(chosen.serve, chosen.database)
        return
    rounds, seconds = (1, 0.4) if chosen.quick else (chosen.rounds, chosen.seconds)
    figures = measure(rounds=rounds, seconds=seconds, kinds=chosen.databases, connections=chosen.connections)
    rows = [
        (kind, shape, *values.values())
        for kind, shapes in figures.items() if isinstance(shapes, dict)
        for shape, values in shapes.items()
    ]  # fmt: skip
    table(["database", "shape", "alerts/s", "p99 ms"], rows)
    emit(
        {
            "benchmark": "floor",
            "versions": versions(),
            "rounds": rounds,
            "seconds": seconds,
            "figures": figures,
        }
    )


if __name__ == "__main__":
    main()
