"""Decides what people believe: theories that are confirmed or ruled out. Pages nobody, tells no channel."""

from __future__ import annotations

from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import SettleTheory
from incident_bot.core.incident.paging import joined
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Item, ItemKind, Json, Kind, Outcome


def settle(command: SettleTheory, case: Case) -> Decision:
    """Say what became of a theory; it may turn out otherwise later, and then the last word counts."""
    incident, number = case.incident, command.number
    found = next((item for item in incident.items if item.number == number), None)
    if found is None or found.kind is not ItemKind.THEORY:
        raise Refused(f"{incident.name} has no theory {number}; {_those(incident.items)}.")
    words = command.outcome.value.replace("_", " ")
    why = (command.why or "").strip() or None
    if found.outcome is command.outcome and why in (None, found.why):
        return case.decided(f"Theory {number} of {incident.name} is {words} already; nothing changed.")
    data: dict[str, Json] = {"number": number, "text": found.text, "why": why}
    if found.outcome is not None:
        data["was"] = found.outcome.value
    confirmed = command.outcome is Outcome.CONFIRMED
    event = case.event(Kind.THEORY_CONFIRMED if confirmed else Kind.THEORY_RULED_OUT, data)
    return case.decided(f"Theory {number} of {incident.name} is {words}: {found.text}.", event)


def instead(item: Item) -> str:
    """Say what to type about an item that `done` does not end."""
    if item.kind is ItemKind.THEORY:
        return f"; type `confirmed {item.number}` or `ruledout {item.number} <why>`"
    return "; it stands on the record"


def _those(items: tuple[Item, ...]) -> str:
    theories = [str(item.number) for item in items if item.kind is ItemKind.THEORY]
    return f"its theories are {joined(theories)}" if theories else "`theory <text>` notes one"
