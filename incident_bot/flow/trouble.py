"""Whether rows can be written: a database that answers questions may have no room left for a single row."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

LASTS: Final = timedelta(seconds=30)
"""How long a write that failed counts, where no delivery was stored since: who has something to write tries again."""


class Trouble:
    """The last write of this process that the database refused; safe to use from several threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._last: tuple[datetime, str] | None = None

    def note(self, reason: str, *, now: datetime) -> None:
        """Remember that a write failed."""
        with self._lock:
            self._last = (now, reason)

    def over(self) -> None:
        """Remember that something was stored."""
        with self._lock:
            self._last = None

    def recent(self, *, now: datetime) -> str | None:
        """Give why the last write failed, where that was a moment ago."""
        with self._lock:
            last = self._last
        return last[1] if last is not None and now - last[0] <= LASTS else None
