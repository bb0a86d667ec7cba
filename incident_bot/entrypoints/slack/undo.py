"""The Undo button that stands under an answer for a minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import App

from incident_bot.entrypoints.slack.buttons import value_of
from incident_bot.entrypoints.slack.work import SOURCE, Workbench, text_of
from incident_bot.flow.slack.undoing import take_back


def install(bolt: App, bench: Workbench) -> None:
    """Listen to the button."""

    def press(
        ack: Callable[..., Any],
        respond: Callable[..., Any],
        body: Mapping[str, Any],
        action: Mapping[str, Any],
    ) -> None:
        user = text_of(body.get("user") or {}, "id")
        bench.act(
            lambda: take_back(
                bench.seen_by(user, channel=text_of(body.get("channel") or {}, "id")),
                value_of(action),
                actor=bench.actor(user),
                source=SOURCE,
                now=bench.now(),
            ),
            ack,
            respond,
        )

    bolt.action("inc:undo")(press)
