"""Buttons of cards and pages: each is a command, with the incident that its value names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from slack_bolt import App

from incident_bot.core.errors import Refused
from incident_bot.core.model import Verdict
from incident_bot.entrypoints.slack.work import SOURCE, Workbench, text_of
from incident_bot.flow import commands, together
from incident_bot.flow.context import Context
from incident_bot.flow.queries import epoch_of
from incident_bot.flow.slack.undoing import undoable
from incident_bot.flow.views import ReplyView
from incident_bot.render.slack.page import VERDICT

LINES: Final[Mapping[str, str]] = {
    "inc:ack": "ack",
    "inc:escalate": "escalate",
    "inc:reopen": "reopen",
    "page:ack": "ack",
    "page:cannot": "cannot",
    "page:escalate": "escalate",
    "page:unack": "unack",
    **{f"{VERDICT}{one.value}": f"verdict {one.value}" for one in Verdict},
}
"""What each button that needs no more words types."""
MOVES: Final = frozenset({"inc:escalate", "page:cannot", "page:escalate", "page:unack"})
"""Buttons that mean the paging they were shown for: pressed late, or by two at once, they do nothing twice."""
OLD: Final = "This button is too old; open the incident with `/incident list`."


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
    value = value_of(action)
    name = text_of(action, "action_id")
    number, epoch, row = value.get("i"), value.get("e"), value.get("p")
    user = text_of(body.get("user") or {}, "id")
    actor = bench.actor(user)
    context = bench.seen_by(user, channel=text_of(body.get("channel") or {}, "id"))
    container = body.get("container") or {}
    # The same message and the same minute of the same person: a double click is one.
    key = f"slack:{name}:{number or row}:{epoch}:{text_of(container, 'message_ts')}"[: commands.KEY_MOST]
    # A verdict said twice is one by itself; said again after another one it counts again.
    once = None if name.startswith(VERDICT) else key
    if number is None and isinstance(row, int) and name == "page:ack":
        return _take_all(bench, context, row, actor, key)
    if not isinstance(number, int):
        raise Refused(OLD)
    if name in MOVES and isinstance(epoch, int) and epoch_of(context, number) != epoch:
        message = "Paging went on since this was shown, so nothing was done: the newest page or the card acts on it."
        raise Refused(message)
    now = bench.now()
    verb = LINES[name]
    reply = commands.handle(context, verb, incident=number, actor=actor, source=SOURCE, key=once, now=now)
    return undoable(context, verb, reply, actor=actor, now=now)


def _take_all(bench: Workbench, context: Context, row: int, actor: str, key: str) -> ReplyView:
    """Acknowledge what still waits of the incidents of one message (S7)."""
    found = together.incidents_of(context, row)
    left = together.waiting(found)
    if not left:
        said = "Somebody has all of them already, or they are over." if found else OLD
        return ReplyView(text=said, ok=bool(found))
    taken = together.take(context, left, actor, source=SOURCE, key=key, now=bench.now())
    return ReplyView(text=taken.said)
