"""What opens a modal is known from the request alone; everything else waits for the check that it is new."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from incident_bot.entrypoints.slack.opening import asks_reason, form_of, opens_only, payload_of


@pytest.mark.parametrize(
    "text, form",
    [
        ("new", ("inc:declare", None)),
        ("/incident declare", ("inc:declare", None)),
        ("update", ("inc:update", None)),
        ("INC-7 update", ("inc:update", 7)),
        ("page INC-7", ("inc:page", 7)),
        ("timeline", ("inc:note", None)),
        ("role", ("inc:roles", None)),
        ("commander", ("inc:roles", None)),
        ("sev INC-7", ("inc:update", 7)),
        ("update we look", None),
        ("new P2 It burns", None),
        ("ack", None),
        ("resolve", None),
        ("", None),
        ("nonsense", None),
        ("x" * 5000, None),
    ],
)
def test_a_line_opens_a_modal_where_its_words_are_missing(
    text: str, form: tuple[str, int | None] | None
) -> None:
    assert form_of(text) == form


@pytest.mark.parametrize(
    "text, here, number",
    [
        ("resolve", 3, 3),
        ("resolve INC-7", 3, 7),
        ("resolve", None, None),
        ("resolve it is over", 3, None),
        ("ack", 3, None),
        ("what", 3, None),
    ],
)
def test_a_bare_resolve_asks_for_its_reason(text: str, here: int | None, number: int | None) -> None:
    assert asks_reason(text, here) == number


def interactive(kind: str, **more: Any) -> str:
    return urlencode({"payload": json.dumps({"type": kind, **more})})


@pytest.mark.parametrize(
    "body, only",
    [
        (urlencode({"command": "/incident", "text": "new"}), True),
        (urlencode({"command": "/incident", "text": "ack"}), False),
        (urlencode({"command": "/incident", "text": ""}), False),
        (urlencode({"command": "/oncall", "text": "new"}), False),
        (interactive("block_actions", actions=[{"action_id": "inc:update"}]), True),
        (interactive("block_actions", actions=[{"action_id": "inc:preview"}]), True),
        (interactive("block_actions", actions=[{"action_id": "inc:ack"}]), False),
        (
            interactive("block_actions", actions=[{"action_id": "inc:update"}, {"action_id": "inc:ack"}]),
            False,
        ),
        (interactive("block_actions", actions=[]), False),
        (interactive("block_actions", actions=["inc:update"]), False),
        (interactive("block_actions"), False),
        (interactive("view_submission", view={"callback_id": "inc:update"}), True),
        (interactive("view_submission", view={"callback_id": "other"}), False),
        (interactive("view_submission", view=[]), False),
        (interactive("shortcut", callback_id="inc:declare"), True),
        (interactive("message_action", callback_id="inc:declare_from"), True),
        (interactive("message_action", callback_id="inc:note"), False),
        (interactive("block_suggestion"), True),
        ("payload=%7B", False),
        ("payload=%5B%5D", False),
        ('{"type": "event_callback"}', False),
        ("{", False),
        ("", False),
    ],
)
def test_only_what_changes_nothing_or_has_its_own_key_passes_unchecked(body: str, only: bool) -> None:
    assert opens_only(payload_of(body)) is only
