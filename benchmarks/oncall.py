"""Whose turn it is: a year of twenty schedules' shifts, how the cost grows with the span, one question at a time.

`oncall.py` prints the times. `oncall.py --agree N` compares N random schedules with the naive solver of the tests
instead, one second around every change, and fails where an answer differs: the suite does so for a sample.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from time import perf_counter
from typing import Any

from benchmarks.rig.report import emit, middle, progress, table, versions
from incident_bot.core.oncall import Schedule, shifts, who
from tests.core.naive_oncall import NaiveSchedule
from tests.core.oncall_documents import random_schedule
from tests.core.oncall_reading import overrides_of, schedule_of

SCHEDULES = 20
YEAR = timedelta(days=365)
START = datetime(2026, 1, 1, tzinfo=UTC)
GOAL_MS = 500
QUESTIONS = 200
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Sydney")
SECOND = timedelta(seconds=1)


def document(number: int) -> dict[str, Any]:
    """Give one of twenty ordinary schedules: a weekly ring, office hours above it, days and nights, leave, covers."""
    people = [f"p{number}-{place}" for place in range(6)]
    anchor = "2025-12-29T09:00"
    office = {"days": "mon-fri", "from": "09:00", "to": "17:00", "except_holidays": True}
    layers: list[dict[str, Any]] = [
        {
            "name": "week",
            "priority": 10,
            "turn": {"unit": "weeks", "anchor": anchor},
            "people": [[person] for person in people],
        },
        {
            "name": "office",
            "priority": 20,
            "turn": {"unit": "days", "anchor": anchor},
            "people": [[person] for person in people[:3]],
            "windows": [office],
        },
    ]
    if number % 2:
        night = {"unit": "hours", "every": 12, "anchor": "2025-12-29T08:00"}
        layers.append(
            {"name": "shadow", "priority": 5, "mode": "add", "turn": night, "people": [["x"], ["y"]]}
        )
    month = [f"2026-{month:02}" for month in range(1, 13)]
    return {
        "schedule": f"s{number}",
        "time_zone": ZONES[number % len(ZONES)],
        "holidays": "h",
        "layers": layers,
        "absences": [
            {"who": people[0], "start": f"{at}-03T00:00", "end": f"{at}-09T00:00"} for at in month[::3]
        ],
        "overrides": [
            {"cover": [people[1]], "start": f"{at}-11T00:00Z", "end": f"{at}-12T00:00Z"} for at in month
        ],
    }


def timed(work: Callable[[], object]) -> float:
    """Give how long this takes, in milliseconds."""
    begin = perf_counter()
    work()
    return (perf_counter() - begin) * 1000


def measure(rounds: int) -> dict[str, object]:
    """Give medians of rounds."""
    holidays = {"h": ["2026-01-01", "2026-05-01", "2026-12-25"]}
    schedules = [schedule_of(document(number), holidays) for number in range(SCHEDULES)]
    spans: dict[int, list[float]] = {1: [], 2: [], 4: []}
    one: list[float] = []
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for years, took in spans.items():
            took.append(timed(partial(_all, schedules, START + years * YEAR)))
        one.append(timed(partial(_each, schedules[0])) / QUESTIONS)
    found = {f"{years}y_ms": middle(took) for years, took in spans.items()}
    found["growth_1_to_4"] = middle([last / first for first, last in zip(spans[1], spans[4], strict=True)])
    found["who_ms"] = middle(one, 4)
    table(("measure", "value"), list(found.items()))
    progress(f"goal: a year of twenty schedules' shifts in {GOAL_MS} ms")
    return {"versions": versions(), "schedules": SCHEDULES, **found}


def _each(schedule: Schedule) -> None:
    for number in range(QUESTIONS):
        who(schedule, (), START + number * timedelta(hours=7))


def _all(schedules: Sequence[Schedule], end: datetime) -> None:
    for schedule in schedules:
        shifts(schedule, (), START, end)


def agree(count: int, seed: int) -> dict[str, object]:
    """Compare random schedules with the naive solver; an answer that differs ends it."""
    asked = 0
    for number in range(seed, seed + count):
        drawn = random_schedule(Random(number))
        naive = NaiveSchedule(
            drawn.document, holidays=drawn.holidays, inactive=drawn.inactive, runtime=drawn.runtime
        )
        schedule = schedule_of(drawn.document, drawn.holidays, drawn.inactive)
        overrides = overrides_of(drawn.runtime, drawn.document["time_zone"])
        inactive = frozenset(drawn.inactive)
        points = naive.change_points(drawn.start, drawn.end)
        for point in Random(number).sample(points, min(len(points), 25)):
            for instant in (point - SECOND, point, point + SECOND):
                found = [answer.person for answer in who(schedule, overrides, instant, inactive=inactive)]
                asked += 1
                if found != naive.who(instant):
                    sys.exit(
                        f"schedule {number} at {instant}: {found}, the naive solver says {naive.who(instant)}"
                    )
        if number % 100 == 0:
            progress(f"{number - seed} of {count} schedules, {asked} questions, no difference")
    return {"schedules": count, "questions": asked, "differences": 0}


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--agree", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    emit(agree(chosen.agree, chosen.seed) if chosen.agree else measure(chosen.rounds))


if __name__ == "__main__":
    main()
