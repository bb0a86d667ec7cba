"""The status page kept ready: however many read it, it is made once in a few seconds.

Where the database does not answer, what was there last is shown on: the page must not go down with the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.status import Board, StatusPage
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.status import followers
from incident_bot.flow.status.files import File, door_files, public_links
from incident_bot.flow.status.reading import read_board
from incident_bot.store.transaction import Unavailable

FRESH_FOR: Final = timedelta(seconds=5)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Shelved:
    files: Mapping[str, File]
    current: Current
    at: datetime
    board: Board | None = None


class Shelf:
    """The files of the page; shared by all threads."""

    def __init__(self, context: Context) -> None:
        """Begin with nothing made."""
        self._context = context
        self._lock = threading.Lock()
        self._shelved: _Shelved | None = None

    def ready(self, *, now: datetime) -> Mapping[str, File] | None:
        """Give the files where they are new enough; never waits for anything."""
        shelved = self._shelved
        if shelved is None or shelved.current is not self._context.live.current:
            return None
        return shelved.files if abs(now - shelved.at) < FRESH_FOR else None

    def files(self, *, now: datetime) -> Mapping[str, File]:
        """Give the files, made anew where they are too old; none where no page is set up.

        Raises Unavailable only where nothing was made before.
        """
        ready = self.ready(now=now)
        if ready is not None:
            return ready
        before = self._shelved
        # Whoever finds it old makes it anew; all others are shown the old one meanwhile.
        if not self._lock.acquire(blocking=before is None):
            return before.files if before is not None else {}
        try:
            return self.ready(now=now) or self._made(now=now)
        finally:
            self._lock.release()

    def board(self, *, now: datetime) -> Board | None:
        """Give what the files show; None where no page is set up. Raises Unavailable as `files` does."""
        self.files(now=now)
        return self._shelved.board if self._shelved is not None else None

    def _made(self, *, now: datetime) -> Mapping[str, File]:
        current = self._context.live.current
        page = current.revision.status
        files: Mapping[str, File] = {}
        board = None
        try:
            if page is not None:
                board = read_board(self._context, current, page, now=now)
                files = self._drawn(current, page, board)
        except Unavailable as problem:
            if self._shelved is None or page is None:
                raise
            log.warning("the status page cannot be made anew; the last one is shown", error=str(problem))
            files, board = self._shelved.files, self._shelved.board
        self._shelved = _Shelved(files, current, now, board)
        return files

    def _drawn(self, current: Current, page: StatusPage, shown: Board) -> Mapping[str, File]:
        public = public_links(page.url, folder=self._context.settings.status_dir is not None)
        subscribe = followers.DOOR if followers.outlets(self._context) else None
        return door_files(current.templates, shown, public, subscribe=subscribe)
