"""Reads times as people type them: `tomorrow 18:00`, `fri`, `2026-12-24 20:00`, `in 3h`. Raises Refused. Pure.

Local times are read by rule R4: a missing one is the instant at which the clock jumps, of two the first counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.durations import parse_duration
from incident_bot.core.errors import Refused
from incident_bot.core.walltime import EARLIEST, LATEST, WEEKDAYS, Span, parse_instant, to_instant

EXAMPLES: Final = "now, 20:00, tomorrow 18:00, fri 20:00, 2026-12-24, 2026-12-24 20:00 or in 3h"
WORDS: Final = ("now", "today", "tomorrow", "yesterday", "in", *WEEKDAYS)
_DAY: Final = timedelta(days=1)
_FULL: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS: Final = {
    **{word: n for n, word in enumerate(WEEKDAYS)},
    **{word: n for n, word in enumerate(_FULL)},
}
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_CLOCKISH: Final = re.compile(r"[0-9]{1,2}[:.][0-9]{0,2}|[0-9]{1,2}h[0-9]{1,2}|[0-9]{1,2}(am|pm)")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATEISH: Final = re.compile(r"[0-9]{1,4}[-./][0-9]{1,2}([-./][0-9]{1,4})?\.?|[0-9]{4}-[0-9]{2}-[0-9]{2}.+")
_LENGTH: Final = re.compile(r"\+?([0-9]+[wdhms])+")
_JOINTS: Final = frozenset({"from", "to", "until", "till", "-", "–"})


@dataclass(frozen=True, slots=True)
class When:
    """An instant, or a whole local day where no time of day was given."""

    start: datetime
    end: datetime | None = None
    """The end of the day; None for an instant."""


def read(words: Sequence[str], zone: ZoneInfo, *, now: datetime) -> tuple[When, int] | None:
    """Read a time from the first words and say how many it took; None where they do not begin with one.

    Raises Refused for what looks like a time and is none.
    """
    if not words:
        return None
    first = words[0].casefold()
    if first == "now":
        return When(now), 1
    if first == "in" and len(words) > 1:
        return When(now + length(words[1])), 2
    if _CLOCKISH.fullmatch(first):
        return When(_next(_clock(first), zone, now)), 1
    if "t" in first and _DATE.match(first):
        return When(_instant(words[0], zone)), 1
    day = _day(first, zone, now)
    if day is None:
        return None
    if len(words) > 1 and _CLOCKISH.fullmatch(words[1].casefold()):
        instant = _local(day, _clock(words[1].casefold()), zone)
        if first in _NUMBERS and instant < now:
            instant = _local(day + 7 * _DAY, _clock(words[1].casefold()), zone)
        return When(instant), 2
    return When(*of_day(day, zone)), 1


def read_end(words: Sequence[str], zone: ZoneInfo, *, start: datetime) -> tuple[datetime, int] | None:
    """Read when something that begins at `start` ends: a length such as `8h`, or the next such time after it.

    A day without a time of day ends it with that day. Raises Refused where the end is not after the start.
    """
    skipped = joints(words)
    rest = words[skipped:]
    if rest and rest[0].casefold() == "for":
        rest, skipped = rest[1:], skipped + 1
    if rest and _LENGTH.fullmatch(rest[0].casefold()):
        return start + length(rest[0].lstrip("+")), skipped + 1
    found = read(rest, zone, now=start)
    if found is None:
        return None
    when, used = found
    end = when.end or when.start
    if end <= start:
        message = (
            f"It would end before it begins; write the end as a length, `8h`, or a later time: {EXAMPLES}."
        )
        raise Refused(message)
    return end, skipped + used


def joints(words: Sequence[str]) -> int:
    """Say whether the first word only joins times, as `to` does: 1 or 0."""
    return 1 if words and words[0].casefold() in _JOINTS else 0


def length(word: str) -> timedelta:
    """Read a length of time; raises Refused."""
    try:
        found = parse_duration(word.casefold())
    except ValueError as error:
        message = f"{word[:40]!r} is not a length of time; write for example 30m, 8h or 3d."
        raise Refused(message) from error
    if found <= timedelta(0):
        message = "A length of nothing does nothing; write for example 30m, 8h or 3d."
        raise Refused(message)
    return found


def of_day(day: date, zone: ZoneInfo) -> Span:
    """Give the instants between which a zone's clock shows a date."""
    return _local(day, timedelta(0), zone), _local(day, _DAY, zone)


def is_date(word: str) -> bool:
    """Say whether a word is a date such as 2026-12-24."""
    return _DATE.fullmatch(word) is not None


def _day(word: str, zone: ZoneInfo, now: datetime) -> date | None:
    today = now.astimezone(zone).date()
    if word in _NUMBERS:
        return today + (_NUMBERS[word] - today.weekday()) % 7 * _DAY
    if word in ("today", "tomorrow", "yesterday"):
        return today + {"today": 0, "tomorrow": 1, "yesterday": -1}[word] * _DAY
    if not _DATEISH.fullmatch(word) and not is_date(word):
        return None
    try:
        day = date.fromisoformat(word) if is_date(word) else None
    except ValueError:
        day = None
    if day is None or not EARLIEST.year < day.year < LATEST.year - 1:
        message = f"{word[:40]!r} is no date; write it as 2026-12-24."
        raise Refused(message)
    return day


def _clock(word: str) -> timedelta:
    found = _CLOCK.fullmatch(word)
    if found is None:
        message = f"{word[:40]!r} is no time of day; write it as 18:00."
        raise Refused(message)
    return timedelta(hours=int(found[1]), minutes=int(found[2]))


def _next(clock: timedelta, zone: ZoneInfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    instant = _local(today, clock, zone)
    return instant if instant > now else _local(today + _DAY, clock, zone)


def _local(day: date, clock: timedelta, zone: ZoneInfo) -> datetime:
    return to_instant(datetime.combine(day, time()) + clock, zone)


def _instant(word: str, zone: ZoneInfo) -> datetime:
    try:
        return parse_instant(word.upper(), zone)
    except ValueError as error:
        message = f"{word[:40]!r} is no instant; write it as 2026-12-24T20:00 or 2026-12-24T20:00:00Z."
        raise Refused(message) from error
