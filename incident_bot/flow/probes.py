"""Which ways out this process is just trying again. A hint that spares a provider in trouble, never the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

PROBE: Final = timedelta(seconds=30)
"""As long as one try may take; after it another row is the try."""


@dataclass(slots=True)
class Probes:
    """One row at a time tries a way out again; asked by the one thread that claims and records."""

    _since: dict[str, datetime] = field(default_factory=dict)

    def take(self, name: str, *, now: datetime) -> bool:
        """Say whether the caller's row is the try."""
        since = self._since.get(name)
        if since is not None and now - since < PROBE:
            return False
        self._since[name] = now
        return True

    def end(self, name: str) -> None:
        """Note that the try brought an answer."""
        self._since.pop(name, None)
