"""Buttons of cards and pages: each is a command, with the incident that its value names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from slack_bolt import App

from incident_bot.core.errors import Refused
from incident_bot.entrypoints.slack.work import SOURCE, Workbench, text_of
from incident_bot.flow import commands
from incident_bot.flow.views import ReplyView

LINES: Final[Mapping[str, str]] = {
    "inc:ack": "ack",
    "inc:escalate": "escalate",
    "inc:reopen": "reopen",
    "page:ack": "ack",
    "page:escalate": "escalate",
}
"""What each button that needs no more words types."""


def install(bolt: App, bench: Workbench) -> None:
    """Listen to the buttons."""

    def press(
        ack: Callable[..., Any],
        respond: Callable[..., Any],
        body: Mapping[str, Any],
        action: Mapping[str, Any],
    ) -> None:
        bench.act(lambda: _press(bench, body, action), ack, respond)

    def follow(ack: Callable[..., Any]) -> None:
        ack()  # The browser opens the address by itself.

    bolt.action(re.compile("|".join(f"^{re.escape(name)}$" for name in LINES)))(press)
    bolt.action("inc:open")(follow)


def value_of(action: Mapping[str, Any]) -> dict[str, Any]:
    """Read a button's value; empty where it is none of ours."""
    try:
        value = json.loads(text_of(action, "value") or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _press(bench: Workbench, body: Mapping[str, Any], action: Mapping[str, Any]) -> ReplyView:
    number = value_of(action).get("i")
    if not isinstance(number, int):
        message = "This button is too old; open the incident with `/incident list`."
        raise Refused(message)
    name = text_of(action, "action_id")
    container = body.get("container") or {}
    # The same message and the same minute of the same person: a double click is one.
    key = f"slack:{name}:{number}:{value_of(action).get('e')}:{text_of(container, 'message_ts')}"
    return commands.handle(
        bench.context,
        LINES[name],
        incident=number,
        actor=bench.actor(text_of(body.get("user") or {}, "id")),
        source=SOURCE,
        key=key[: commands.KEY_MOST],
        now=bench.now(),
    )
