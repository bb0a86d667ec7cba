"""What a TZID means: an IANA name, a Windows name as Outlook writes it, or the file's own VTIMEZONE.

Known names win over what the file says of them: tzdata is kept up to date, and the rules in files are often cut short.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from icalendar import Calendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from incident_bot.config.calendars.text import Block, BrokenTextError, Line
from incident_bot.config.documents import nearest
from incident_bot.core.walltime import zone

ZONES_MOST: Final = 100
TROUBLES: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What the libraries raise over nonsense; they promise ValueError and keep it mostly."""

_TZID: Final = re.compile(r';[ \t]*TZID[ \t]*=[ \t]*("[^"]*"|[^;:"]*)', re.IGNORECASE)
_WINDOWS: Final = {name.casefold(): olson for name, olson in WINDOWS_TO_OLSON.items()}
_WORD_MOST: Final = 100


class Zones:
    """The time zones of one file, by the names that its events use."""

    def __init__(self, defined: Mapping[str, str]) -> None:
        """Take the file's own zones: TZID to the name under which the library knows it."""
        self._defined = defined

    def named(self, line: Line) -> Line:
        """Give the property with a zone that is known everywhere; raises BrokenTextError for an unknown one."""
        matched = _TZID.search(_parameters(line))
        if matched is None:
            return line
        written = matched.group(1).strip('"').strip()
        known = known_zone(written) or self._defined.get(written)
        if known is None:
            hint = nearest(written, _WINDOWS.values()) or "; name a place, such as Europe/Berlin"
            raise BrokenTextError(
                line.number,
                f'{line.name}: unknown time zone "{written[:_WORD_MOST]}", and no VTIMEZONE defines it{hint}',
            )
        text = f"{line.text[: matched.start()]};TZID={known}{line.text[matched.end() :]}"
        return line._replace(text=text)


def _parameters(line: Line) -> str:
    return line.text[: len(line.text) - len(line.value)]


def known_zone(name: str) -> str | None:
    """Give the IANA name that a TZID means, also behind a maker's prefix; None where it means none."""
    bare = name.strip("/ ")[:_WORD_MOST]
    if bare.casefold() in _WINDOWS:
        return _WINDOWS[bare.casefold()]
    parts = bare.split("/") if name.startswith("/") else [bare]
    for start in range(len(parts)):
        candidate = "/".join(parts[start:])
        try:
            return zone(candidate).key
        except ValueError:
            continue
    return None


def read_zones(found: Iterable[Block]) -> Zones:
    """Give the file's own time zones; raises BrokenTextError for one that cannot be reckoned with."""
    defined: dict[str, str] = {}
    for block in found:
        if block.name != "VTIMEZONE":
            continue
        name = block.first("TZID")
        if name is None:
            raise BrokenTextError(block.line, "VTIMEZONE: TZID is missing")
        written = name.value.strip()
        if known_zone(written) is not None:
            continue
        place = block.first("X-LIC-LOCATION")
        olson = known_zone(place.value.strip()) if place else None
        defined[written] = olson or _define(block)
        if len(defined) > ZONES_MOST:
            raise BrokenTextError(block.line, f"is one time zone too many; {ZONES_MOST} can be read")
    return Zones(defined)


def _define(block: Block) -> str:
    """Have the library know a zone under a name of its rules, so that two files never share one by accident."""
    for line in block.lines:
        if line.name == "RRULE" and not re.search(r"(?i)\bFREQ=YEARLY\b", line.value):
            raise BrokenTextError(line.number, "VTIMEZONE: only yearly rules can be read")
        if line.name == "RRULE" and re.search(r"(?i)BY(HOUR|MINUTE|SECOND|SETPOS)", line.value):
            raise BrokenTextError(line.number, "VTIMEZONE: a rule names a day of the year, nothing finer")
    lines = [line for line in block.lines if line.name != "TZID" and not line.name.startswith("X-")]
    rules = "\r\n".join(line.text for line in lines)
    name = "incident-bot-" + hashlib.sha256(rules.encode(errors="surrogatepass")).hexdigest()[:32]
    text = (
        f"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:{name}\r\n{rules}\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n"
    )
    try:
        Calendar.from_ical(text)
    except TROUBLES as error:
        raise BrokenTextError(block.line, f"VTIMEZONE: {_first_line(error)}") from error
    return name


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
