"""What a process does for the status page: the folder and the news every few seconds, drift every minute."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from incident_bot.flow.context import Context
from incident_bot.flow.status import drift
from incident_bot.flow.status.folder import Folder
from incident_bot.flow.status.heralds import Herald

EVERY_SECONDS: Final = 5.0


class Caretaker:
    """Looks after the status page of one process."""

    def __init__(self, context: Context) -> None:
        """Begin with everything to be done."""
        self._context = context
        path = context.settings.status_dir
        self._folder = Folder(context, path) if path is not None else None
        self._herald = Herald(context)
        self._looked_at: datetime | None = None

    def step(self, *, now: datetime) -> None:
        """Bring the folder up to date, and look for drift where that was a minute ago."""
        if self._folder is not None:
            self._folder.write(now=now)
        self._herald.step(now=now)
        if self._looked_at is None or abs(now - self._looked_at) >= drift.EVERY:
            self._looked_at = now
            drift.watch(self._context, now=now)
