"""Side by side: what agrees, what differs and from when to when, as a table and as JSON."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from incident_bot.core.oncall import Schedule
from incident_bot.importers import Imported, as_json, as_text, compare, convert
from tests.importers.exports import NOW, layer, loaded, pagerduty, user

DAY = timedelta(days=1)


def shown(*entries: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "rendered_schedule_entries": [
            {"start": start, "end": end, **user(name)} for start, end, name in entries
        ]
    }


AGREEING = shown(
    ("2026-03-02T09:00:00+01:00", "2026-03-09T09:00:00+01:00", "alice"),
    ("2026-03-09T09:00:00+01:00", "2026-03-12T12:00:00Z", "bob"),
)
DISAGREEING = shown(
    ("2026-03-02T09:00:00+01:00", "2026-03-09T09:00:00+01:00", "alice"),
    ("2026-03-09T12:00:00+01:00", "2026-03-10T12:00:00Z", "bob"),
    ("2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z", "carol"),
    ("2026-03-11T12:00:00Z", "2026-03-11T18:00:00Z", "carol"),
    ("2026-03-11T18:00:00Z", "2026-03-12T12:00:00Z", "bob"),
)


def both(final: dict[str, Any], directory: Path) -> tuple[Imported, dict[str, Schedule]]:
    found = convert("pagerduty", pagerduty(layer(), final_schedule=final), now=NOW)
    return found, dict(loaded(found, directory).schedules)


def test_agreeing(tmp_path: Path) -> None:
    found, schedules = both(AGREEING, tmp_path)
    comparisons = compare(found, schedules, now=NOW)
    assert as_text(comparisons) == "primary: 100 % the same from 2026-03-02 12:00 to 2026-03-12 12:00 UTC\n"
    (entry,) = as_json(comparisons)
    assert (entry["percent"], entry["differences"], entry["reason"]) == (100.0, [], None)


def test_disagreeing(tmp_path: Path) -> None:
    found, schedules = both(DISAGREEING, tmp_path)
    comparisons = compare(found, schedules, now=NOW)
    assert as_text(comparisons).splitlines() == [
        "primary: 86.25 % the same from 2026-03-02 12:00 to 2026-03-12 12:00 UTC",
        "  from (UTC)        to (UTC)          source  files",
        "  2026-03-09 08:00  2026-03-09 11:00  nobody  bob",
        "  2026-03-10 12:00  2026-03-11 18:00  carol   bob",
    ]
    (entry,) = as_json(comparisons)
    assert json.loads(json.dumps(entry)) == {
        "schedule": "primary",
        "start": "2026-03-02T12:00:00Z",
        "end": "2026-03-12T12:00:00Z",
        "percent": 86.25,
        "reason": None,
        "differences": [
            {"start": "2026-03-09T08:00:00Z", "end": "2026-03-09T11:00:00Z", "source": [], "files": ["bob"]},
            {
                "start": "2026-03-10T12:00:00Z",
                "end": "2026-03-11T18:00:00Z",
                "source": ["carol"],
                "files": ["bob"],
            },
        ],
    }


def test_a_second_apart_is_not_all_the_same(tmp_path: Path) -> None:
    late = shown(
        ("2026-03-02T12:00:00Z", "2026-03-09T08:00:01Z", "alice"),
        ("2026-03-09T08:00:01Z", "2026-05-30T00:00:00Z", "bob"),
    )
    found, schedules = both(late, tmp_path)
    (comparison,) = compare(found, schedules, now=NOW, days=7)
    assert comparison.percent == 99.99
    assert comparison.differences[0].end - comparison.differences[0].start == timedelta(seconds=1)


def test_only_the_days_that_are_asked_for_are_compared(tmp_path: Path) -> None:
    found, schedules = both(DISAGREEING, tmp_path)
    (comparison,) = compare(found, schedules, now=NOW, days=3)
    assert (comparison.end - comparison.start, comparison.percent) == (3 * DAY, 100.0)


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    found, schedules = both(shown(("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", "alice")), tmp_path)
    (comparison,) = compare(found, schedules, now=NOW)
    assert comparison.percent is None
    assert "does not say who is on call from now on" in as_text([comparison])
    found, _ = both(AGREEING, tmp_path)
    assert "not among the schedules" in as_text(compare(found, {}, now=NOW))
    much_later = shown(("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z", "alice"))
    found, schedules = both(much_later, tmp_path)
    assert "after the 90 days" in as_text(compare(found, schedules, now=NOW))
    assert as_json(compare(found, schedules, now=NOW))[0]["percent"] is None


def test_an_hour_that_happens_twice_is_compared_as_well(tmp_path: Path) -> None:
    at = datetime(2026, 10, 20, tzinfo=UTC)
    entries = shown(
        ("2026-10-20T00:00:00Z", "2026-10-26T08:00:00Z", "bob"),
        ("2026-10-26T08:00:00Z", "2026-10-27T00:00:00Z", "alice"),
    )
    found = convert("pagerduty", pagerduty(layer(), final_schedule=entries), now=at)
    (comparison,) = compare(found, loaded(found, tmp_path, now=at).schedules, now=at)
    assert comparison.percent == 100.0, as_text([comparison])
