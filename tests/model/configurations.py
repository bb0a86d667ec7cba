"""The configurations that a story of the model moves between, and who answers under each, said by hand.

Each has one person per schedule at any time, so that R1 is a table here and not a second solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.plugins.story_files import LAYERS, PEOPLE, TEAMS, documents

FALLBACK, LAST_RESORT = "fay", "theo"
NO_ANA = "".join(line for line in PEOPLE.splitlines(keepends=True) if "  ana:" not in line)
DATA = {"on_call": "dan", "lead": "dan", "manager": None}
ROUTES = "[{match: ['severity=\"info\"'], delay: 10m}, {match: ['team=\"data\"'], team: data}]"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One set of files, and who stands behind each target of the team web under it."""

    words: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    on_call: str | None = "ana"

    def who(self, team: str, target: str) -> str | None:
        """Say who answers for a target; None for nobody (R1, R14)."""
        if target.startswith("person/"):
            return target.removeprefix("person/")
        if team == "data":
            return DATA[target]
        return {"on_call": self.on_call, "lead": "ben", "manager": "cleo"}[target]

    def files(self, api_url: str | None) -> dict[str, str]:
        """Give the files, with an API of the source or without one."""
        source = "  - {name: alertmanager, kind: alertmanager" + (
            f', api_url: "{api_url}"' if api_url else ""
        )
        usual: dict[str, Any] = {
            "repeat": "{P1: 1}",
            "notify": "{high: [{by: slack}, {by: sms, after: 2m}], low: [{by: slack}]}",
            "ack_timeout": "{high: 20m}",
            "promises": "{}",
            "routes": ROUTES,
            "sources": source + "}",
        }
        return documents(**{**usual, **self.changes})


def _on_call(people: str) -> str:
    return LAYERS.replace("[[ana]]", people)


CONFIGURATIONS = (
    Configuration(words="the usual one"),
    Configuration(words="ben is on call", changes={"layers": _on_call("[[ben]]")}, on_call="ben"),
    Configuration(
        words="a shorter policy",
        changes={"matrix": {"P1": "[{page: [on_call]}, {after: 5m, page: [manager]}]"}},
    ),
    Configuration(words="nobody is on call", changes={"layers": _on_call("[[]]")}, on_call=None),
    Configuration(
        words="ana is gone, dan is on call",
        changes={
            "people": NO_ANA,
            "teams": TEAMS.replace("members: [ana, ben]", "members: [ben]"),
            "layers": _on_call("[[dan]]"),
        },
        on_call="dan",
    ),
)
