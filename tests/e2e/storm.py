"""Many senders at once, each remembering what it was promised, as Alertmanagers do; and what must hold afterwards."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from tests.e2e.bodies import alert, delivery, encoded
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import WebhookSink

SENDERS = 8


def bodies(groups: int, *, names: int, alerts: int = 2) -> list[tuple[list[str], bytes]]:
    """Deliveries of one group each, with the instances they tell of; alerts of one name make one incident."""
    made = []
    for number in range(groups):
        instances = [f"host-{number:04d}-{place}" for place in range(alerts)]
        told = [
            alert(f"Storm{number % names:03d}", instance=instance, severity="critical")
            for instance in instances
        ]
        made.append((instances, encoded(delivery(told, group=f"storm {number}"))))
    return made


@dataclass(slots=True)
class Storm:
    """Sends every body once, eight at a time; what was not answered with 200 stays in `unsent`."""

    url: str
    waiting: list[tuple[list[str], bytes]]
    promised: set[str] = field(default_factory=set)
    unsent: list[tuple[list[str], bytes]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, meanwhile: Callable[[Storm], None] | None = None) -> None:
        """Send until everything was tried; `meanwhile` runs beside it, in this thread."""
        threads = [threading.Thread(target=self._send, name=f"sender-{number}") for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        if meanwhile is not None:
            meanwhile(self)
        for thread in threads:
            thread.join()

    def again(self) -> None:
        """Send once more what was refused or never answered, as Alertmanager does; all of it must be taken now."""
        self.waiting, self.unsent = self.unsent, []
        self.run()
        assert not self.unsent, f"{len(self.unsent)} refused again: {self.statuses}"

    def _send(self) -> None:
        with httpx2.Client(timeout=20.0, trust_env=False) as client:
            while (body := self._next()) is not None:
                self._note(body, self._post(client, body[1]))

    def _next(self) -> tuple[list[str], bytes] | None:
        with self._lock:
            return self.waiting.pop() if self.waiting else None

    def _post(self, client: httpx2.Client, content: bytes) -> int:
        try:
            headers = {"Content-Type": "application/json"}
            return client.post(
                f"{self.url}/webhooks/alertmanager", content=content, headers=headers
            ).status_code
        except httpx2.TransportError:
            return 0

    def _note(self, body: tuple[list[str], bytes], status: int) -> None:
        with self._lock:
            self.statuses[status] += 1
            if status == 200:
                self.promised.update(body[0])
            else:
                self.unsent.append(body)


def assert_conserved(bot: RunningBot, promised: set[str]) -> None:
    """P1: each promised alert is one firing episode, on an incident that exists or with a reason why on none."""
    stored = bot.alerts()
    counted = Counter(one["labels"]["instance"] for one in stored)
    lost = promised - set(counted)
    assert not lost, f"{len(lost)} of {len(promised)} promised alerts are nowhere: {sorted(lost)[:5]}"
    doubled = [instance for instance, number in counted.items() if number > 1]
    assert not doubled, f"told once, stored twice: {doubled[:5]}"
    known = {incident["id"] for incident in bot.incidents()}
    astray = [one for one in stored if one["incident"] not in known and not one["reason"]]
    assert not astray, f"neither on an incident nor with a reason: {astray[:3]}"
    assert all(one["status"] == "firing" for one in stored)


def assert_one_incident_a_name(bot: RunningBot, names: set[str]) -> list[dict[str, Any]]:
    """P5: one open incident for each key."""
    incidents = bot.incidents()
    titles = Counter(incident["title"] for incident in incidents)
    assert titles == Counter(dict.fromkeys(names, 1)), titles
    return incidents


def assert_paged(
    bot: RunningBot, sink: WebhookSink, incidents: Sequence[dict[str, Any]], *, seconds: float
) -> None:
    """P2 and P4: every page that is due was sent, reached the sink, and never under a second key."""

    def unsent() -> list[dict[str, Any]]:
        now = datetime.now(UTC).isoformat()
        pages = [page for incident in incidents for page in bot.pages(incident["id"])]
        return [page for page in pages if page["state"] != "sent" and page["due_at"] <= now]

    wait_for(lambda: not unsent(), what="every page that is due is sent", seconds=seconds, step=0.05)
    for incident in incidents:
        pages = bot.pages(incident["id"])
        assert pages, f"{incident['id']} pages nobody"
        logical = Counter(
            (page["epoch"], page["loop"], page["step"], page["person"], page["channel"]) for page in pages
        )
        assert max(logical.values()) == 1, logical
    came = sink.keys()
    per_page: dict[tuple[str, str], set[str]] = {}
    for post in sink.pages():
        per_page.setdefault((post.body["facts"]["incident"], post.recipient), set()).add(post.key)
    assert set(per_page) == {(incident["id"], "alice") for incident in incidents}
    assert all(len(keys) == 1 for keys in per_page.values()), per_page
    assert len(came) == len(incidents)
