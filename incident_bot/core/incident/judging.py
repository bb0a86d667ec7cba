"""Decides what people say of an incident's alerts and of its runbook. Pages nobody."""

from __future__ import annotations

from incident_bot.core.effects import Nudge
from incident_bot.core.incident.marks import GiveVerdict, JudgeRunbook
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Json, Judged, Kind, Urgency


def judge(command: GiveVerdict | JudgeRunbook, case: Case) -> Decision:
    """Note a verdict or how a runbook did; what was said already changes nothing."""
    return _verdict(command, case) if isinstance(command, GiveVerdict) else _runbook(command, case)


def _verdict(command: GiveVerdict, case: Case) -> Decision:
    name = case.incident.name
    if not command.alerts:
        return case.decided(f"That verdict stands already in {name}; nothing changed.")
    events = []
    for alert in command.alerts:
        data: dict[str, Json] = {
            "alert": alert, "verdict": command.verdict.value, "what": command.verdict.label, "reason": command.reason
        }  # fmt: skip
        events.append(case.event(Kind.VERDICT_GIVEN, data))
    said = f"Noted for {name}: {', '.join(command.alerts)} – {command.verdict.label}."
    return case.decided(said, *events)


def _runbook(command: JudgeRunbook, case: Case) -> Decision:
    incident = case.incident
    if command.judged is command.before:
        return case.decided(f"That is noted already for {incident.name}; nothing changed.")
    data: dict[str, Json] = {
        "path": command.path, "judged": command.judged.value, "what": command.judged.label, "reason": command.reason
    }  # fmt: skip
    said = f"Noted: runbooks/{command.path} {_told(command.judged)} in {incident.name}."
    event = case.event(Kind.RUNBOOK_JUDGED, data)
    if command.tell is None or command.judged is not Judged.OUTDATED:
        return case.decided(said, event)
    why = f": {command.reason}" if command.reason else ""
    nudge = Nudge(
        person=command.tell,
        text=f"{case.actor} says in {incident.name} that runbooks/{command.path} is out of date{why}",
        todo="Correct it; the next one on call will follow it.",
        urgency=Urgency.LOW,
    )
    return case.decided(f"{said} {command.tell} is told.", event, effects=(nudge,))


def _told(judged: Judged) -> str:
    return judged.label if judged is not Judged.OUTDATED else "is out of date"
