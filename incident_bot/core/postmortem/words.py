"""Stage 8: instants and durations as people read them, and text that cannot break Markdown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incident_bot.core.timeline import one_line

_SPECIAL: Final = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w{1,40};)")
_OPENING: Final = re.compile(r"^(?:([#+=-])|(\d{1,9})([.)]))")


def escape(text: str) -> str:
    """Give a text as one line of Markdown that shows exactly that text, wherever in a line it stands."""
    safe = _SPECIAL.sub(lambda found: f"\\{found.group()}", one_line(text))
    safe = _OPENING.sub(lambda found: f"{found[2] or ''}\\{found[1] or found[3]}", safe)
    return safe.replace("<", "&lt;").replace(">", "&gt;")


def clock(at: datetime, zone: str = "UTC") -> str:
    """Give date and minute in UTC, and the local time beside it where it is another one then."""
    utc = at.astimezone(UTC)
    place = _zone(zone)
    local = utc.astimezone(place) if place else utc
    if place is None or local.utcoffset() == utc.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M} UTC"
    day = "" if local.date() == utc.date() else f"{local:%a} "
    return f"{utc:%Y-%m-%d %H:%M} UTC ({day}{local:%H:%M %Z})"


def duration(length: timedelta) -> str:
    """Give a length of time in its two largest units: `2 d 3 h`, `1 h 5 min`, `42 s`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    units = [("d", 86400), ("h", 3600), ("min", MINUTE)]
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


MINUTE: Final = 60


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
