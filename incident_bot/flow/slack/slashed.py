"""What a message tells its reader to type, as it is typed in Slack: with the command in front."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from incident_bot.core.rooms.rules import ChatRules
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import VERBS
from incident_bot.notifiers.base import Message

# What is to be typed follows a colon or stands in backticks; "asks you to lead INC-1" is no command.
_BEFORE: Final = r"(?:(?<=: )|(?<=`))"
_ABOUT_ONE: Final = re.compile(
    rf"{_BEFORE}((?:{'|'.join(verb.name for verb in VERBS if verb.about_one)}) INC-\d)"
)
_ON_CALL: Final = re.compile(rf"{_BEFORE}oncall (?=\w)")


def slashed(text: str, chat: ChatRules) -> str:
    """Put the command in front of every line of the grammar that a text names: alone it does nothing in Slack."""
    told = _ABOUT_ONE.sub(lambda found: f"{chat.incident_command} {found[1]}", text)
    return _ON_CALL.sub(f"{chat.oncall_command} ", told)


def as_typed_there(context: Context, via: str, message: Message) -> Message:
    """Give a message for somebody in Slack with what they can type there; for every other way as it is."""
    if via != "slack" or context.slack is None:
        return message
    return replace(message, text=slashed(message.text, context.live.current.revision.chat))
