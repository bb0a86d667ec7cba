"""`slack.yaml`: how rooms are made and put away, what reactions mean, who may act. Every key has a default."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from incident_bot.config.documents import Duration, Shape, Text, misplaced, nearest
from incident_bot.core.rooms import ChatRules, RoomRules
from incident_bot.core.rooms.naming import FIELDS

_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_EMOJI: Final = re.compile(r"[a-z0-9_+'-]{1,100}")
_COMMAND: Final = re.compile(r"/[a-z0-9_-]{1,31}")


def _template(value: str) -> str:
    for name in _FIELD.findall(value):
        if name not in FIELDS:
            raise ValueError(f'unknown field "{{{name}}}"{nearest(name, FIELDS)}')
    if "{" in _FIELD.sub("", value) or "}" in _FIELD.sub("", value):
        raise ValueError("has a brace without its other half; write fields as {number}")
    return value


def _grace(value: object) -> object:
    return None if value == "never" else value


def _emoji(value: str) -> str:
    name = value.strip(":")
    if not _EMOJI.fullmatch(name):
        raise ValueError(f'"{value}" is not the name of an emoji; write one such as pushpin')
    return name


def _command(value: str) -> str:
    if not _COMMAND.fullmatch(value):
        raise ValueError(f'"{value}" is not a command; write one such as /incident')
    return value


Emoji = Annotated[str, AfterValidator(_emoji)]
CommandName = Annotated[str, AfterValidator(_command)]


class ReactionsShape(Shape):
    """Which reaction does what."""

    timeline: Emoji = ChatRules().timeline
    done: Emoji = ChatRules().done
    followup: Emoji = ChatRules().followup

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: dict[str, str] = {}
        for field in ("timeline", "done", "followup"):
            name = getattr(self, field)
            if name in seen:
                raise misplaced((field,), f'"{name}" is {seen[name]} already; give each another emoji')
            seen[name] = field
        return self


class CommandsShape(Shape):
    """What the commands are called in this workspace."""

    incident: CommandName = ChatRules().incident_command
    oncall: CommandName = ChatRules().oncall_command

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.incident == self.oncall:
            raise misplaced(("oncall",), f'"{self.oncall}" is the command for incidents already')
        return self


class WorkspaceShape(Shape):
    """What stands under `slack:`."""

    room_name: Annotated[Text, AfterValidator(_template)] = RoomRules().name
    archive_after: Annotated[Duration | None, BeforeValidator(_grace)] = RoomRules().archive_after
    reactions: ReactionsShape = ReactionsShape()
    unknown_people: Literal["allow", "refuse"] = "allow"
    commands: CommandsShape = CommandsShape()


class SlackShape(Shape):
    """`rotations/slack.yaml`."""

    slack: WorkspaceShape = WorkspaceShape()

    def rooms(self) -> RoomRules:
        """Give how rooms are made, as the flow takes it."""
        after: timedelta | None = self.slack.archive_after
        return RoomRules(name=self.slack.room_name, archive_after=after)

    def chat(self) -> ChatRules:
        """Give what people's doings mean, as the flow takes it."""
        reactions, commands = self.slack.reactions, self.slack.commands
        return ChatRules(
            timeline=reactions.timeline,
            done=reactions.done,
            followup=reactions.followup,
            strangers=self.slack.unknown_people == "allow",
            incident_command=commands.incident,
            oncall_command=commands.oncall,
        )
