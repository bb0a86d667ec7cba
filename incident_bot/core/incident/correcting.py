"""Decides a correction of a key time: what the record says stays, and says beside it what people know better."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident.facts import written
from incident_bot.core.incident.marks import SetMilestone
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Json, Kind

LONG_BEFORE: Final = timedelta(days=366)
"""What began longer before its incident is a slip of the pen."""


def set_milestone(command: SetMilestone, case: Case) -> Decision:
    """Set a key time, or give it back to the record; nothing that was recorded changes."""
    incident, mark, at = case.incident, command.mark, command.at
    name = mark.label.casefold()
    if at == command.before if at else not command.corrected:
        return case.decided(f"The time of “{name}” of {incident.name} is that already; nothing changed.")
    if at is not None:
        if at > case.now:
            raise Refused(f"That lies ahead; “{name}” is a time that has passed.")
        if at < incident.opened_at - LONG_BEFORE:
            raise Refused(
                f"That is more than a year before {incident.name} opened; write the date as 2026-11-21."
            )
        if mark.is_end and incident.paging.is_open:
            raise Refused(f"{incident.name} is still open; type `resolve`, and correct the time afterwards.")
    data: dict[str, Json] = {
        "milestone": mark.value,
        "what": name,
        "set_to": written(at),
        "set_before": written(command.before),
        "corrected": command.corrected,
        "reason": command.reason,
    }
    if command.measured:
        data["measured"] = True
    said = (
        f"“{mark.label}” of {incident.name} is {at:%Y-%m-%d %H:%M} UTC now."
        if at
        else f"“{mark.label}” of {incident.name} is what the record says again."
    )
    return case.decided(said, case.event(Kind.MILESTONE_SET, data))
