"""Stage 6: whether a way out works, judged by its provider's last answers. Tries nothing, tells nobody.

Five failures in a row within a minute open the circuit: one page that meets a dead provider makes them in about half a
minute by its own retries, and no single hiccup does. While it is open little is tried, so that people are told by their
next channel at once and a provider in trouble is left alone; the rest grows with each try that fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

FAILURES: Final = 5
WITHIN: Final = timedelta(minutes=1)
REST_FIRST: Final = timedelta(seconds=30)
REST_MOST: Final = timedelta(minutes=5)
_DOUBLED_MOST: Final = 8


class Answer(StrEnum):
    """What one provider call says of the way out; a refused address or text says nothing of it."""

    WORKED = "worked"
    FAILED = "failed"
    """No answer in time, or one that asks to come again later."""
    DENIED = "denied"
    """The provider refuses our credentials: no other message will fare better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """What is known of one way out; the value without arguments is one that works."""

    failed_at: tuple[datetime, ...] = ()
    """The last failures in a row, the oldest first, as many as open it."""
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    """When it is tried again; None while it is closed."""
    opens: int = 0
    """How often it was left alone without a success in between."""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Say whether it is known not to work, waiting for a try or in the middle of one."""
        return self.opened_at is not None

    def rests(self, now: datetime) -> bool:
        """Say whether it is left alone: open, and its next try not due."""
        return self.retry_at is not None and now < self.retry_at


def after(circuit: Circuit, answer: Answer, *, reason: str = "", chance: float, now: datetime) -> Circuit:
    """Give what is known after one more answer; `chance` in [0, 1), drawn by the caller, is the jitter.

    A success closes it, whenever it comes. A failure while it rests is the late word of a call made before, and
    changes nothing.
    """
    if answer is Answer.WORKED:
        return Circuit()
    if circuit.rests(now):
        return circuit
    failed = (*circuit.failed_at, now)[-FAILURES:]
    enough = len(failed) == FAILURES and now - failed[0] <= WITHIN
    if not (circuit.is_open or enough or answer is Answer.DENIED):
        return Circuit(failed_at=failed)
    rest: timedelta = min(REST_FIRST * 2 ** min(circuit.opens, _DOUBLED_MOST), REST_MOST)
    return Circuit(
        failed_at=failed,
        opened_at=circuit.opened_at or now,
        retry_at=now + rest * (0.75 + chance / 4),
        opens=circuit.opens + 1,
        reason=reason,
    )
