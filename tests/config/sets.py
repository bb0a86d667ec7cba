"""A small configuration whose lines the tests count, and what a change to it says."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from incident_bot.config.loader import load
from incident_bot.config.revision import Revision
from incident_bot.core.errors import BadConfiguration, Problem

NOW: Final = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)

PEOPLE: Final = """\
people:
  alice:
    name: Alice Example
    time_zone: Europe/Berlin
    slack: U0000ALICE
    notify:
      high: [{by: slack}]
  bob: {email: bob@example.com}
  zed: {active: false}
"""
TEAMS: Final = """\
teams:
  core:
    schedule: primary
    lead: alice
    manager: bob
    members: [alice, bob]
    slack_channel: "#core"
    services: [shop]
"""
SCHEDULE: Final = """\
schedule: primary
time_zone: Europe/Berlin
holidays: de
layers:
  - name: week
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[alice], [bob]]
  - name: office
    priority: 20
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[bob]]
    windows:
      - {days: mon-fri, from: 09:00, to: 17:00, except_holidays: true}
overrides:
  - {cover: [bob], start: "2026-03-01T09:00", end: "2026-03-02T09:00"}
"""
HOLIDAYS: Final = """\
holidays:
  de: ["2026-01-01", {date: "2026-05-01", name: Tag der Arbeit}]
"""
ESCALATION: Final = """\
severities:
  P1: {aliases: [critical], urgency: high, respond_within: 5m, room: own}
  P2: {aliases: [warning], urgency: low, room: team}
matrix:
  P1: [{page: [on_call]}, {after: 15m, page: [person/alice]}]
  P2: [{page: [lead]}]
repeat: {P1: 3}
fallback: [schedule/primary]
last_resort: [person/alice]
notify: {high: [{by: slack}, {by: mail}], low: [{by: mail}]}
"""
ROUTING: Final = """\
sources:
  - {name: alertmanager, kind: alertmanager, api_url: "http://127.0.0.1:9093"}
routes:
  - {match: ['alertname="Watchdog"'], action: record}
  - match: ['severity=~"critical|page"']
    team: core
    action: incident
  - {match: ['severity="warning"'], delay: 15m, hours: business, continue: true}
default: {team: core, action: incident, severity: warning}
announce:
  - {severities: [critical], channel: "#alerts"}
  - {on: [update, resolve], public: true, channel: "#status"}
inhibit:
  - {source: ['alertname="NodeDown"'], target: ['alertname="Down"'], equal: [instance]}
hours:
  business: {time_zone: Europe/Berlin, windows: [{days: mon-fri, from: 09:00, to: 18:00, except_holidays: true}]}
services:
  shop: {tier: 1, dashboards: ["https://grafana.example.com/d/shop"]}
"""
RUNBOOK: Final = """\
---
title: High error rate
alerts: [HighErrorRate]
match: ['service="shop"', 'alertname=~"Shop.*"']
owner: core
reviewed: 2026-01-15
review_every: 90d
---
# High error rate

## Mitigation

1. Roll back.
2. Tell people.
"""

BASE: Final[Mapping[str, str]] = {
    "rotations/people.yaml": PEOPLE,
    "rotations/teams.yaml": TEAMS,
    "rotations/schedules/primary.yaml": SCHEDULE,
    "rotations/holidays.yaml": HOLIDAYS,
    "rotations/escalation.yaml": ESCALATION,
    "rotations/routing.yaml": ROUTING,
    "runbooks/errors.md": RUNBOOK,
    "templates/slack/opened.j2": "{{ incident.title }}\n",
}

SHORT: Final[Mapping[str, str]] = {path.rpartition("/")[2]: path for path in BASE}
"""The last part of a path to the path: cases say `people.yaml`."""


def write(directory: Path, texts: Mapping[str, str | bytes]) -> Path:
    for path, text in texts.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """The small set with one text replaced, which must be there exactly once."""
    path = SHORT[file]
    assert BASE[path].count(old) == 1, f"{old!r} must stand in {file} once"
    return {**BASE, path: BASE[path].replace(old, new)}


def revision_of(directory: Path, texts: Mapping[str, str | bytes]) -> Revision:
    return load(write(directory, texts), now=NOW)


def problems_of(directory: Path, texts: Mapping[str, str | bytes]) -> tuple[Problem, ...]:
    """Every problem of a set, whether it is refused or not."""
    try:
        return revision_of(directory, texts).problems
    except BadConfiguration as error:
        return error.problems
