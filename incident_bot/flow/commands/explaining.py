"""What stands behind the word `why`: an incident, an alert or a person, and a window of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.durations import parse_duration
from incident_bot.core.errors import Refused
from incident_bot.core.walltime import parse_instant
from incident_bot.flow.commands.arguments import person
from incident_bot.flow.context import Context
from incident_bot.flow.why import Chain, explain_alert, explain_incident, explain_person

DAY: Final = timedelta(days=1)
AROUND: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=400)
EXAMPLES: Final = "type for example `why INC-42`, `why alert HighErrorRate` or `why @alice since 22:00`"
_CLOCK: Final = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d")
_INCIDENT: Final = re.compile(r"(?:inc-)?(\d{1,9})", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def answer(context: Context, line: str, number: int | None, *, actor: str, now: datetime) -> Chain:
    """Answer what follows `why`; `number` is the incident meant where the line names nothing.

    Raises Refused and NotFound with what to type instead.
    """
    words = line.split()
    named = _INCIDENT.fullmatch(words[0]) if words else None
    if named is not None and len(words) == 1:
        number, words = int(named[1]), []
    if not words:
        if number is None:
            message = f"Why what? {EXAMPLES[0].upper()}{EXAMPLES[1:]}."
            raise Refused(message)
        return explain_incident(context, number, now=now)
    if words[0].casefold() == "alert":
        if len(words) == 1:
            message = "Which alert? Type its number, its fingerprint or its name: `why alert HighErrorRate`."
            raise Refused(message)
        return explain_alert(context, " ".join(words[1:]), now=now)
    people = context.live.current.revision.people
    known = people.get(actor)
    zone = ZoneInfo(known.time_zone) if known else ZoneInfo("UTC")
    start, end = window(" ".join(words[1:]), zone, now=now)
    return explain_person(context, person(words[0], people, actor=actor), start=start, end=end, now=now)


def window(text: str, zone: ZoneInfo, *, now: datetime) -> tuple[datetime, datetime]:
    """Read `since 22:00`, `since 2h`, `at 03:10` or an instant, on the asker's clock; the last day without words.

    `at` means an hour before and after. Raises Refused.
    """
    words = text.split()
    around = bool(words) and words[0].casefold() == "at"
    if words and words[0].casefold() in ("at", "since"):
        words = words[1:]
        if not words:
            message = "Since when? Type for example `why @alice since 22:00`."
            raise Refused(message)
    if not words:
        return now - DAY, now
    instant = _instant(" ".join(words), zone, now)
    if instant >= now and not around:
        message = f"{' '.join(words)[:40]!r} is still to come; only what happened can be explained."
        raise Refused(message)
    return (instant - AROUND, instant + AROUND) if around else (max(instant, now - LONGEST), now)


def _instant(word: str, zone: ZoneInfo, now: datetime) -> datetime:
    if _CLOCK.fullmatch(word):
        hours, minutes = map(int, word.split(":"))
        local = now.astimezone(zone).replace(hour=hours, minute=minutes, second=0, microsecond=0)
        return (local if local <= now else local - DAY).astimezone(UTC)
    try:
        if _DATE.fullmatch(word):
            return parse_instant(f"{word}T00:00", zone)
        return parse_instant(word, zone) if "T" in word else now - parse_duration(word)
    except (ValueError, OverflowError) as error:
        hint = "write `since 22:00`, `since 2h` or `at 2026-03-03T03:10`"
        message = f"I do not understand the time {word[:40]!r}; {hint}."
        raise Refused(message) from error
