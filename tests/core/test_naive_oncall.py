"""The naive solver gives what was worked out by hand, and is constant between its change points."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.core.naive_oncall import NaiveSchedule
from tests.core.oncall_documents import random_schedule

CASES: list[dict[str, Any]] = YAML(typ="safe").load(
    (Path(__file__).resolve().parents[1] / "data/oncall/cases.yaml").read_text(encoding="utf-8")
)["cases"]
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']}: {case['name']}")
def test_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    schedule = NaiveSchedule(
        case["schedule"],
        holidays=case.get("holidays", {}),
        inactive=case.get("inactive", ()),
        runtime=case.get("runtime", ()),
    )

    answers = {instant: schedule.who(datetime.fromisoformat(instant)) for instant in case["at"]}

    assert answers == case["at"]


def test_there_are_cases_for_every_rule() -> None:
    cited = {rule.strip() for case in CASES for rule in case["rule"].split(",")}

    assert cited >= {f"R{number}" for number in range(2, 15)}
    assert len({case["name"] for case in CASES}) == len(CASES) > 60


@pytest.mark.parametrize("seed", range(12))
def test_nothing_changes_between_two_change_points(seed: int) -> None:
    rng = Random(seed)  # noqa: S311 -- a draw, not a secret
    drawn = random_schedule(rng)
    schedule = NaiveSchedule(
        drawn.document, holidays=drawn.holidays, inactive=drawn.inactive, runtime=drawn.runtime
    )
    points = schedule.change_points(drawn.start, drawn.end)
    begin = rng.randint(0, max(0, len(points) - 12))

    for point, following in zip(points[begin:], points[begin + 1 : begin + 12], strict=False):
        assert schedule.who(point) == schedule.who(following - SECOND)


def test_times_may_be_asked_in_any_zone() -> None:
    document = {
        "time_zone": "UTC",
        "layers": [
            {
                "priority": 1,
                "turn": {"unit": "days", "every": 1, "anchor": "2026-01-01T00:00"},
                "people": [["a"], ["b"]],
            }
        ],
    }

    assert NaiveSchedule(document).who(datetime.fromisoformat("2026-01-02T01:00+02:00")) == ["a"]
    assert NaiveSchedule(document).who(datetime(2026, 1, 2, tzinfo=UTC)) == ["b"]
