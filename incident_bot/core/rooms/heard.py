"""What people did to one message of a chat: marks that may come twice, or in any order, and mean the same then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from incident_bot.core.model import Json, JsonObject

PIN: Final = "pin"
TIMELINE: Final = "timeline"
SHORTCUT: Final = "shortcut"
GONE: Final = "gone"
_KEEPING: Final = (PIN, TIMELINE, SHORTCUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing that somebody did, or took back."""

    at: str
    """The time stamp of the event, as the chat wrote it."""
    on: bool = True
    by: str = ""

    def to_json(self) -> JsonObject:
        """Write it: `marks_of` reads it back."""
        return {"at": self.at, "on": self.on, "by": self.by}


def marks_of(data: JsonObject) -> dict[str, Mark]:
    """Read marks by their keys; what cannot be read is none."""
    return {
        key: Mark(at=str(value.get("at", "")), on=value.get("on") is True, by=str(value.get("by", "")))
        for key, value in data.items()
        if isinstance(value, Mapping)
    }


def marked(marks: Mapping[str, Mark], key: str, mark: Mark) -> dict[str, Mark]:
    """Add a mark; one that is older than what is known changes nothing."""
    known = marks.get(key)
    if known is not None and _instant(known.at) >= _instant(mark.at):
        return dict(marks)
    return {**marks, key: mark}


def kept_by(marks: Mapping[str, Mark]) -> Mark | None:
    """Give the first mark that keeps a message on the timeline; None where it does not belong there (any more)."""
    gone = marks.get(GONE)
    if gone is not None and gone.on:
        return None
    keeping = [mark for key, mark in marks.items() if mark.on and key.partition(":")[0] in _KEEPING]
    return min(keeping, key=lambda mark: _instant(mark.at), default=None)


def first_on(marks: Mapping[str, Mark], kind: str) -> Mark | None:
    """Give the first mark of a kind that stands."""
    found = [mark for key, mark in marks.items() if mark.on and key.partition(":")[0] == kind]
    return min(found, key=lambda mark: _instant(mark.at), default=None)


def written(marks: Mapping[str, Mark]) -> dict[str, Json]:
    """Write marks by their keys."""
    return {key: mark.to_json() for key, mark in marks.items()}


def _instant(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)
