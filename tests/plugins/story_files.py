"""The configuration of stories: small enough to be known by heart, each part replaceable by keyword.

ana is on call for the team web, ben leads it, cleo manages it; fay is the fallback, theo the last resort.
"""

from __future__ import annotations

from collections.abc import Mapping

PEOPLE = """
people:
  ana: {name: Ana Example, time_zone: Europe/Berlin, slack: U0ANA, phone: "+4915100000001", email: ana@example.com}
  ben: {name: Ben Example, time_zone: America/New_York, slack: U0BEN}
  cleo: {name: Cleo Example, slack: U0CLEO}
  dan: {name: Dan Example, slack: U0DAN}
  fay: {name: Fay Example, slack: U0FAY}
  theo: {name: Theo Example, slack: U0THEO}
  gus: {name: Gus Gone, slack: U0GUS, active: false}
"""

TEAMS = """
teams:
  web: {schedule: web, lead: ben, manager: cleo, members: [ana, ben], slack_channel: "#web", services: [shop]}
  data: {schedule: data, lead: dan, members: [dan], services: [lake]}
"""

LAYERS = """
  - {name: week, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[ana]]}
"""

DATA_SCHEDULE = """
schedule: data
time_zone: UTC
layers:
  - {name: week, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[dan]]}
"""

SEVERITIES = """
  P1: {aliases: [critical], urgency: high, respond_within: 5m, update_every: 15m, postmortem_within: 48h}
  P2: {aliases: [high], urgency: high, respond_within: 15m, update_every: 30m}
  P3: {aliases: [warning], urgency: low, respond_within: 1h}
  P4: {aliases: [info], urgency: low}
"""

MATRIX: Mapping[str, str] = {
    "P1": "[{page: [on_call]}, {after: 15m, page: [lead]}, {after: 30m, page: [manager]}]",
    "P2": "[{page: [on_call]}, {after: 30m, page: [lead]}]",
    "P3": "[{page: [lead]}]",
    "P4": "[{page: [lead]}]",
}

SOURCES = "  - {name: alertmanager, kind: alertmanager}"

RUNBOOK = """---
title: High error rate
alerts: [HighErrorRate]
owner: web
---
## Investigation

1. Look at the newest deploy

## Mitigation

1. Roll it back
2. Scale out
"""


def documents(
    *,
    people: str = PEOPLE,
    teams: str = TEAMS,
    layers: str = LAYERS,
    severities: str = SEVERITIES,
    matrix: Mapping[str, str] | None = None,
    repeat: str = "{}",
    fallback: str = "[person/fay]",
    last_resort: str = "[person/theo]",
    notify: str = "{high: [{by: slack}], low: [{by: slack}]}",
    rules: str = "",
    ack_timeout: str = "{high: off}",
    promises: str = "{remind_before: off, nag: false}",
    sources: str = SOURCES,
    routes: str = "[]",
    default: str = "{team: web, action: incident, severity: P1, group_by: [alertname]}",
    announce: str = "[]",
    more: str = "",
) -> dict[str, str]:
    """Every file of one set; `rules` and `more` are further keys of escalation.yaml and routing.yaml.

    Whoever acknowledges is not asked again, and nobody is reminded of anything, unless a story says so.
    """
    rows = "\n".join(f"  {name}: {row}" for name, row in {**MATRIX, **(matrix or {})}.items())
    return {
        "rotations/people.yaml": people,
        "rotations/teams.yaml": teams,
        "rotations/schedules/web.yaml": f"schedule: web\ntime_zone: UTC\nlayers:{layers}",
        "rotations/schedules/data.yaml": DATA_SCHEDULE,
        "rotations/escalation.yaml": (
            f"severities:{severities}matrix:\n{rows}\nrepeat: {repeat}\nfallback: {fallback}\n"
            f"last_resort: {last_resort}\nnotify: {notify}\n"
            f"ack_timeout: {ack_timeout}\npromises: {promises}\n{rules}\n"
        ),
        "rotations/routing.yaml": (
            f"sources:\n{sources}\nroutes: {routes}\ndefault: {default}\nannounce: {announce}\n{more}\n"
        ),
        "runbooks/high-error-rate.md": RUNBOOK,
    }
