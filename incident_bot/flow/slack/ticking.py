"""A press on a step of the runbook's modal: the commands `tick` and `untick`, for the step that was shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from incident_bot.core.errors import Refused
from incident_bot.flow import commands
from incident_bot.flow.context import Context
from incident_bot.flow.queries import steps_of
from incident_bot.flow.slack.forms import Form, digest_of, incident_of

SOURCE: Final = "slack"
CHANGED: Final = (
    "The runbook was changed since this was shown, and nothing was ticked: these are its steps now."
)


def press(
    context: Context, form: Form, value: Mapping[str, Any], *, actor: str, key: str, now: datetime
) -> None:
    """Tick the step of a button, or take its tick away; what is so already stays so.

    Raises NotFound where the incident may not be seen, and Refused where the step is another one by now.
    """
    number, done = value.get("n"), value.get("d")
    with context.store.read() as tx:
        incident = incident_of(context, tx, form)
    if incident is None or not isinstance(number, int) or not isinstance(done, bool):
        message = "This button is too old; open the runbook again."
        raise Refused(message)
    step = next((one for one in steps_of(context, incident) if one.number == number), None)
    if step is None or digest_of(step) != value.get("h"):
        raise Refused(CHANGED)
    commands.handle(
        context,
        f"{'tick' if done else 'untick'} {number}",
        incident=incident.id,
        actor=actor,
        source=SOURCE,
        key=key,
        now=now,
    )
