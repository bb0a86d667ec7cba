"""No speed: Slack in a storm, in a storm of 429s and in an hour without it, against the strict workspace of the tests.

    python benchmarks/slack.py > slack.json

The clock is the story's, so an hour takes as long as its work. Counted are the calls by method, and everything that
a well-made app never does: calls beyond a rate, calls before a Retry-After is over, messages that come twice or in
another order, rooms that are missing. It ends with 1 where there is any.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from benchmarks.rig.processes import databases
from benchmarks.rig.report import emit, progress, table, versions
from tests.plugins.slack_story import SlackStory
from tests.scenarios.slack_weather import BOTH, Found, look, minutes, quiet, storm, work

ALERTS = 1000
QUICK = 12
BUSY_FOR = 300
ASKED = 30
HOURS_MOST = 6 * 60
ANNOUNCED = {"notify": BOTH, "announce": '[{channel: "#web"}]'}
ALONE = {**ANNOUNCED, "more": "storm: off"}
ADOPTED = {**ANNOUNCED, "more": "storm: {openings: 20, within: 5m}"}


def adopted(story: SlackStory, count: int) -> int:
    """So many alerts at once, as the sample configuration takes them: beyond 20 incidents they are a storm."""
    storm(story, count)
    return quiet(story, most=HOURS_MOST)


def alone(story: SlackStory, count: int) -> int:
    """So many alerts at once, each an incident of its own, two of three with a room of their own."""
    storm(story, count)
    return quiet(story, most=HOURS_MOST)


def busy(story: SlackStory, count: int) -> int:
    """Every method answers 429 for five minutes from the beginning of a storm."""
    ends = story.clock.now().timestamp() + BUSY_FOR
    story.workspace.busy = lambda: ASKED if story.clock.now().timestamp() < ends else None
    storm(story, count)
    return quiet_after(story, BUSY_FOR / 60)


def outage(story: SlackStory, count: int) -> int:
    """Slack is away for an hour in which incidents open, are taken, told of twice, and half of them ended."""
    storm(story, 3)
    minutes(story, 2)
    story.workspace.down = True
    names = ("warning", "high", "critical")
    for number in range(4, count + 4):
        story.fires(alertname=f"Dark{number:04}", severity=names[number % 3])
    minutes(story, 15)
    work(story, range(2, count + 4))
    minutes(story, 30)
    story.workspace.down = False
    return quiet(story, most=HOURS_MOST)


def quiet_after(story: SlackStory, count: float) -> int:
    """Let so many minutes pass, and then what is still to be told."""
    minutes(story, count)
    return quiet(story, most=HOURS_MOST)


WEATHER: dict[str, tuple[Callable[[SlackStory, int], int], dict[str, str], float]] = {
    "storm": (adopted, ADOPTED, 1.0),
    "storm off": (alone, ALONE, 1.0),
    "429": (busy, ALONE, 0.1),
    "outage": (outage, ALONE, 0.05),
}
"""By name: what happens, under which configuration, with which part of the alerts."""


@contextmanager
def told(url: str, **changes: Any) -> Iterator[SlackStory]:
    """Begin a story in a workspace, and end it."""
    with tempfile.TemporaryDirectory() as directory:
        story = SlackStory(Path(directory), url, **changes)
        try:
            yield story
        finally:
            story.close()


def measure(name: str, kind: str, alerts: int) -> dict[str, Any]:
    """Have one weather on a fresh database, and count."""
    happens, changes, part = WEATHER[name]
    count = max(3, round(alerts * part))
    progress(f"round 1 of 1: {name} with {count} alerts on {kind}")
    began = time.monotonic()
    # Nothing here is about speed: without a disk below it the same happens sooner.
    with (
        databases() as made,
        told("sqlite://" if kind == "memory" else made.fresh(kind).url, **changes) as story,
    ):
        after = happens(story, count)
        found: Found = look(story)
    told_of = sum(found.calls.values())
    progress(
        f"  {found.incidents} incidents, {told_of} calls, {found.turned_away} of 429, trouble {found.trouble}"
    )
    return {
        "weather": name,
        "database": kind,
        "alerts": count,
        "quiet_after_minutes": after,
        "seconds": round(time.monotonic() - began, 1),
        "all_calls": told_of,
        "trouble": found.trouble,
        **asdict(found),
    }


def main() -> int:
    """Run what is asked for, and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alerts", type=int, default=ALERTS)
    parser.add_argument("--weather", nargs="+", choices=tuple(WEATHER), default=list(WEATHER))
    parser.add_argument(
        "--databases", nargs="+", choices=("memory", "sqlite", "postgresql"), default=["memory"]
    )
    parser.add_argument("--quick", action="store_true", help="a look whether it works")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    alerts = QUICK if given.quick else given.alerts
    figures = [measure(name, kind, alerts) for kind in given.databases for name in given.weather]
    heads = (
        "weather",
        "database",
        "alerts",
        "incidents",
        "calls",
        "429s",
        "last page s",
        "quiet after min",
        "trouble",
    )
    table(heads, [
        (one["weather"], one["database"], one["alerts"], one["incidents"], one["all_calls"], one["turned_away"],
         one["last_page_s"], one["quiet_after_minutes"], sum(one["trouble"].values()))
        for one in figures
    ])  # fmt: skip
    emit({"benchmark": "slack", "versions": versions(), "figures": figures})
    return 1 if any(one["trouble"] for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
