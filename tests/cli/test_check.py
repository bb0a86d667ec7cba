"""`check` for programs, with what is found in the time ahead, and against another configuration."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from incident_bot.cli.wiring import application
from tests.cli.command_line import CommandLine
from tests.plugins.story_files import documents

OFFICE = """
  - {name: office, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[ana]],
     windows: [{days: mon-fri, from: "09:00", to: "17:00"}]}
"""
SHARED = """
  - {name: week, priority: 10, turn: {unit: days, every: 1, anchor: "2026-01-05T09:00"}, people: [[ana], [ben]]}
"""
FIELDS = {
    "file", "line", "severity", "kind", "message", "schedule", "person", "layer", "start", "end", "count",
}  # fmt: skip


def problems(bot: CommandLine, *words: str) -> list[dict[str, Any]]:
    found = json.loads(bot.ok("check", "--format", "json", *words))
    assert isinstance(found, list)
    assert all(set(one) == FIELDS for one in found)
    return found


def test_problems_as_json(bot: CommandLine) -> None:
    bot.write(documents(layers=OFFICE))
    (gap,) = [one for one in problems(bot) if one["kind"] == "gaps"]
    assert (gap["file"], gap["line"], gap["severity"]) == ("rotations/schedules/web.yaml", 3, "warning")
    assert (gap["schedule"], gap["person"], gap["layer"]) == ("web", None, None)
    assert gap["start"] < gap["end"]
    assert gap["count"] > 200


def test_what_refuses_the_set_as_json(bot: CommandLine) -> None:
    bot.write(documents(last_resort="[person/nobody]"))
    said = bot("check", "--format", "json")
    assert said.status == 1
    (problem,) = json.loads(said.out)
    assert (problem["kind"], problem["severity"], problem["start"], problem["count"]) == (
        "format",
        "error",
        None,
        1,
    )
    assert said.err == "1 error; nothing of this set would be applied.\n"


def test_a_finding_that_is_an_error_refuses_the_set(bot: CommandLine) -> None:
    bot.write(documents(layers=OFFICE))
    assert "rotations/schedules/web.yaml:3: warning: layers: nobody is on call from " in bot.ok("check")
    bot.write({"rotations/oncall.yaml": "lint: {gaps: error}\n"})
    said = bot("check")
    assert said.status == 1
    assert "rotations/schedules/web.yaml:3: layers: nobody is on call from " in said.out


def test_notes_are_shown_by_check_alone(bot: CommandLine) -> None:
    bot.write(documents(layers=OFFICE) | {"rotations/oncall.yaml": "lint: {gaps: note}\n"})
    assert "rotations/schedules/web.yaml:3: note: layers: nobody is on call" in bot.ok("check")
    assert "note" not in bot.ok("oncall")


def test_a_format_that_there_is_not(bot: CommandLine) -> None:
    assert "--format" in bot.misused("check", "--format", "xml")


# against


@pytest.fixture
def other(bot: CommandLine, tmp_path: Path) -> Path:
    """Another configuration, in which ana and ben take turns by the day."""
    directory = tmp_path / "other"
    for name, text in documents(layers=SHARED).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def test_who_gains_and_loses_what(other: Path, bot: CommandLine) -> None:
    lines = bot.ok("check", str(other), "--against", ".", "--days", "14").splitlines()
    against = next(number for number, line in enumerate(lines) if line.startswith("against ., "))
    told = lines[against + 1 :]
    ana, ben = (line for line in told if not line.startswith(" "))
    assert ana.startswith("web: Ana Example (ana, Europe/Berlin) gains 0 h in 0 shifts, loses 168 h in ")
    assert ben.startswith("web: Ben Example (ben, America/New_York) gains 168 h in ")
    assert all(line.startswith(("  + ", "  - ")) for line in told if line not in (ana, ben))


def test_who_gains_and_loses_what_as_json(other: Path, bot: CommandLine) -> None:
    found = json.loads(bot.ok("check", str(other), "--against", ".", "--days", "14", "--format", "json"))
    assert found.keys() == {"problems", "against", "start", "end", "changes"}
    assert [(one["person"], one["gained"], one["lost"]) for one in found["changes"]] == [
        ("ana", 0, 168),
        ("ben", 168, 0),
    ]
    spans = found["changes"][1]["gains"]
    assert sum(span["hours"] for span in spans) == pytest.approx(168, abs=0.1)
    assert spans[0].keys() == {"start", "end", "local_start", "local_end", "hours"}


def test_against_itself_nobody_gains_or_loses_anything(bot: CommandLine) -> None:
    assert bot.ok("check", "--against", ".").splitlines()[-1] == "nobody gains or loses anything"


def test_against_a_revision_on_record(other: Path, bot: CommandLine) -> None:
    bot.ok("db", "upgrade")
    with application() as context:
        context.live.record(now=datetime(2026, 3, 3, tzinfo=UTC))
    revision = bot.ok("check").splitlines()[-1].split()[2].rstrip(",")
    told = bot.ok("check", str(other), "--against", revision[:6], "--days", "14")
    assert f"against {revision}, " in told
    assert "loses 168 h" in told


def test_against_a_revision_that_is_not_on_record(bot: CommandLine) -> None:
    bot.ok("db", "upgrade")
    line = bot.refused("check", "--against", "ffffffffffff")
    assert line.startswith("'ffffffffffff' is neither a directory nor a revision on record; give a directory")


def test_against_a_database_without_anything(bot: CommandLine, tmp_path: Path) -> None:
    bot.set({"DATABASE_URL": f"sqlite:///{tmp_path}/new.db"})
    line = bot.refused("check", "--against", "ffffffffffff")
    assert line.startswith("ffffffffffff is no directory, and this database has no revisions yet")
