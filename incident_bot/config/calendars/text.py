"""An iCalendar's text as events and time zones with their lines (RFC 5545 section 3.1). Judges no values.

Only what says when and who is kept: alarms, attachments, descriptions and the like cost nothing and break nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

KEPT: Final = frozenset(
    ("UID", "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS",
     "SUMMARY", "ATTENDEE", "SEQUENCE", "X-INCIDENT-BOT-PERSON")
)  # fmt: skip
"""The properties of an event that count."""

COMPONENTS_MOST: Final = 40_000
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,60}(?=[ \t]*[;:])")
_DEPTH_MOST: Final = 10


class Line(NamedTuple):
    """One property, unfolded."""

    number: int
    """Of the first line that it stands on, from 1."""
    name: str
    """In capital letters."""
    text: str
    """The whole of it, with its name."""

    @property
    def value(self) -> str:
        """What stands after the first colon that is not in quotes."""
        quoted = False
        for index, sign in enumerate(self.text):
            if sign == '"':
                quoted = not quoted
            elif sign == ":" and not quoted:
                return self.text[index + 1 :]
        return ""


@dataclass(slots=True)
class Block:
    """One component: `BEGIN:VEVENT` to `END:VEVENT`."""

    name: str
    line: int
    lines: list[Line] = field(default_factory=list)
    """Its own properties; in a time zone those of its parts too, as they stand."""

    def first(self, name: str) -> Line | None:
        """Give the first property of this name."""
        return next((line for line in self.lines if line.name == name), None)

    @property
    def text(self) -> str:
        """The whole of it, as RFC 5545 writes it."""
        inner = "\r\n".join(line.text for line in self.lines)
        return f"BEGIN:{self.name}\r\n{inner}\r\nEND:{self.name}\r\n"


class BrokenTextError(ValueError):
    """The text is no iCalendar, from this line on."""

    def __init__(self, line: int, message: str) -> None:
        """Say where and why."""
        super().__init__(message)
        self.line = line


def unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Give every content line with the number of its first line; empty lines are passed over (section 3.1)."""
    parts: list[str] = []
    begun = 1
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.removesuffix("\r")
        if line[:1] in (" ", "\t"):
            if not parts:
                raise BrokenTextError(number, "is the continuation of no line; take the space before it out")
            parts.append(line[1:])
            continue
        if parts:
            yield begun, "".join(parts)
        parts, begun = ([line] if line else []), number
    if parts:
        yield begun, "".join(parts)


def blocks(text: str) -> list[Block]:
    """Give the events and time zones, in order; raises BrokenTextError where it is no whole iCalendar."""
    found: list[Block] = []
    stack: list[Block] = []
    whole = False
    last = 1
    for number, content in unfolded(text):
        last = number
        matched = _NAME.match(content)
        if matched is None:
            raise BrokenTextError(
                number, "is not NAME:VALUE; a line that goes on from the one above begins with a space"
            )
        line = Line(number, matched.group().upper(), content)
        if line.name == "BEGIN":
            _begin(line, stack, found)
            whole = True
        elif line.name == "END":
            _end(line, stack)
        elif not stack:
            raise BrokenTextError(number, "stands outside BEGIN:VCALENDAR … END:VCALENDAR")
        else:
            _keep(line, stack)
    if stack:
        raise BrokenTextError(
            last, f"ends within the {stack[-1].name} of line {stack[-1].line}; is the file whole?"
        )
    if not whole:
        raise BrokenTextError(1, "is not an iCalendar: BEGIN:VCALENDAR is missing")
    return found


def _begin(line: Line, stack: list[Block], found: list[Block]) -> None:
    name = line.value.strip().upper()
    if not stack and name != "VCALENDAR":
        raise BrokenTextError(line.number, f"BEGIN:{name} stands outside BEGIN:VCALENDAR")
    if len(stack) >= _DEPTH_MOST:
        raise BrokenTextError(line.number, "is nested too deep for a calendar")
    block = Block(name, line.number)
    if len(stack) == 1 and name in ("VEVENT", "VTIMEZONE"):
        found.append(block)
        if len(found) > COMPONENTS_MOST:
            raise BrokenTextError(line.number, f"is one event too many; {COMPONENTS_MOST} can be read")
    elif any(one.name == "VEVENT" for one in stack) and name == "VEVENT":
        raise BrokenTextError(line.number, "is an event within an event; is an END:VEVENT missing?")
    stack.append(block)
    _zone_part(stack, line)


def _end(line: Line, stack: list[Block]) -> None:
    name = line.value.strip().upper()
    if not stack or stack[-1].name != name:
        open_one = f"the {stack[-1].name} of line {stack[-1].line} is open" if stack else "nothing is open"
        raise BrokenTextError(line.number, f"END:{name} ends nothing; {open_one}")
    _zone_part(stack, line)
    stack.pop()


def _zone_part(stack: list[Block], line: Line) -> None:
    if len(stack) > 2 and stack[1].name == "VTIMEZONE":  # noqa: PLR2004 -- VCALENDAR, VTIMEZONE and a part of it
        stack[1].lines.append(line)


def _keep(line: Line, stack: list[Block]) -> None:
    if len(stack) > 1 and stack[1].name == "VTIMEZONE":
        stack[1].lines.append(line)
    elif stack[-1].name == "VEVENT" and line.name in KEPT:
        stack[-1].lines.append(line)
    elif len(stack) == 1 and line.name in ("METHOD", "CALSCALE"):
        _whole_calendar(line)


def _whole_calendar(line: Line) -> None:
    value = line.value.strip().upper()
    if line.name == "CALSCALE" and value != "GREGORIAN":
        raise BrokenTextError(line.number, f"CALSCALE:{value} cannot be read; only GREGORIAN can")
    if line.name == "METHOD" and value == "CANCEL":
        raise BrokenTextError(line.number, "METHOD:CANCEL takes events back; export the calendar itself")
