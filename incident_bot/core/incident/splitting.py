"""Decides how alerts leave an alert storm's incident for one of their own (I12). Moves no alert."""

from __future__ import annotations

from incident_bot.core.effects import Effect, SetTimer, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import SplitOff
from incident_bot.core.incident.flapping import hold_of
from incident_bot.core.incident.opening import alerts_told
from incident_bot.core.incident.paging import need_open
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Incident, Json, Kind, incident_name


def need_storm(incident: Incident) -> None:
    """Refuse to take alerts out of anything but the open incident of a storm: only a storm puts together strangers."""
    if incident.storm is None:
        raise Refused(
            f"{incident.name} is no alert storm, its alerts belong together; type `new <title>` for other work."
        )
    need_open(incident, "its alerts open incidents of their own if they fire again")


def split_off(command: SplitOff, case: Case) -> Decision:
    """Let alerts go; where none that fires is left, the hold decides over the storm."""
    incident = case.incident
    need_storm(incident)
    name = incident_name(command.into)
    data: dict[str, Json] = {
        "into": command.into,
        "name": name,
        "alerts": alerts_told(command.alerts),
        "still_firing": command.still_firing,
        "reason": (command.reason or "").strip() or None,
    }
    effects: tuple[Effect, ...] = ()
    if not command.still_firing:
        due = case.now + hold_of(incident, case.rules)
        effects = (SetTimer(kind=TimerKind.HOLD, due_at=due),)
    count = len(command.alerts)
    alerts = "1 alert goes" if count == 1 else f"{count} alerts go"
    said = f"{alerts} on as {name}, which is paged for now. Undo: `dup {name} {incident.name}`."
    return case.decided(said, case.event(Kind.SPLIT_OFF, data), effects=effects)
