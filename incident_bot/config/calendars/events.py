"""An iCalendar's events, each checked and with its line; whatever is wrong with one is a problem of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from icalendar import Event

from incident_bot.config.calendars.rules import check_rule
from incident_bot.config.calendars.text import Block, BrokenTextError, Line, blocks
from incident_bot.config.calendars.zones import TROUBLES, Zones, read_zones
from incident_bot.config.tree import one_line
from incident_bot.core.errors import Problem
from incident_bot.core.walltime import EARLIEST, LATEST

LINE: Final = "X-INCIDENT-BOT-LINE"
"""Carries an event's line to its occurrences."""
CHANGES_MOST: Final = 5_000
"""Events with one UID: a series and its exceptions."""

DATES_MOST: Final = 5_000
"""Dates that one event adds or excludes."""
ERRORS_MOST: Final = 20

_ONCE: Final = (
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RECURRENCE-ID",
    "STATUS",
    "SUMMARY",
    "SEQUENCE",
)
_ZONED: Final = ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE")
_TIMES: Final = ("DTSTART", "DTEND", "RECURRENCE-ID")


@dataclass(frozen=True, slots=True)
class Series:
    """The events that share one UID: one event, or a series and its exceptions."""

    line: int
    events: tuple[Any, ...]


def read_calendar(
    text: str, *, file: str, until: datetime, late: Callable[[], bool], problems: list[Problem]
) -> tuple[Series, ...]:
    """Give the events by UID, or nothing after adding every problem with its line.

    `until` is the last instant that will be asked for: rules that repeat too often before it are refused. Once it is
    `late`, reading ends, and whoever asked says so.
    """
    try:
        found = blocks(text)
        zones = read_zones(found)
    except BrokenTextError as error:
        problems.append(Problem(file, error.line, one_line(str(error))))
        return ()
    by_uid: dict[str, list[tuple[int, Any]]] = {}
    before = len(problems)
    for block in found:
        if block.name != "VEVENT":
            continue
        if sum(problem.severity == "error" for problem in problems[before:]) >= ERRORS_MOST:
            problems.append(Problem(file, block.line, "what follows was not looked at any more"))
            break
        if late():
            return ()
        try:
            event = _event(block, zones, until)
        except BrokenTextError as error:
            problems.append(Problem(file, error.line, one_line(str(error))))
            continue
        if _backwards(event):
            message = f"{title_of(event)} ends before it starts; it is left out"
            problems.append(Problem(file, block.line, one_line(message), "warning"))
            continue
        series = by_uid.setdefault(str(event["UID"]), [])
        series.append((block.line, event))
        if len(series) == CHANGES_MOST + 1:
            problems.append(Problem(file, block.line, f"more than {CHANGES_MOST} events have this UID"))
    if any(problem.severity == "error" for problem in problems[before:]):
        return ()
    return tuple(Series(events[0][0], tuple(event for _, event in events)) for events in by_uid.values())


def title_of(event: Any) -> str:
    """Give an event's summary as people know it."""
    return f'"{one_line(str(event.get("SUMMARY", "")).strip())[:100]}"'


def _event(block: Block, zones: Zones, until: datetime) -> Any:
    lines = _once(block)
    if "DTSTART" not in lines:
        raise BrokenTextError(block.line, "VEVENT: DTSTART is missing")
    if "DTEND" in lines and "DURATION" in lines:
        raise BrokenTextError(
            lines["DURATION"].number, "VEVENT has DTEND and DURATION; it ends by one of them"
        )
    exclusion = block.first("EXRULE")
    if exclusion is not None:
        raise BrokenTextError(exclusion.number, "EXRULE cannot be counted; name the dates with EXDATE")
    dates = 0
    for line in block.lines:
        dates += line.value.count(",") + 1 if line.name in ("RDATE", "EXDATE") else 0
        if dates > DATES_MOST:
            raise BrokenTextError(line.number, f"{line.name}: one event names more than {DATES_MOST} dates")
    kept = [zones.named(line) if line.name in _ZONED else line for line in block.lines]
    ruleless = Block("VEVENT", block.line, [line for line in kept if line.name != "RRULE"])
    event = _parsed(ruleless)
    start = event["DTSTART"].dt
    rule = lines.get("RRULE")
    if rule is not None:
        event = _parsed(Block("VEVENT", block.line, [*ruleless.lines, _counted(rule, start, until)]))
    if "UID" not in event:
        event.add("UID", f"line-{block.line}")
    event.add(LINE, str(block.line))
    return event


def _once(block: Block) -> Mapping[str, Line]:
    lines: dict[str, Line] = {}
    for line in block.lines:
        if line.name in _ONCE and line.name in lines:
            raise BrokenTextError(line.number, f"{line.name} stands twice in one event")
        lines.setdefault(line.name, line)
    return lines


def _counted(rule: Line, start: date, until: datetime) -> Line:
    try:
        return rule._replace(text=f"RRULE:{check_rule(rule.value, start, until)}")
    except ValueError as error:
        raise BrokenTextError(rule.number, f"RRULE: {error}") from error


def _parsed(block: Block) -> Any:
    """Have the library read one event; it notes what it cannot read and goes on, which here refuses the event."""
    try:
        event = Event.from_ical(block.text.encode(errors="replace"))
    except TROUBLES as error:
        raise BrokenTextError(
            block.line, f"VEVENT: {(str(error).splitlines() or ['is broken'])[0]}"
        ) from error
    for name, message in event.errors:
        line = block.first(str(name).upper())
        raise BrokenTextError(line.number if line else block.line, f"{name}: {message}")
    for name, value in _moments(event):
        line = block.first(name)
        number = line.number if line else block.line
        if not isinstance(value, date):
            raise BrokenTextError(number, f"{name}: is neither a date nor a date with a time")
        if not EARLIEST.year < value.year < LATEST.year - 1:
            raise BrokenTextError(
                number,
                f"{name}: the year {value.year} is out of range; {EARLIEST.year + 1} to {LATEST.year - 2}",
            )
    return event


def _moments(event: Any) -> Iterator[tuple[str, object]]:
    for name in _TIMES:
        if name in event:
            yield name, getattr(event[name], "dt", None)


def _backwards(event: Any) -> bool:
    end = event.get("DTEND")
    if end is None:
        return False
    start, finish = event["DTSTART"].dt, end.dt
    if isinstance(start, datetime) is not isinstance(finish, datetime):
        return False
    if isinstance(start, datetime) and (start.tzinfo is None) is not (finish.tzinfo is None):
        return False
    return bool(finish < start)
