"""Where the post-mortem of an incident stands: who writes it, who reads it, by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReviewState(StrEnum):
    """The states of a post-mortem, in the order in which it goes through them."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    PUBLISHED = "published"
    WAIVED = "waived"
    """Somebody said why none is written."""

    @property
    def is_over(self) -> bool:
        """Say whether nobody has to do anything any more."""
        return self in (ReviewState.PUBLISHED, ReviewState.WAIVED)

    @property
    def words(self) -> str:
        """Give it as people say it."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """That a post-mortem is wanted, and how far it is."""

    state: ReviewState = ReviewState.DRAFT
    owner: str | None = None
    """Who is to see it through; the lead, or whoever had the incident, where nobody said."""
    reviewers: tuple[str, ...] = ()
    due: datetime | None = None
    by_hand: bool = False
    """Whether a person set the due date: then another end of the incident does not move it."""
    since: datetime
    """When it came into this state."""
    approved_by: str | None = None
    reason: str | None = None
    """Why it was waived, or went back."""


class FollowUpType(StrEnum):
    """What a follow-up is to change, in the words of the better known post-mortems."""

    PREVENT = "prevent"
    MITIGATE = "mitigate"
    DETECT = "detect"
    PROCESS = "process"
    REPAIR = "repair"
    OTHER = "other"
