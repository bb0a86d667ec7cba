"""How rooms are made and put away: `rotations/slack.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRules:
    """The same for every room."""

    name: str = "inc-{number}-{title}"
    """The template of a channel's name."""
    archive_after: timedelta | None = timedelta(days=3)
    """How long after the end a channel is put away; None is never."""
