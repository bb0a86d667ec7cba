"""What an incident keeps a list of: tasks, follow-ups, changes, theories, decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from incident_bot.core.model.review import FollowUpType


class ItemKind(StrEnum):
    """Promises and changes that an incident keeps a list of."""

    TASK = "task"
    FOLLOWUP = "followup"
    CHANGE = "change"
    """A temporary change made during the incident (`did … undo: …`)."""
    THEORY = "theory"
    """What people believe the cause to be, until it is confirmed or ruled out."""
    DECISION = "decision"

    @property
    def is_work(self) -> bool:
        """Say whether it is open until `done`: a theory is settled, and a decision stands."""
        return self not in (ItemKind.THEORY, ItemKind.DECISION)


class Outcome(StrEnum):
    """What became of a theory."""

    CONFIRMED = "confirmed"
    RULED_OUT = "ruled_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One numbered task, follow-up, change, theory or decision."""

    number: int
    kind: ItemKind
    text: str
    owner: str | None = None
    due: datetime | None = None
    undo: str | None = None
    added_at: datetime
    added_by: str
    done_at: datetime | None = None
    done_by: str | None = None
    outcome: Outcome | None = None
    """What became of a theory; the last word counts."""
    why: str | None = None
    """Why, as far as somebody said."""
    type: FollowUpType | None = None
    done_when: str | None = None
    """A condition that Prometheus is asked: while it holds, the follow-up is done."""
    proven_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Say whether somebody still has to do or find out something."""
        return self.done_at is None and self.kind is not ItemKind.DECISION
