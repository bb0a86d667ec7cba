"""Who talks to replicas that die: senders that come again as Alertmanager does, and people who acknowledge."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from benchmarks.rig.counting import CountingProvider

TIMEOUT_SECONDS = 15.0
AGAIN_SECONDS = (0.05, 0.1, 0.2, 0.4)
OK = 200
SERVER_ERROR = 500


def post(port: int, path: str, content: bytes, headers: dict[str, str]) -> int:
    """Post once; gives the status, or 0 where no answer came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", path, content, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return 0
    else:
        return answer.status
    finally:
        connection.close()


@dataclass(slots=True)
class Crowd:
    """What senders and people share, and what they were told."""

    ports: Sequence[int]
    make: Callable[[int], bytes]
    """Makes the body of the delivery with this number."""
    stop: threading.Event = field(default_factory=threading.Event)
    numbers: count[int] = field(default_factory=count)
    lock: threading.Lock = field(default_factory=threading.Lock)
    promised: set[int] = field(default_factory=set)
    """Deliveries that were answered with 200."""
    refused: dict[int, int] = field(default_factory=dict)
    """Deliveries that were answered with what forbids to come again."""
    again: int = 0
    acknowledged: dict[str, float] = field(default_factory=dict)
    """Incident → when the answer to its acknowledgement had come, by the machine's clock."""
    commands_refused: int = 0

    def send(self, seed: int, pause: float) -> None:
        """Send one delivery after the other, each until it is answered with 200, until `stop`."""
        chance = random.Random(seed)
        while not self.stop.is_set():
            with self.lock:
                number = next(self.numbers)
            self._deliver(number, chance)
            time.sleep(chance.random() * 2 * pause)

    def _deliver(self, number: int, chance: random.Random) -> None:
        body = self.make(number)
        for attempt in count():
            status = post(chance.choice(self.ports), "/webhooks/alertmanager", body, {})
            if status == OK:
                self.promised.add(number)
                return
            if status and status < SERVER_ERROR:
                self.refused[number] = status
                return
            with self.lock:
                self.again += 1
            time.sleep(AGAIN_SECONDS[min(attempt, len(AGAIN_SECONDS) - 1)])

    def acknowledge(self, provider: CountingProvider, seed: int) -> None:
        """Acknowledge every second incident that pages somebody, some at once and some later, until `stop`."""
        chance = random.Random(seed)
        looked = 0
        seen: set[str] = set()
        due: list[tuple[float, str]] = []
        while not self.stop.is_set() or due:
            came = provider.came()
            for one in came[looked:]:
                if one.kind == "page" and one.incident not in seen:
                    seen.add(one.incident)
                    if chance.random() < 1 / 2:
                        due.append((time.monotonic() + chance.random() * 6, one.incident))
            looked = len(came)
            for at, incident in [one for one in due if one[0] <= time.monotonic()]:
                if self._acknowledge(incident, chance):
                    due.remove((at, incident))
            time.sleep(0.02)

    def _acknowledge(self, incident: str, chance: random.Random) -> bool:
        content = json.dumps({"text": "ack"}).encode()
        path = f"/api/v1/incidents/{incident}/commands"
        status = post(chance.choice(self.ports), path, content, {"Idempotency-Key": f"ack {incident}"})
        if status == OK:
            self.acknowledged[incident] = time.time()
        elif status and status < SERVER_ERROR:
            self.commands_refused += 1
            return True
        return status == OK
