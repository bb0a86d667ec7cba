"""Random schedules in the format of `rotations/schedules/*.yaml`: valid, all features mixed, near clock changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.core.naive_oncall import DAYS, months_later, span_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Europe/Dublin",
    "Africa/Casablanca",
    "America/Havana",
    "Asia/Beirut",
    "America/St_Johns",
    "Antarctica/Troll",
)
PEOPLE = ("alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi")
# The releases of the time zone data that people have differ from September 2026 on.
YEARS = (2008, 2025)
CALENDAR = "feasts"
# Clocks change at these times, or jump over them.
HOT_TIMES = (
    "00:00",
    "00:30",
    "01:00",
    "01:30",
    "02:00",
    "02:15",
    "02:30",
    "03:00",
    "09:00",
    "20:00",
    "23:30",
)
HOURS = (12, 24, 8, 6, 4, 3, 2, 1)
ELAPSED_HOURS = (7, 12, 24, 25, 36, 100, 168)
UNITS = ("days", "days", "weeks", "hours", "months", "elapsed_hours")
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
BEFORE = 15 * DAY
AFTER = 40 * DAY


@dataclass(frozen=True, slots=True)
class RandomSchedule:
    """A schedule with all that its answers depend on."""

    document: dict[str, Any]
    holidays: dict[str, list[str]]
    inactive: set[str]
    runtime: list[dict[str, Any]]
    """Overrides made at run time, the newest last."""
    start: datetime
    """Between these two instants it is worth asking."""
    end: datetime


def schedules() -> st.SearchStrategy[RandomSchedule]:
    return st.randoms(use_true_random=False).map(random_schedule)


def random_schedule(rng: Random) -> RandomSchedule:
    """One valid schedule."""
    zone = rng.choice(ZONES)
    layer_zones = [None if often(rng) else rng.choice(ZONES) for _ in range(rng.randint(1, 4))]
    base = base_date(rng, rng.choice([zone, *(each or zone for each in layer_zones)]))
    calendar = often(rng)
    priorities = rng.sample(range(1, 60), len(layer_zones))
    layers = [
        random_layer(rng, (zone, layer_zone), priority, base, calendar=calendar)
        for priority, layer_zone in zip(priorities, layer_zones, strict=True)
    ]
    document: dict[str, Any] = {"schedule": "any", "time_zone": zone, "layers": layers}
    if calendar:
        document["holidays"] = CALENDAR
    if overrides := [random_override(rng, zone, base) for _ in range(rng.randint(0, 5))]:
        document["overrides"] = overrides
    if absences := [random_absence(rng, zone, base) for _ in range(rng.randint(0, 4))]:
        document["absences"] = absences
    feasts = {(base + rng.randint(-12, 40) * DAY).isoformat() for _ in range(rng.randint(1, 8))}
    middle = datetime.combine(base, time(), UTC)
    return RandomSchedule(
        document=document,
        holidays={CALENDAR: sorted(feasts)},
        inactive=set(rng.sample(PEOPLE, rng.choice((0, 0, 1, 2)))),
        runtime=[random_override(rng, zone, base) for _ in range(rng.randint(0, 3))],
        start=middle - BEFORE,
        end=middle + AFTER,
    )


def often(rng: Random) -> bool:
    return rng.randint(0, 9) < 6


def rarely(rng: Random) -> bool:
    return rng.randint(0, 9) > 7


@cache
def clock_changes(zone: str, year: int) -> list[date]:
    """The local dates of that year after whose start the clocks change."""
    days = [date(year, 1, 1) + count * DAY for count in range(365)]
    offsets = [datetime.combine(day, time(), ZoneInfo(zone)).utcoffset() for day in [*days, days[-1] + DAY]]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


def base_date(rng: Random, zone: str) -> date:
    """The day round which everything happens: most often one on which the clocks change."""
    if zone == "Pacific/Apia" and often(rng):
        return date(2011, 12, 29)
    year = rng.randint(*YEARS)
    changes = clock_changes(zone, year)
    if changes and not rarely(rng):
        return rng.choice(changes)
    return date(year, 1, 1) + rng.randint(0, 364) * DAY


def random_layer(
    rng: Random, zones: tuple[str, str | None], priority: int, base: date, *, calendar: bool
) -> dict[str, Any]:
    """The zones are the schedule's and, if it has one, the layer's own."""
    schedule_zone, own_zone = zones
    zone = own_zone or schedule_zone
    unit = rng.choice(UNITS)
    anchor = random_anchor(rng, unit, base)
    every = rng.choice({"hours": HOURS, "elapsed_hours": ELAPSED_HOURS}.get(unit, (1, 1, 2, 3)))
    layer: dict[str, Any] = {
        "name": f"layer-{priority}",
        "priority": priority,
        "turn": {"unit": unit, "every": every, "anchor": minutes(anchor)},
        "people": [random_slot(rng, anchor, base, zone) for _ in range(rng.randint(1, 5))],
    }
    if own_zone is not None:
        layer["time_zone"] = own_zone
    if not often(rng):
        layer["mode"] = rng.choice(("add", "replace"))
    if not often(rng):
        layer["turns_per_slot"] = rng.randint(1, 4)
    if not often(rng):
        layer["empty"] = rng.choice(("block", "fallthrough"))
    if not often(rng):
        layer["windows"] = [random_window(rng, calendar=calendar) for _ in range(rng.randint(1, 3))]
        if unit == "days" and often(rng):
            layer["advance"] = "active_days"
    return layer


def random_anchor(rng: Random, unit: str, base: date) -> datetime:
    """Near the base; of months so long before it that some end near it, and often on one of their last days."""
    local = datetime.combine(base, time.fromisoformat(random_time(rng)))
    if unit == "months":
        local = months_later(local, -rng.randint(0, 6))
        return (
            local
            if rarely(rng)
            else months_later(local.replace(month=1, day=rng.randint(28, 31)), local.month - 1)
        )
    return local + rng.randint(-26 if unit == "weeks" else -12, 4) * DAY


def random_time(rng: Random) -> str:
    if often(rng):
        return rng.choice(HOT_TIMES)
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"


def minutes(local: datetime) -> str:
    return local.isoformat(timespec="minutes")


def random_people(rng: Random, least: int, most: int) -> list[str]:
    return rng.sample(PEOPLE, rng.randint(least, most))


def random_slot(rng: Random, anchor: datetime, base: date, zone: str) -> Any:
    """Empty, of one or of several; with dates, or without."""
    who = [] if rarely(rng) else random_people(rng, 1, rng.choice((1, 1, 2, 3)))
    if often(rng):
        return who if often(rng) else {"who": who}
    start, end = random_span(rng, zone, base, local=True)
    if rarely(rng):
        # On a boundary, if the unit has one there.
        start = minutes(anchor + rng.randint(0, 3) * DAY)
        return {"who": who, "from": start}
    limits = rng.choice(({"from": start}, {"until": end}, {"from": start, "until": end}))
    return {"who": who, **limits}


def random_window(rng: Random, *, calendar: bool) -> dict[str, Any]:
    window: dict[str, Any] = {}
    start, end = random_time(rng), "24:00" if rarely(rng) else random_time(rng)
    if rarely(rng):
        first, last = rng.choice(DAYS), rng.choice(DAYS)
        if (first, start) == (last, end):
            end = "24:00"
        window = {"start": f"{first} {start}", "end": f"{last} {end}"}
    else:
        window = {"from": start, "to": "24:00" if start == end else end}
        if often(rng):
            window["days"] = random_days(rng)
    if calendar and not often(rng):
        window[rng.choice(("except_holidays", "only_holidays"))] = True
    return window


def random_days(rng: Random) -> str:
    items = []
    for _ in range(rng.randint(1, 2)):
        first, last = rng.sample(DAYS, 2)
        items.append(first if rarely(rng) else f"{first}-{last}")
    return ", ".join(items)


def random_span(rng: Random, zone: str, base: date, *, local: bool) -> tuple[str, str]:
    """Two written times, the second later as an instant."""
    start = datetime.combine(base, time.fromisoformat(random_time(rng))) + rng.randint(-8, 20) * DAY
    end = start + rng.choice((MINUTE * rng.randint(30, 600), DAY * rng.randint(1, 15)))
    shape: Sequence[str] = ("",) if local else ("", "", ":00Z", ":00+02:00")
    suffix = rng.choice(shape)
    while True:
        written = minutes(start) + suffix, minutes(end) + suffix
        first, last = span_of({"start": written[0], "end": written[1]}, zone)
        if first < last:
            return written
        end += 60 * MINUTE


def random_override(rng: Random, zone: str, base: date) -> dict[str, Any]:
    start, end = random_span(rng, zone, base, local=False)
    times = {"start": start, "end": end}
    kind = rng.choice(("cover", "replace", "replace", "remove", "add"))
    if kind == "replace":
        person, by = rng.sample(PEOPLE, 2)
        return {"replace": person, "by": by, **times}
    if kind == "remove":
        return {"remove": rng.choice(PEOPLE), **times}
    if kind == "cover" and rarely(rng):
        return {"cover": [], "nobody": True, **times, "reason": "nobody is needed"}
    return {kind: random_people(rng, 1, 3), **times, "reason": "swap"}


def random_absence(rng: Random, zone: str, base: date) -> dict[str, Any]:
    start, end = random_span(rng, zone, base, local=False)
    return {"who": rng.choice(PEOPLE), "start": start, "end": end}
