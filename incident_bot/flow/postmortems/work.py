"""What post-mortems need done by themselves, in a thread of its own: nobody who is to be paged waits for it.

The draft of what has just ended is kept as its first version; nothing is lost where a process dies, as what lacks a
version is found again. The conditions of follow-ups are asked once a week.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from incident_bot.flow.context import Context
from incident_bot.flow.postmortems import documents, proofs
from incident_bot.store import papers
from incident_bot.store.transaction import Unavailable

REST_SECONDS: Final = 5.0
"""How long the database is left alone after a round: nobody waits for a draft."""

log = structlog.get_logger(__name__)


class Papers:
    """Writes what is to be written, one thing at a time."""

    def __init__(self, context: Context, now: Callable[[], datetime]) -> None:
        """Take the wired parts, and what reads the clock."""
        self._context = context
        self._now = now
        self._failed: set[int] = set()
        """The incidents whose draft could not be made; a new process tries again."""

    def work(self, *, due: bool) -> bool:
        """Do one thing, and say whether there was anything to do."""
        del due
        return self.step() > 0

    def step(self) -> int:
        """Do one thing; gives how many were done."""
        return self._draft() or proofs.step(self._context, now=self._now())

    def _draft(self) -> int:
        with self._context.store.read() as tx:
            number = papers.undrafted(tx, but=self._failed)
        if number is None:
            return 0
        try:
            documents.begin(self._context, number, now=self._now())
        except Unavailable:
            raise
        except Exception:
            # The fence: one incident's draft must not keep the others from theirs.
            log.exception("a post-mortem could not be drafted", incident=number)
            self._failed.add(number)
        return 1
