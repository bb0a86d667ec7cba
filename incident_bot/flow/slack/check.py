"""The health page's line about Slack: is it heard, and do the rooms get what they should show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import incident_name
from incident_bot.core.postmortem import duration
from incident_bot.flow.context import Context
from incident_bot.flow.views import CheckView
from incident_bot.store import rooms
from incident_bot.store.transaction import Tx

NAME: Final = "slack"
LATE: Final = timedelta(seconds=60)
"""A room that waits longer than this is behind."""
NAMED_MOST: Final = 3


def check(context: Context, tx: Tx, *, now: datetime) -> CheckView | None:
    """Say how it goes with Slack; None where there is no workspace."""
    if context.slack is None:
        return None
    ear, settings = context.ear, context.settings
    ok, said = True, []
    if ear.connected is not None:
        ok = ear.connected()
        state = "connected" if ok else f"not connected{f' ({ear.trouble})' if ear.trouble else ''}"
        said.append(f"Socket Mode: {state}")
    elif settings.slack_signing_secret is None and settings.slack_app_token is None:
        said.append("commands and buttons are closed: set SLACK_APP_TOKEN or SLACK_SIGNING_SECRET")
    said.append(
        f"heard {duration(max(now - ear.last, timedelta(0)))} ago" if ear.last else "nothing heard yet"
    )
    waiting = rooms.count_waiting(tx, before=now - LATE)
    if waiting:
        ok = False
        said.append(f"{waiting} room waits" if waiting == 1 else f"{waiting} rooms wait")
    troubles = rooms.troubles(tx, limit=NAMED_MOST)
    if troubles:
        ok = False
        said += [f"{incident_name(number)}: {error}" for number, error in troubles]
    return CheckView(name=NAME, ok=ok, detail="; ".join(said))
