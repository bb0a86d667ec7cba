"""What is written, against the sources' own rules counted one by one: many lengths, masks, zones and clocks."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.oncall import Schedule, who
from incident_bot.importers import convert
from tests.importers.exports import goalert, grafana, layer, loaded, pagerduty, rule, shift, user

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")
PEOPLE = ("alice", "bob", "carol", "dan", "erin")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
HORIZON = timedelta(days=300)
QUESTIONS = 100
DAY = timedelta(days=1)


def chance(name: str) -> random.Random:
    return random.Random(name)  # noqa: S311 -- reproducible, not secret


def instants(pick: random.Random, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """Times from now on, without the hours of the night in which clocks change: there the sources guess."""
    found = (
        now + timedelta(minutes=pick.randrange(int(HORIZON / timedelta(minutes=1)))) for _ in range(QUESTIONS)
    )
    steady = []
    for moment in found:
        around = [(moment + timedelta(hours=step)).astimezone(zone).utcoffset() for step in (-4, 4)]
        if around[0] == around[1]:
            steady.append(moment)
    return steady


def answer(schedule: Schedule, moment: datetime) -> set[str]:
    return {each.person for each in who(schedule, (), moment)}


@pytest.mark.parametrize("seed", range(14))
def test_layers_of_pagerduty(seed: int, tmp_path: Path) -> None:
    pick = chance(f"pagerduty {seed}")
    zone = ZoneInfo(pick.choice(ZONES))
    now = datetime(2026, 1, 10, tzinfo=UTC) + timedelta(minutes=pick.randrange(500_000))
    hours = pick.choice([1, 5, 8, 12, 24, 36, 48, 168, 336, 720])
    ring = PEOPLE[: pick.randrange(1, 6)]
    origin = datetime(2025, pick.randrange(1, 12), pick.randrange(1, 28), pick.randrange(24), 30)  # noqa: DTZ001
    start = now + timedelta(hours=pick.choice([-1000, -3, 50, 1000]))
    end = pick.choice([None, start + timedelta(hours=pick.randrange(1100, 4000))])
    opens, length = pick.randrange(48) * 30, pick.choice([30, 480, 720, 1440, 3000, 7000])
    masked = sorted(pick.sample(range(7), pick.randrange(3)))
    restrictions = [
        {
            "type": "weekly_restriction",
            "start_day_of_week": day + 1,
            "start_time_of_day": f"{opens // 60:02d}:{opens % 60:02d}:00",
            "duration_seconds": length * 60,
        }
        for day in masked
    ]
    node = layer(
        rotation_virtual_start=origin.replace(tzinfo=zone).isoformat(),
        start=start.isoformat(),
        end=end.isoformat() if end else None,
        rotation_turn_length_seconds=hours * 3600,
        users=[user(name) for name in ring],
        restrictions=restrictions,
    )
    found = convert("pagerduty", pagerduty(node, time_zone=str(zone)), now=now)
    schedule = loaded(found, tmp_path, now=now).schedules["primary"]

    def expected(moment: datetime) -> set[str]:
        if moment < start or (end is not None and moment >= end):
            return set()
        local = moment.astimezone(zone).replace(tzinfo=None)
        minute = local.weekday() * 1440 + local.hour * 60 + local.minute
        if masked and not any((minute - day * 1440 - opens) % 10080 < length for day in masked):
            return set()
        return {ring[(local - origin) // timedelta(hours=hours) % len(ring)]}

    for moment in instants(pick, now, zone):
        assert answer(schedule, moment) == expected(moment), (moment, *found.files.values())


def weekly(rule: dict[str, Any], start: datetime, local: datetime) -> int | None:
    """The number of the period that runs at a local time, counted week by week."""
    days = sorted(DAYS.index(day) for day in rule["by_day"] or [DAYS[start.weekday()]])
    first_week = start - timedelta(days=(start.weekday() - DAYS.index(rule["week_start"])) % 7)
    if start.weekday() not in days:
        while start.weekday() != min(days, key=lambda day: (day - DAYS.index(rule["week_start"])) % 7):
            start += DAY
        first_week = start
    length = timedelta(seconds=rule["duration"])
    for back in range(8):
        begun = datetime.combine((local - back * DAY).date(), start.time())
        weeks, rest = divmod((begun - first_week) // DAY // 7, int(rule["interval"]))
        if begun >= start and rest == 0 and begun.weekday() in days and begun <= local < begun + length:
            return weeks
    return None


def daily(rule: dict[str, Any], start: datetime, local: datetime) -> int | None:
    """The same, counted day by day; with a mask only the days of the mask count."""
    length, number = timedelta(seconds=rule["duration"]), -1
    begun, running = start, None
    while begun <= local:
        if rule["by_day"] is None or DAYS[begun.weekday()] in rule["by_day"]:
            number += 1
            if rule["by_day"] is not None or number % rule["interval"] == 0:
                running = number // rule["interval"] if local < begun + length else running
        begun += DAY
    return running


@pytest.mark.parametrize("seed", range(24))
def test_shifts_of_grafana_oncall(seed: int, tmp_path: Path) -> None:
    pick = chance(f"grafana {seed}")
    zone = ZoneInfo(pick.choice(ZONES))
    now = datetime(2026, 1, 10, tzinfo=UTC) + timedelta(minutes=pick.randrange(200_000))
    start = datetime(2025, 12, pick.randrange(1, 29), pick.randrange(5, 12), 30)  # noqa: DTZ001
    ring = [["UALICE"], ["UBOB", "UCAROL"], ["UCAROL"]][: pick.randrange(1, 4)]
    frequency = pick.choice(["weekly", "daily"])
    mask = pick.choice([None, pick.sample(DAYS, pick.randrange(1, 5))])
    hours = pick.choice([1, 8, 12, 24])
    interval = pick.choice([1, 1, 2, 3])
    if frequency == "daily" and mask is not None:
        interval = 1 if len(ring) == 1 else min(interval, len(mask))
    elif mask is None:
        hours = pick.choice([hours, 24 * interval * (7 if frequency == "weekly" else 1)])
    if frequency == "weekly" and hours > 168:
        hours = 168
    period = {"frequency": frequency, "interval": interval, "by_day": mask, "duration": hours * 3600}
    period["week_start"] = pick.choice(["MO", "SU"])
    text = grafana(
        shift(
            **period,
            start=start.isoformat(),
            rotation_start=start.isoformat(),
            rolling_users=ring,
            time_zone=str(zone),
        )
    )
    found = convert("grafana-oncall", text, now=now)
    assert not found.notes
    schedule = loaded(found, tmp_path, now=now).schedules["primary"]
    for moment in instants(pick, now, zone):
        local = moment.astimezone(zone).replace(tzinfo=None)
        number = (weekly if frequency == "weekly" else daily)(period, start, local)
        expected = set() if number is None else {name[1:].lower() for name in ring[number % len(ring)]}
        assert answer(schedule, moment) == expected, (moment, period, start, *found.files.values())


def month_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1)


@pytest.mark.parametrize("seed", range(14))
def test_rotations_of_goalert(seed: int, tmp_path: Path) -> None:
    pick = chance(f"goalert {seed}")
    zone = ZoneInfo(pick.choice(ZONES))
    now = datetime(2026, 1, 10, tzinfo=UTC) + timedelta(minutes=pick.randrange(500_000))
    kind, every = pick.choice(["hourly", "daily", "weekly", "monthly"]), pick.choice([1, 2, 5, 36])
    names = PEOPLE[: pick.randrange(1, 6)]
    active = pick.randrange(len(names))
    origin = datetime(2025, pick.randrange(1, 12), pick.randrange(1, 29), pick.randrange(24), 30)  # noqa: DTZ001
    opens, closes = pick.randrange(48) * 30, pick.randrange(48) * 30
    days = pick.choice([[True] * 7, [pick.random() < 0.5 for _ in range(7)]])
    if not any(days):
        days[3] = True

    def turn(local: datetime) -> int:
        if kind != "monthly":
            unit = {"hourly": timedelta(hours=1), "daily": DAY, "weekly": 7 * DAY}[kind]
            return (local - origin) // (every * unit)
        number = 0
        while month_later(origin, (number + 1) * every) <= local:
            number += 1
        return number

    found = convert(
        "goalert",
        goalert(
            [rule(f"{opens // 60:02d}:{opens % 60:02d}", f"{closes // 60:02d}:{closes % 60:02d}", days)],
            {
                "type": kind,
                "shiftLength": every,
                "start": origin.replace(tzinfo=zone).astimezone(UTC).isoformat(),
                "timeZone": str(zone),
                "activeUserIndex": active,
                "users": [{"id": name, "name": name, "email": f"{name}@example.com"} for name in names],
            },
            schedule={"timeZone": str(zone)},
        ),
        now=now,
    )
    schedule = loaded(found, tmp_path, now=now).schedules["primary"]
    first = turn(now.astimezone(zone).replace(tzinfo=None))
    for moment in instants(pick, now, zone):
        local = moment.astimezone(zone).replace(tzinfo=None)
        minute, today = local.hour * 60 + local.minute, days[(local.weekday() + 1) % 7]
        if opens < closes:
            is_active = today and opens <= minute < closes
        else:
            is_active = (today and minute >= opens) or (days[local.weekday()] and minute < closes)
        expected = {names[(turn(local) - first + active) % len(names)]} if is_active else set()
        assert answer(schedule, moment) == expected, (moment, *found.files.values())
