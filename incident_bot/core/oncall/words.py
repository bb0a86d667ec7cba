"""Why somebody answers, in words: layer, turn number, override (R1)."""

from __future__ import annotations

from collections.abc import Iterable

from incident_bot.core.oncall.pieces import Reason
from incident_bot.core.oncall.schedule import Cover, Override, Remove, Replace


def reason_text(schedule: str, reason: Reason) -> str:
    """Say why one person answers."""
    return together(schedule, (reason,))


def together(schedule: str, reasons: Iterable[Reason]) -> str:
    """Say where these answers come from, each layer and override once, however many turns it had."""
    found = list(reasons)
    if len(found) == 1:
        # Nearly every shift has one; a year of twenty schedules has sixteen thousand shifts.
        return _text(schedule, found[0], "" if found[0].turn is None else f", turn {found[0].turn}")
    turns: dict[Reason, list[int]] = {}
    for reason in found:
        numbers = turns.setdefault(reason._replace(turn=None), [])
        if reason.turn is not None:
            numbers.append(reason.turn)
    texts = [_text(schedule, reason, _turns(numbers)) for reason, numbers in turns.items()]
    return "; ".join(dict.fromkeys(texts))


def nobody_text(schedule: str, reasons: Iterable[Reason | None]) -> str:
    """Say why nobody answers."""
    known = [reason for reason in reasons if reason is not None]
    return together(schedule, known) or f"{schedule}: no layer answers"


def _text(schedule: str, reason: Reason, turns: str) -> str:
    if reason.override is not None:
        return _change(reason.override)
    text = f"{schedule}: layer {reason.layer}{turns}"
    if reason.title:
        text += f", booked as {reason.title}"
    if reason.adds:
        text += ", besides the others"
    if reason.instead_of is not None:
        away = ", ".join(reason.instead_of)
        text += f", standing in for {away}" if away else ", as the turn is nobody's"
    return text


def _change(override: Override) -> str:
    match override:
        case Cover():
            text = f"cover by {', '.join(override.people) or 'nobody'}"
        case Replace():
            text = f"{override.by} in place of {override.person}"
        case Remove():
            text = f"{override.person} taken off"
        case _:
            text = f"{', '.join(override.people)} added"
    text += f" ({override.reason})" if override.reason else ""
    return text + (f", override {override.id}" if override.id else "")


def _turns(numbers: list[int]) -> str:
    if not numbers:
        return ""
    first, last = min(numbers), max(numbers)
    return f", turn {first}" if first == last else f", turns {first} to {last}"
