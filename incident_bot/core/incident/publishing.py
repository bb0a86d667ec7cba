"""Decides what goes on the status page and comes off it. Only people publish; private incidents and drills never are.

The words were looked at by `core.status.lint` already; what leaks never comes this far.
"""

from __future__ import annotations

from incident_bot.core.errors import Refused
from incident_bot.core.incident.facts import written
from incident_bot.core.incident.paging import shown
from incident_bot.core.incident.publicity import Publish, Unpublish
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Json, Kind


def decide_public(command: Publish | Unpublish, case: Case) -> Decision:
    """Put an incident on the status page, change what it says there, or take it off."""
    if isinstance(command, Publish):
        return publish(command, case)
    return unpublish(command, case)


def publish(command: Publish, case: Case) -> Decision:
    """Put a message on the status page, or keep it as a draft until somebody says `publish yes`."""
    incident, promise = case.incident, command.next_update_at
    if incident.private:
        raise Refused(f"{incident.name} is private and stays so; it is never on the status page.")
    if incident.drill:
        raise Refused(f"{incident.name} is a drill; drills are never on the status page.")
    if incident.public is None and not incident.paging.is_open:
        raise Refused(
            f"{incident.name} is over and was not on the status page; nothing is published afterwards."
        )
    if promise is not None and promise <= case.now:
        raise Refused(f"{shown(promise, case.now)} has passed; type `publish <text> next 30m`.")
    data: dict[str, Json] = {
        "title": command.title,
        "text": command.text,
        "components": list(command.components),
        "state": command.state.value,
        "next_update_at": written(promise),
    }
    if command.confirmed:
        said = f"{incident.name} is on the status page: {command.title}. `unpublish` takes it off."
        return case.decided(said, case.event(Kind.PUBLISHED, data))
    return case.decided(_preview(command, case), case.event(Kind.PUBLIC_DRAFTED, data))


def _preview(command: Publish, case: Case) -> str:
    """Show what the public would read, what was found wrong with it, and how to send it."""
    next_one = (
        ""
        if command.next_update_at is None
        else f" Next update by {shown(command.next_update_at, case.now)}."
    )
    where = ", ".join(command.names) or "no component"
    state = command.state.value.replace("_", " ")
    found = f" Look at this: {'; '.join(command.findings)}." if command.findings else ""
    return (
        f"Not published yet. The public would read: “{command.title}” ({where}: {state}): “{command.text}”{next_one}"
        f"{found} `publish yes` publishes it."
    )


def unpublish(command: Unpublish, case: Case) -> Decision:
    """Take it off the status page with all that it said there; asked twice is asked once."""
    incident = case.incident
    if incident.public is None:
        return case.decided(f"{incident.name} is not on the status page; nothing changed.")
    event = case.event(Kind.UNPUBLISHED, {"reason": command.reason} if command.reason else None)
    return case.decided(f"{incident.name} is off the status page, with all that it said there.", event)
