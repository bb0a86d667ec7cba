"""Decides about the steps of an incident's runbook: done, or not after all. Pages nobody."""

from __future__ import annotations

from incident_bot.core.incident.commands import TickStep
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Json, Kind


def tick(command: TickStep, case: Case) -> Decision:
    """Tick a step, or take its tick away; what is so already changes nothing, and every answer says n of m."""
    incident, number = case.incident, command.number
    there = any(one.number == number and one.text == command.text for one in incident.ticks)
    count = len(incident.ticks)
    if there == command.done:
        state = "done already" if there else "not ticked"
        return case.decided(f"Step {number} is {state}, {count} of {command.of} done; nothing changed.")
    # A tick of this number whose text is another one is of an older runbook: the new one takes its place.
    stale = command.done and any(one.number == number for one in incident.ticks)
    count += (0 if stale else 1) if command.done else -1
    data: dict[str, Json] = {"number": number, "text": command.text, "done": count, "of": command.of}
    event = case.event(Kind.STEP_TICKED if command.done else Kind.STEP_UNTICKED, data)
    word = "done" if command.done else "open again"
    return case.decided(f"Step {number} is {word}: {command.text} ({count} of {command.of} done).", event)
