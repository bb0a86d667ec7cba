"""Reads what follows a verb: people, times, durations. Raises Refused with what to type instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.durations import parse_duration
from incident_bot.core.errors import Refused
from incident_bot.core.model import Person

SNOOZE_MOST: Final = timedelta(days=7)
_WAITING: Final = re.compile(r"(?:^|\s)waiting\s+(?:for\s+)?(\S.*)$", re.IGNORECASE | re.DOTALL)
_CLOCK: Final = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
_DATE: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")
PROMISED_MOST: Final = timedelta(days=30)
_NEXT: Final = re.compile(r"\s*\bnext(?: update)?(?: in)?[:\s]+(\d+[smhd](?:\d+[smhd])*)\s*$", re.IGNORECASE)
_UNDO: Final = re.compile(r"\bundo:\s*", re.IGNORECASE)
_GUEST: Final = re.compile(r"slack:[UW][A-Z0-9]{2,20}")
_MENTIONED: Final = re.compile(rf"(?:^|\s)(@(?:{_GUEST.pattern}|[\w.-]+))")
_EVENING: Final = 18
_OTHER: Final = re.compile(
    r"(?:(?:in|into|of|to|with)\s+)?(?:inc-|#)?(\d{1,9})[.,:;]?(?:\s+|$)", re.IGNORECASE
)


def somebody(word: str, people: Mapping[str, Person], *, actor: str) -> str:
    """Give a person's id as `person`, or whom Slack knows and people.yaml does not: `slack:U0123`."""
    return _guest(word, actor) or person(word, people, actor=actor)


def _guest(word: str, actor: str) -> str | None:
    wanted = word.strip().lstrip("@")
    wanted = actor if wanted.casefold() == "me" else wanted
    return wanted if _GUEST.fullmatch(wanted) else None


def person(word: str, people: Mapping[str, Person], *, actor: str) -> str:
    """Give the id of the person that `@alice`, `alice`, `Alice Example`, an address or `me` names."""
    guest = _guest(word, actor)
    if guest is not None:
        user = guest.partition(":")[2]
        message = (
            f"{guest} is not in people.yaml, so nothing reaches them: have them added there with `slack: {user}`, or "
            "name somebody else. They can be given the lead, a role, a task or a follow-up."
        )
        raise Refused(message)
    wanted = word.strip().lstrip("@").casefold()
    if wanted in ("me", "@me"):
        wanted = actor.casefold()
    for entry in people.values():
        names = (entry.id, entry.name, *(value for key, value in entry.contacts.items() if key == "email"))
        if wanted in (name.casefold() for name in names):
            return entry.id
    near = difflib.get_close_matches(wanted, people, n=1, cutoff=0.5)
    hint = f" Did you mean @{near[0]}?" if near else f" Known: {', '.join(sorted(people)[:8])}."
    message = f"I know nobody called {word.strip()[:40]!r}.{hint}"
    raise Refused(message)


def trailing_person(rest: str, people: Mapping[str, Person], *, actor: str) -> tuple[str, str | None]:
    """Split off somebody written as `@name` anywhere in the text; gives the text without it."""
    found = _MENTIONED.search(rest)
    if found is None:
        return rest.strip(), None
    text = (rest[: found.start()] + rest[found.end() :]).strip()
    return text, somebody(found.group(1), people, actor=actor)


def duration(word: str, *, example: str) -> timedelta:
    """Read a positive duration such as `30m`."""
    try:
        value = parse_duration(word)
    except (ValueError, OverflowError) as error:
        message = f"{word[:40]!r} is not a duration; type for example `{example}`."
        raise Refused(message) from error
    if value <= timedelta(0):
        message = f"A duration of nothing does nothing; type for example `{example}`."
        raise Refused(message)
    return value


def promised_ack(rest: str, zone: ZoneInfo, *, now: datetime) -> tuple[datetime | None, str | None]:
    """Read `until 14:30`, `for 2h` and `waiting for <what>`, each of which may be missing; else raises Refused."""
    found = _WAITING.search(rest)
    waiting = None
    if found is not None:
        rest, waiting = rest[: found.start()].strip(), found[1].strip()[:200]
    if not rest.strip():
        return None, waiting
    first, _, more = rest.strip().partition(" ")
    word = first.casefold()
    if word == "for" and more:
        return until(more, zone, now=now, example="ack for 2h"), waiting
    if word == "until" and more:
        return until(more, zone, now=now, example="ack until 14:30"), waiting
    shown = rest.strip()[:40]
    message = f"I do not understand {shown!r}; type `ack`, `ack until 14:30` or `ack waiting for the vendor`."
    raise Refused(message)


def until(rest: str, zone: ZoneInfo, *, now: datetime, example: str = "snooze 30m") -> datetime:
    """Read `30m` or `until 14:30` (in the person's zone, the next time the clock shows it)."""
    words = rest.split()
    if words and words[0].casefold() == "until":
        words = words[1:]
    if not words:
        message = "For how long? Type for example `snooze 30m` or `snooze until 14:30`."
        raise Refused(message)
    clock = _CLOCK.match(words[0])
    if clock:
        local = now.astimezone(zone).replace(
            hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0
        )
        wanted = local.astimezone(UTC)
        due = wanted if wanted > now else (local + timedelta(days=1)).astimezone(UTC)
    else:
        due = now + duration(words[0], example=example)
    if due - now > SNOOZE_MOST:
        message = f"That is longer than {SNOOZE_MOST.days} days; resolve or cancel the incident instead."
        raise Refused(message)
    return due


def past_clock(rest: str, zone: ZoneInfo, *, now: datetime) -> tuple[str, datetime | None]:
    """Split off a leading `HH:MM` in the person's zone: the last time the clock showed it."""
    first, _, text = rest.partition(" ")
    clock = _CLOCK.match(first)
    if clock is None or not text.strip():
        return rest.strip(), None
    local = now.astimezone(zone).replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
    if local > now:
        local -= timedelta(days=1)
    return text.strip(), local.astimezone(UTC)


def promise(rest: str, *, default: timedelta | None, now: datetime) -> tuple[str, datetime | None]:
    """Split off a trailing `next 30m`; without one the severity's own interval is promised."""
    found = _NEXT.search(rest)
    if found is None:
        return rest.strip(), now + default if default else None
    wait = duration(found[1], example="update … next 30m")
    if wait > PROMISED_MOST:
        message = (
            "Nobody waits for an update of more than 30 days ahead; type for example `update … next 30m`."
        )
        raise Refused(message)
    return rest[: found.start()].strip(), now + wait


def due(rest: str, zone: ZoneInfo, *, now: datetime) -> tuple[str, datetime | None]:
    """Split off a trailing date (its evening, in the person's zone) or duration in days and longer."""
    text, _, last = rest.rpartition(" ")
    if _DATE.match(last):
        try:
            day = datetime.fromisoformat(last).replace(hour=_EVENING, tzinfo=zone)
        except ValueError as error:
            message = f"{last} is no date; write it as 2026-12-31."
            raise Refused(message) from error
        return text.strip(), day.astimezone(UTC)
    if re.match(r"^\d+[dw]$", last) and text:
        days = int(last[:-1]) * (7 if last.endswith("w") else 1)
        if days > 3650:  # noqa: PLR2004 -- ten years
            message = "A due date ten years ahead is none; write a date such as 2026-12-31."
            raise Refused(message)
        return text.strip(), now + timedelta(days=days)
    return rest.strip(), None


def undo(rest: str) -> tuple[str, str | None]:
    """Split off `undo: …`."""
    found = _UNDO.search(rest)
    if found is None:
        return rest.strip(), None
    return rest[: found.start()].strip(), rest[found.end() :].strip() or None


def other_incident(rest: str, *, example: str) -> tuple[int, str]:
    """Split off the name of another incident, `INC-42` or `into 42`; raises Refused where there is none."""
    found = _OTHER.match(rest)
    if found is None:
        message = f"Into which incident? Type for example `{example}`; `list` shows what is open."
        raise Refused(message)
    return int(found[1]), rest[found.end() :].strip()


def item_number(rest: str, *, example: str) -> tuple[int, str]:
    """Split off the number of an item, `2` or `#2`; raises Refused where there is none."""
    word, _, more = needed(rest, example=example).partition(" ")
    digits = word.lstrip("#").rstrip(".,:;")
    if not digits.isdecimal() or len(digits) > 6:  # noqa: PLR2004 -- nobody has a million tasks
        message = f"{word[:40]!r} is no number; `info` lists the numbers, then type for example `{example}`."
        raise Refused(message)
    return int(digits), more.strip()


def needed(text: str, *, example: str) -> str:
    """Give the text; raises Refused where it is empty."""
    if not text.strip():
        message = f"Something is missing; type for example `{example}`."
        raise Refused(message)
    return text.strip()
