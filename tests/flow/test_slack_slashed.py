"""What a message says to type is what works where it is read."""

from __future__ import annotations

import pytest

from incident_bot.core.rooms.rules import ChatRules
from incident_bot.flow.slack.slashed import slashed

TEXTS = (
    ("Type: update INC-1 what we know now next 30m", "Type: /incident update INC-1 what we know now next 30m"),
    (
        "Not now: remind INC-1 snooze 15m – or never: remind INC-1 off",
        "Not now: /incident remind INC-1 snooze 15m – or never: /incident remind INC-1 off",
    ),
    ("Type `reopen INC-4` if it is not over.", "Type `/incident reopen INC-4` if it is not over."),
    ("Take it: oncall swap accept 7 – or say no: oncall swap decline 7",
     "Take it: /oncall swap accept 7 – or say no: /oncall swap decline 7"),
    ("`oncall here`", "`/oncall here`"),
    ("INC-1 P1: an update is promised for 03:45", "INC-1 P1: an update is promised for 03:45"),
    ("You are oncall next week; /incident ack INC-1", "You are oncall next week; /incident ack INC-1"),
    ("ana asks you to lead INC-1 (P1): HighErrorRate", "ana asks you to lead INC-1 (P1): HighErrorRate"),
    ("https://bot.example.com/incidents/INC-1", "https://bot.example.com/incidents/INC-1"),
)  # fmt: skip


@pytest.mark.parametrize("text, wanted", TEXTS)
def test_the_command_stands_in_front(text: str, wanted: str) -> None:
    assert slashed(text, ChatRules()) == wanted


def test_the_command_is_called_as_the_configuration_says() -> None:
    chat = ChatRules(incident_command="/inc", oncall_command="/duty")
    assert slashed("`ack INC-1` or `oncall now`", chat) == "`/inc ack INC-1` or `/duty now`"
