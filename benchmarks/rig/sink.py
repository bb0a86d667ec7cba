"""A provider that takes every page at once, in a process of its own, and remembers when each came.

Prints its port; when its input ends it prints, as JSON, `[time, number of the alert name]` for each page.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

NUMBER = re.compile(rb"Bench([0-9]{12})")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


class _Provider(asyncio.Protocol):
    def __init__(self, came: list[tuple[float, int]]) -> None:
        self._came = came
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._received) < end + 4 + length:
            return
        body = self._received[end + 4 : end + 4 + length]
        self._received = self._received[end + 4 + length :]
        if self._transport is not None:
            self._transport.write(ANSWER)
        if b'"kind":"page"' in body or b'"kind": "page"' in body:
            # Several pages may stand in one message.
            self._came.extend((at, int(number)) for number in set(NUMBER.findall(body)))


async def _serve() -> list[tuple[float, int]]:
    came: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Provider(came), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    return came


def main() -> None:
    json.dump(asyncio.run(_serve()), sys.stdout)


if __name__ == "__main__":
    main()
