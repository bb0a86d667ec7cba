"""A schedule's document as `core.oncall` takes it, read the way the files are."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from incident_bot.config.calendars.bookings import Feeds
from incident_bot.config.documents import Names, read
from incident_bot.config.holidays import HolidaysShape, build_calendars
from incident_bot.config.schedules import OverrideShape, ScheduleShape, build_schedule
from incident_bot.config.tree import parse
from incident_bot.core.errors import Problem
from incident_bot.core.oncall import Override, Schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_FEEDS = Feeds(texts={}, people={}, now=NOW)


def schedule_of(
    document: Mapping[str, Any], holidays: Mapping[str, Sequence[Any]], inactive: Collection[str] = ()
) -> Schedule:
    """Read a document of the file format; whatever is wrong with it fails the test."""
    # JSON is YAML, too.
    tree, problems = parse(json.dumps(document), file="rotations/schedules/p.yaml")
    assert tree is not None, problems
    found: list[Problem] = []
    calendars = build_calendars(HolidaysShape.model_validate({"holidays": holidays}), None, found, now=NOW)
    shape = read(ScheduleShape, tree, names=Names(), problems=found)
    assert shape is not None, found
    schedule = build_schedule(shape, tree, calendars, frozenset(inactive), found, feeds=NO_FEEDS)
    assert schedule is not None, found
    return schedule


def overrides_of(documents: Sequence[Mapping[str, Any]], zone: str) -> tuple[Override, ...]:
    """Read overrides in the form in which files have them."""
    return tuple(OverrideShape.model_validate(document).override(zone) for document in documents)
