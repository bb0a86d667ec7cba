"""A small configuration whose every delay is short, so that stories end within seconds of real time."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PEOPLE = """
people:
  alice: {name: Alice Example, time_zone: Europe/Berlin, notify: {high: [{by: webhook}], low: [{by: webhook}]}}
  bob: {name: Bob Example, time_zone: Europe/Berlin, notify: {high: [{by: webhook}], low: [{by: webhook}]}}
"""
TEAMS = "teams: {platform: {schedule: primary, lead: bob}}\n"
SCHEDULE = """
schedule: primary
time_zone: UTC
layers:
  - name: always
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[alice]]
"""
ESCALATION = """
severities:
  P1: {aliases: [critical], urgency: high}
  P2: {aliases: [warning], urgency: low}
matrix:
  P1: [{page: [on_call]}, {after: 15m, page: [lead]}]
  P2: [{page: [on_call]}]
fallback: [person/bob]
last_resort: [person/bob]
resolve_hold: 1s
auto_resolve: always
"""


def routing(api_url: str | None = None) -> str:
    """The routes: everything is an incident of the platform team, one for each alert name, cluster and service."""
    place = f', api_url: "{api_url}"' if api_url else ""
    return f"""
sources:
  - {{name: alertmanager, kind: alertmanager{place}}}
routes:
  - {{match: ['action="record"'], action: record}}
default: {{team: platform, action: incident, severity: P1}}
storm: off
"""


def small(api_url: str | None = None) -> dict[str, str]:
    """The files of the small configuration, by path."""
    return {
        "rotations/people.yaml": PEOPLE,
        "rotations/teams.yaml": TEAMS,
        "rotations/schedules/primary.yaml": SCHEDULE,
        "rotations/escalation.yaml": ESCALATION,
        "rotations/routing.yaml": routing(api_url),
    }


def write(directory: Path, files: Mapping[str, str]) -> Path:
    """Put the files below the directory."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def copy_samples(directory: Path) -> Path:
    """Put a copy of the repository's own configuration below the directory."""
    for name in ("rotations", "runbooks", "templates"):
        shutil.copytree(ROOT / name, directory / name)
    return directory
