"""Decides what follows a resolution by hand while alerts fired: reopening is offered once, and never done by itself.

The row "resolve by hand while still firing" stays as it is: repeats do not reopen, a worse severity and a re-fire do.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from incident_bot.core.effects import Nudge, SetTimer, StopTimers, TimerKind
from incident_bot.core.incident.observations import WatchOver
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Kind, Paging

WATCH_FOR: Final = timedelta(minutes=10)
"""How long after it is looked whether the alerts really went away."""


def watch(case: Case) -> SetTimer:
    """Have it looked at when the watch is over."""
    return SetTimer(kind=TimerKind.WATCH, due_at=case.now + WATCH_FOR)


def repeated(case: Case, firing: int) -> Decision:
    """Take a repeat of what was resolved by hand: within the watch it offers reopening, once."""
    incident = case.incident
    said = f"{incident.name} was resolved by hand while it fired; repeats do not reopen it."
    ended = incident.resolved_at
    if incident.resolver is None or ended is None or case.now >= ended + WATCH_FOR:
        return case.decided(said)
    return _offered(case, firing, said)


def watch_over(observation: WatchOver, case: Case) -> Decision:
    """Look at the end of the watch whether it fires on; what was reopened or told of meanwhile is left alone."""
    incident, firing = case.incident, observation.still_firing
    if incident.paging is not Paging.RESOLVED or incident.resolver is None or not firing:
        return case.decided(f"Nothing of {incident.name} is to be told of.")
    return _offered(case, firing, f"{incident.name} fires on.")


def _offered(case: Case, firing: int, said: str) -> Decision:
    incident = case.incident
    fires = "1 alert fires" if firing == 1 else f"{firing} alerts fire"
    told = Nudge(
        person=incident.resolver or "",
        text=f"{incident.name} was resolved by hand, and {fires} on: {incident.title}",
        todo=f"Type `reopen {incident.name}` if it is not over.",
    )
    event = case.event(Kind.FIRES_ON, {"firing": firing})
    return case.decided(said, event, effects=(told, StopTimers(kinds=(TimerKind.WATCH,))))
