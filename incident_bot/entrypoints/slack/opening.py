"""Which requests open a modal: known from the request alone, as a trigger waits for no database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from incident_bot.core.errors import Refused
from incident_bot.flow.grammar import Line, parse
from incident_bot.flow.slack.forms import TITLES, can
from incident_bot.render.slack.modals.about import PREVIEW

VERBS: Final[Mapping[str, str]] = {
    "new": "inc:declare",
    "update": "inc:update",
    "page": "inc:page",
    "note": "inc:note",
    "task": "inc:task",
    "followup": "inc:followup",
    "sev": "inc:update",
    "status": "inc:update",
    "lead": "inc:roles",
    "role": "inc:roles",
    "silence": "inc:silence",
}
"""The commands that open a modal when nothing follows them."""
SHORTCUTS: Final = frozenset({"inc:declare", "inc:declare_from", "inc:task", "inc:followup"})
BUTTONS: Final = frozenset(TITLES)


def form_of(text: str) -> tuple[str, int | None] | None:
    """Give the modal that a typed line opens, and the incident that it names; None where it opens none."""
    line = _line(text)
    if line is None or line.rest or not can(line.verb.name):
        return None
    name = VERBS.get(line.verb.name)
    return (name, line.incident) if name else None


def verb_of(text: str) -> str:
    """Give the verb of a typed line; empty where there is none."""
    line = _line(text)
    return line.verb.name if line else ""


def asks_reason(text: str, here: int | None) -> int | None:
    """Give the incident that a bare `resolve` was about, so that its modal can ask for the reason."""
    line = _line(text)
    if line is None or line.verb.name != "resolve" or line.rest:
        return None
    return line.incident if line.incident is not None else here


def payload_of(body: str) -> Mapping[str, Any]:
    """Read what a request says, whatever its form: an event's JSON, a command's form, an interaction's payload."""
    text = body
    if not body.startswith("{"):
        form = dict(parse_qsl(body, keep_blank_values=True))
        if "payload" not in form:
            return form
        text = form["payload"]
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def opens_only(payload: Mapping[str, Any]) -> bool:
    """Say whether a request does nothing but open, fill or submit a modal.

    Opening changes nothing and Slack takes its trigger once; a submitted view acts once by its own key.
    """
    kind = payload.get("type")
    if kind is None:
        command, text = payload.get("command"), payload.get("text")
        named = isinstance(command, str) and command.startswith("/inc")
        return named and isinstance(text, str) and form_of(text) is not None
    if kind in ("shortcut", "message_action"):
        return payload.get("callback_id") in SHORTCUTS
    if kind == "block_actions":
        actions = payload.get("actions")
        return isinstance(actions, list) and bool(actions) and all(map(_opens, actions))
    if kind == "view_submission":
        view = payload.get("view")
        return isinstance(view, dict) and str(view.get("callback_id")) in TITLES
    return bool(kind == "block_suggestion")


def _opens(action: Any) -> bool:
    return isinstance(action, dict) and action.get("action_id") in BUTTONS | {PREVIEW}


def _line(text: str) -> Line | None:
    try:
        return parse(text)
    except Refused:
        return None
