"""Durations as the configuration writes them: `90s`, `15m`, `1h30m`, `7d`. Never guesses a missing unit."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(days=3660)
"""Ten years: beyond that it is a slip of the finger, and adding it to a date could leave the calendar."""

_UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SHAPE: Final = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in _UNITS))
_SAMPLES: Final = "write a number and a unit, such as 90s, 15m, 1h30m or 7d"


def parse_duration(text: str) -> timedelta:
    """Read a duration; raises ValueError saying how to write it."""
    written = text.strip()
    if re.fullmatch(r"[+-]?[0-9.]+", written):
        number = written.lstrip("+-")
        message = f"{written} has no unit; write {number}s, {number}m or {number}h (seconds, minutes, hours)"
        raise ValueError(message)
    found = _SHAPE.fullmatch(written)
    if not written or found is None:
        message = f"{text!r} is not a duration; {_SAMPLES}"
        raise ValueError(message)
    parts = zip(_UNITS.values(), found.groups(), strict=True)
    try:
        length = timedelta(**{unit: int(count) for unit, count in parts if count})
    except OverflowError:
        length = timedelta.max
    if length > LONGEST:
        message = f"{text!r} is longer than ten years; {_SAMPLES}"
        raise ValueError(message)
    return length


def format_duration(length: timedelta) -> str:
    """Write a duration the way `parse_duration` reads it, without empty units: `1h30m`; zero is `0s`."""
    seconds = int(length.total_seconds())
    written = ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        written += f"{count}{unit}" if count else ""
    return written or "0s"
