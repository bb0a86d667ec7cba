"""The sample exports, small exports built in a line, and what was written from them as the bot reads it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from incident_bot.config.loader import load
from incident_bot.config.revision import Revision
from incident_bot.importers import Imported, convert, people_text

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = sorted((ROOT / "tests/data/imports").glob("*.json"))
NOW: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""When the samples were exported: a Monday, the clocks of America and Europe still to be changed."""
KINDS: Final[Mapping[str, str]] = {"grafana": "grafana-oncall"}


def kind_of(sample: Path) -> str:
    first = sample.name.partition("-")[0]
    return KINDS.get(first, first)


def imported(sample: Path, *, now: datetime = NOW) -> Imported:
    return convert(kind_of(sample), sample.read_text("utf-8"), now=now)


def loaded(found: Imported, directory: Path, *, now: datetime = NOW) -> Revision:
    """Write the files into a copy of the sample rotations and load it all, as a person would."""
    texts = {
        f"rotations/{file.name}": file.read_text("utf-8") for file in (ROOT / "rotations").glob("*.yaml")
    }
    for name in ("platform-primary", "payments-primary"):
        path = f"rotations/schedules/{name}.yaml"
        texts[path] = (ROOT / path).read_text("utf-8")
    there = {line[2:-1] for line in texts["rotations/people.yaml"].splitlines() if line[:2] == "  "}
    added = {person: entry for person, entry in found.people.items() if person not in there}
    texts["rotations/people.yaml"] += "\n" + people_text(added).removeprefix("people:\n")
    for path, text in {**texts, **found.files}.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return load(directory, now=now)


def only_file(found: Imported) -> str:
    (text,) = found.files.values()
    return text


def said(found: Imported) -> str:
    return "\n".join(str(note) for note in found.notes)


def layer(**changed: Any) -> dict[str, Any]:
    """A layer as PagerDuty has it: alice and bob, a week each from Monday 09:00 in Berlin."""
    usual: dict[str, Any] = {
        "id": "PLAYER1",
        "name": "Week",
        "start": "2026-01-05T09:00:00+01:00",
        "end": None,
        "rotation_virtual_start": "2026-01-05T09:00:00+01:00",
        "rotation_turn_length_seconds": 604800,
        "users": [user("alice"), user("bob")],
        "restrictions": [],
    }
    return usual | changed


def user(name: str) -> dict[str, Any]:
    return {"user": {"id": f"P{name.upper()}", "type": "user_reference", "summary": name.title()}}


def pagerduty(*layers: Mapping[str, Any], **changed: Any) -> str:
    """An export of PagerDuty with these layers, the one that wins first."""
    schedule = {
        "id": "PSCHED1",
        "name": "Primary",
        "time_zone": "Europe/Berlin",
        "schedule_layers": [*layers],
    }
    return json.dumps({"schedule": schedule | changed})


def shift(**changed: Any) -> dict[str, Any]:
    """A shift as Grafana OnCall has it: alice and bob, a week each from Monday 09:00."""
    usual: dict[str, Any] = {
        "id": "OSHIFT1",
        "name": "week",
        "type": "rolling_users",
        "time_zone": "Europe/Berlin",
        "level": 1,
        "start": "2026-01-05T09:00:00",
        "duration": 604800,
        "rotation_start": "2026-01-05T09:00:00",
        "frequency": "weekly",
        "interval": 1,
        "week_start": "MO",
        "by_day": None,
        "rolling_users": [["UALICE"], ["UBOB"]],
        "start_rotation_from_user_index": 0,
    }
    if changed.get("type", "rolling_users") != "rolling_users":
        del usual["rolling_users"], usual["start_rotation_from_user_index"]
    return usual | changed


def grafana(*shifts: Mapping[str, Any], **changed: Any) -> str:
    """An export of Grafana OnCall with these shifts."""
    ids = [each["id"] for each in shifts]
    schedule = {"id": "S1", "name": "Primary", "type": "web", "time_zone": "Europe/Berlin", "shifts": ids}
    names = ("alice", "bob", "carol")
    users = [{"id": f"U{name.upper()}", "username": name, "email": f"{name}@example.com"} for name in names]
    answers = (schedule | changed, {"results": [*shifts]}, {"results": users})
    return "\n".join(json.dumps(answer) for answer in answers)


EVERY_DAY: Final = [True] * 7


def rule(start: str = "00:00", end: str = "00:00", days: list[bool] | None = None) -> dict[str, Any]:
    return {"start": start, "end": end, "weekdayFilter": days or EVERY_DAY}


def goalert(rules: list[dict[str, Any]], rotation: Mapping[str, Any] | None = None, **more: Any) -> str:
    """An export of GoAlert: one rotation of alice and bob under these rules."""
    usual: dict[str, Any] = {
        "id": "r1",
        "name": "Weekly",
        "type": "weekly",
        "start": "2026-01-05T08:00:00Z",
        "timeZone": "Europe/Berlin",
        "shiftLength": 1,
        "activeUserIndex": 0,
        "users": [
            {"id": name, "name": name.title(), "email": f"{name}@example.com"} for name in ("alice", "bob")
        ],
    }
    targets = [{"target": {"id": "r1", "type": "rotation", "name": "Weekly"}, "rules": rules}]
    schedule = {"id": "s1", "name": "Primary", "timeZone": "Europe/Berlin", "targets": targets}
    data = {
        "schedule": schedule | more.pop("schedule", {}),
        "rotations": {"nodes": [usual | dict(rotation or {})]},
        "userOverrides": {"nodes": more.pop("overrides", [])},
    }
    return json.dumps({"data": data})


def participant(name: str) -> dict[str, Any]:
    return {"type": "user", "id": f"og-{name}", "username": f"{name}@example.com"}


def rotation(**changed: Any) -> dict[str, Any]:
    """A rotation as Opsgenie has it: alice and bob, a week each from Monday 09:00 in Berlin."""
    usual: dict[str, Any] = {
        "id": "og-r1",
        "name": "Week",
        "startDate": "2026-01-05T08:00:00Z",
        "endDate": None,
        "type": "weekly",
        "length": 1,
        "participants": [participant("alice"), participant("bob")],
    }
    return usual | changed


def opsgenie(*rotations: Mapping[str, Any], then: tuple[Any, ...] = (), **changed: Any) -> str:
    """An export of Opsgenie with these rotations, and further answers behind it."""
    schedule = {"id": "og-s1", "name": "Primary", "timezone": "Europe/Berlin", "rotations": [*rotations]}
    return "\n".join(json.dumps(answer) for answer in ({"data": [schedule | changed]}, *then))
