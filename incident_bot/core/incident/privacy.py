"""Decides who an incident is for: those who work on it, or everybody. Nobody is paged for that.

Making it private can be taken back. Showing it to everybody cannot: others read it at once, so it asks first.
"""

from __future__ import annotations

from dataclasses import replace

from incident_bot.core.effects import Moment
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import SetPrivate
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Kind


def set_private(command: SetPrivate, case: Case) -> Decision:
    """Make it private, or public; idempotent."""
    incident = case.incident
    word = "private" if command.private else "public"
    if command.private is incident.private:
        return case.decided(f"{incident.name} is {word} already; nothing changed.")
    if command.private:
        said = (
            f"{incident.name} is private now: only those who work on it see it. In Slack it goes on in a private room, "
            "and what was announced is taken back; who has read it has read it. `public` shows it again."
        )
        return case.decided(said, case.event(Kind.MADE_PRIVATE))
    if not command.sure:
        raise Refused(
            f"Everybody would see {incident.name} with its whole timeline, and that cannot be taken back. "
            "If you mean it, type `public yes`."
        )
    decision = case.decided(
        f"{incident.name} is public now: everybody sees it. Its room in Slack stays private.",
        case.event(Kind.MADE_PUBLIC),
    )
    shown = replace(case, incident=decision.incident)
    about = {"title": incident.title, "team": incident.team, "service": incident.service}
    return replace(decision, effects=shown.announced(Moment.OPENED, about) if incident.paging.is_open else ())
