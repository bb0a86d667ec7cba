"""`import`: an export in, files, notes and the side-by-side report out; nothing is written over by accident."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine

EXPORT = Path(__file__).parents[1] / "data/imports/pagerduty-nights.json"
WRITTEN = "rotations/schedules/plattform-nachte.yaml"
MADE = "2026-03-20T12:00:00Z"


def test_without_a_directory_everything_is_only_shown(bot: CommandLine) -> None:
    said = bot.ok("import", "pagerduty", str(EXPORT), "--at", MADE)
    assert f"# --- {WRITTEN}\n" in said
    assert "# not in rotations/people.yaml yet; put them there:\npeople:\n  alice-example:" in said
    assert "- Plattform Nächte, layer Days: bob-example is deleted in PagerDuty and still has turns" in said


def test_files_are_written_and_loaded(bot: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "new"
    said = bot.ok("import", "pagerduty", str(EXPORT), "--out", str(out), "--compare", "--at", MADE)
    assert f"wrote {out / WRITTEN}\n" in said
    assert "plattform-nachte: 100 % the same from 2026-03-20 12:00 to " in said
    assert (out / WRITTEN).read_text("utf-8").startswith("# Plattform Nächte: imported from PagerDuty")


def test_people_who_are_known_by_their_address_keep_their_id(bot: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "new"
    (out / "rotations").mkdir(parents=True)
    (out / "rotations/people.yaml").write_text("people:\n  known: {email: alice@example.com}\n", "utf-8")
    export = str(EXPORT.with_name("goalert-hourly.json"))
    values = json.loads(bot.ok("import", "goalert", export, "--out", str(out), "--json"))
    assert any("[known]" in text for text in values["files"].values())
    assert "known" not in values["people"]
    assert values["comparison"] == []
    assert all(set(note) == {"where", "what"} for note in values["notes"])


def test_nothing_is_written_over_unless_asked(bot: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "new"
    bot.ok("import", "pagerduty", str(EXPORT), "--out", str(out), "--at", MADE)
    (out / WRITTEN).write_text("mine", "utf-8")
    refused = bot.refused("import", "pagerduty", str(EXPORT), "--out", str(out), "--at", MADE)
    assert refused.endswith("already; add --replace to write over, or name another directory")
    assert (out / WRITTEN).read_text("utf-8") == "mine"
    bot.ok("import", "pagerduty", str(EXPORT), "--out", str(out), "--replace", "--at", MADE)
    assert (out / WRITTEN).read_text("utf-8") != "mine"


@pytest.mark.parametrize(
    "text, says",
    [("{}", "$"), ("not JSON", "JSON"), ("[]", "$"), ('{"data": 7}', "$.data")],
)
def test_what_is_no_export_is_refused_in_one_line(
    text: str, says: str, bot: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "export.json").write_text(text, "utf-8")
    assert says in bot.refused("import", "opsgenie", str(tmp_path / "export.json"))


def test_a_file_that_is_not_there_and_a_directory_that_cannot_be_written(
    bot: CommandLine, tmp_path: Path
) -> None:
    assert bot.refused("import", "pagerduty", str(tmp_path / "x.json")).startswith("cannot read ")
    (tmp_path / "file").write_text("", "utf-8")
    out = str(tmp_path / "file")
    assert "cannot write into" in bot.refused("import", "pagerduty", str(EXPORT), "--out", out, "--at", MADE)
