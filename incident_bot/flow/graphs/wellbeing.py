"""How the Prometheus of each source answered lately: remembered as looks are taken, told without asking anybody."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FAILING_FOR: Final = timedelta(hours=1)
"""How long a failure is held against a Prometheus that nobody has asked since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is known of one Prometheus, by the looks of this process."""

    answered_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""
    """Why it failed last."""
    well: bool = True
    """Whether it answered when it was asked last."""

    def fails(self, *, graph_at: datetime | None, now: datetime) -> bool:
        """Say whether it failed last, a short while ago, and no process has had a graph from it since."""
        if self.well or self.failed_at is None or now - self.failed_at > FAILING_FOR:
            return False
        return graph_at is None or graph_at <= self.failed_at


class Wellbeing:
    """The memory of one process; safe to use from several threads."""

    def __init__(self) -> None:
        """Begin with nobody asked."""
        self._lock = threading.Lock()
        self._heard: dict[str, Heard] = {}

    def note(self, heard: Mapping[str, str | None], *, now: datetime) -> None:
        """Remember how sources answered: why one failed, or None for one that answered."""
        with self._lock:
            for source, error in heard.items():
                before = self._heard.get(source, Heard())
                self._heard[source] = (
                    replace(before, answered_at=now, well=True)
                    if error is None
                    else replace(before, failed_at=now, error=error, well=False)
                )

    def of(self, source: str) -> Heard:
        """Give what is known of one."""
        with self._lock:
            return self._heard.get(source, Heard())
