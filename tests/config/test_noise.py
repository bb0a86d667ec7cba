"""What a route leaves out of its rules against noise, the rule for all routes says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from incident_bot.core.model import FlappingRule, StormRule
from tests.config.sets import changed, revision_of

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "top,own,everywhere,here",
    [
        ("", "", StormRule(), StormRule()),
        ("storm: off", "", None, None),
        ("storm: {openings: 3}", "storm: off", StormRule(openings=3), None),
        ("storm: off", "storm: {openings: 3}", None, StormRule(openings=3)),
        (
            "storm: {openings: 3, within: 1m}",
            "storm: {openings: 9}",
            StormRule(openings=3, within=MINUTE),
            StormRule(openings=9, within=MINUTE),
        ),
    ],
)
def test_storms(
    top: str, own: str, everywhere: StormRule | None, here: StormRule | None, tmp_path: Path
) -> None:
    files = changed("routing.yaml", "    team: core\n", f"    team: core\n    {own}\n")
    routing = files["rotations/routing.yaml"]
    revision = revision_of(tmp_path, {**files, "rotations/routing.yaml": f"{routing}{top}\n"})
    assert revision.routing.default.storm == everywhere
    assert [route.storm for route in revision.routing.routes] == [everywhere, here, everywhere]


def test_flapping(tmp_path: Path) -> None:
    files = changed("routing.yaml", "    team: core\n", "    flapping: {quiet: 1h}\n    team: core\n")
    routing = files["rotations/routing.yaml"] + "flapping: {transitions: 6, hold: 5m}\n"
    revision = revision_of(tmp_path, {**files, "rotations/routing.yaml": routing})
    rule = FlappingRule(transitions=6, hold=5 * MINUTE)
    assert revision.routing.default.flapping == rule
    own = FlappingRule(transitions=6, hold=5 * MINUTE, quiet=60 * MINUTE)
    assert [route.flapping for route in revision.routing.routes] == [rule, own, rule]
