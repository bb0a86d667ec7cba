"""Which recurrence rules are taken: those whose days can be counted in bounded time (RFC 5545 section 3.3.10).

A rule that repeats by the second, or that falls on no day at all, would keep the load busy until the year 9999.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from itertools import islice
from math import prod
from typing import Final

from dateutil.rrule import rrulestr

from incident_bot.config.calendars.zones import TROUBLES

REPEATS_MOST: Final = 50_000
"""Repeats between an event's first day and the last day that is looked at."""
INTERVAL_MOST: Final = 10_000

_SECONDS: Final = {
    "HOURLY": 3600,
    "DAILY": 86_400,
    "WEEKLY": 7 * 86_400,
    "MONTHLY": 28 * 86_400,
    "YEARLY": 365 * 86_400,
}
_ON_DAYS: Final = ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH")
_IN_DAYS: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")
_KNOWN: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", *_ON_DAYS, *_IN_DAYS})
_CYCLE: Final = 400
"""Years after which the Gregorian calendar begins anew, weekdays included."""
_LAST_CYCLE: Final = 9200


def check_rule(rule: str, start: date, until: datetime) -> str:
    """Give the rule as the library takes it; ValueError where it cannot be counted up to `until` in bounded time."""
    parts = _parts(rule)
    frequency = parts.get("FREQ", "")
    if frequency in ("SECONDLY", "MINUTELY"):
        raise ValueError(f"FREQ={frequency} repeats too often for a shift; use HOURLY or longer")
    if frequency not in _SECONDS:
        raise ValueError(f'FREQ="{frequency}" is none of {", ".join(_SECONDS)}')
    unknown = sorted(set(parts) - _KNOWN)
    if unknown:
        raise ValueError(f"{unknown[0]} cannot be counted here")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("has COUNT and UNTIL; it ends by one of them")
    interval = _whole(parts, "INTERVAL", INTERVAL_MOST)
    _whole(parts, "COUNT", 10**9)
    times = prod(parts[key].count(",") + 1 for key in _IN_DAYS if key in parts)
    if frequency == "HOURLY" and any(key in parts for key in (*_ON_DAYS, *_IN_DAYS, "BYSETPOS")):
        raise ValueError("FREQ=HOURLY goes with INTERVAL alone; use DAILY with BYHOUR")
    seconds = max((until.date() - date(start.year, start.month, start.day)).total_seconds(), 0)
    per_step = 7 if frequency == "WEEKLY" else 31 if frequency in ("MONTHLY", "YEARLY") else 1
    if seconds / (_SECONDS[frequency] * interval) * times > REPEATS_MOST or times * per_step > REPEATS_MOST:
        raise ValueError(f"repeats more than {REPEATS_MOST} times since its first day; begin it later")
    _falls_somewhere(parts, start)
    return ";".join(f"{key}={value}" for key, value in parts.items())


def _parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for pair in rule.strip().strip(";").split(";"):
        key, equals, value = pair.partition("=")
        key, value = key.strip().upper(), value.strip().upper()
        if not equals or not value:
            raise ValueError(f'"{pair[:40]}" is not NAME=VALUE')
        if key in parts:
            raise ValueError(f"{key} stands twice")
        parts[key] = value
    return parts


def _whole(parts: dict[str, str], key: str, most: int) -> int:
    text = parts.get(key, "1")
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"{key}={text[:20]} is not a whole number from 1 to {most}")
    return int(text)


def _falls_somewhere(parts: dict[str, str], start: date) -> None:
    """Refuse a rule without any day: counted at the end of the calendar, where the counting ends soon."""
    if not any(key in parts for key in (*_ON_DAYS, "BYSETPOS")):
        return
    year = start.year + (_LAST_CYCLE - start.year) // _CYCLE * _CYCLE + _CYCLE
    late = datetime(start.year, 1, 1)  # noqa: DTZ001 -- the calendar alone counts here
    late = late.replace(year=year, month=start.month, day=start.day)
    endless = ";".join(
        f"{key}={value}" for key, value in parts.items() if key not in ("UNTIL", "COUNT", *_IN_DAYS)
    )
    try:
        found = list(islice(rrulestr(endless, dtstart=late), 1))
    except TROUBLES as error:
        raise ValueError(str(error) or "cannot be counted") from error
    if not found:
        raise ValueError("falls on no day at all; correct its BY… parts")
