"""What people think of alerts and runbooks once they have worked with them."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What an alert of an incident was worth; the last word on an alert counts."""

    ACTIONABLE = "actionable"
    """Somebody had to do something."""
    NOISE = "noise"
    """Nobody had to do anything."""
    DUPLICATE = "duplicate"
    """Another alert said the same."""
    THRESHOLD = "threshold"
    """It fires too early, too late or for too little."""
    RUNBOOK = "runbook"
    """Right, but nobody knew what to do: it needs a runbook."""

    @property
    def label(self) -> str:
        """How people read it: `wrong threshold`."""
        return {Verdict.THRESHOLD: "wrong threshold", Verdict.RUNBOOK: "needs a runbook"}.get(
            self, self.value
        )

    @property
    def is_actionable(self) -> bool:
        """Say whether the alert was worth a page."""
        return self in (Verdict.ACTIONABLE, Verdict.RUNBOOK)


class Judged(StrEnum):
    """How a runbook did in an incident; the last word in an incident counts."""

    WORKED = "worked"
    FAILED = "failed"
    OUTDATED = "outdated"

    @property
    def label(self) -> str:
        """How people read it: `did not work`."""
        return {Judged.FAILED: "did not work", Judged.OUTDATED: "out of date"}.get(self, self.value)
