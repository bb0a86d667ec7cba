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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRules:
    """What people's doings in a chat mean."""

    timeline: str = "pushpin"
    """The reaction that puts a message on the timeline."""
    done: str = "white_check_mark"
    """The reaction that ends a task."""
    followup: str = "arrow_right"
    """The reaction that makes a message a follow-up."""
    strangers: bool = True
    """Whether members whom `people.yaml` does not know may act."""
    incident_command: str = "/incident"
    oncall_command: str = "/oncall"

    def meaning(self, reaction: str) -> str | None:
        """Give what a reaction does, whatever the colour of its skin; None for all others."""
        name = reaction.partition("::")[0]
        kinds = {self.timeline: "timeline", self.done: "done", self.followup: "followup"}
        return kinds.get(name)
