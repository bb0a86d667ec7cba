"""`oncall report`: who carried how much, as a table, as CSV, as JSON and as a chart."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.command_line import CommandLine
from tests.plugins.story_files import documents

FEBRUARY = ("--from", "2026-02-02", "--to", "2026-02-09")
REPORT = """
schedule: report
time_zone: UTC
layers:
  - {name: week, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[theo]]}
"""


@pytest.fixture(autouse=True)
def upgraded(bot: CommandLine) -> None:
    bot.ok("db", "upgrade")


def test_a_table(bot: CommandLine) -> None:
    first, heads, *rows = bot.ok("oncall", "report", *FEBRUARY).splitlines()
    assert first == "data, web: 7 days to 2026-02-09 00:00Z, times in hours"
    assert heads.split()[:4] == ["person", "hours", "share", "day"]
    assert [row.split() for row in rows] == [
        ["Ana", "Example", "168", "50%", "80", "40", "48", "0", "1", "0", "0"],
        ["Dan", "Example", "168", "50%", "80", "40", "48", "0", "1", "0", "0"],
    ]


def test_one_schedule_as_json(bot: CommandLine) -> None:
    found = json.loads(bot.ok("oncall", "report", *FEBRUARY, "--schedule", "web", "--format", "json"))
    assert (found["start"], found["end"], found["schedules"]) == (
        "2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z", ["web"],
    )  # fmt: skip
    (ana,) = found["people"]
    assert ana == {
        "person": "ana", "name": "Ana Example", "time_zone": "Europe/Berlin", "shifts": 1, "hours": 168.0,
        "weekday_day": 80.0, "weekday_night": 40.0, "weekend": 48.0, "holiday": 0.0, "share": 1.0, "pages": 0,
        "night_pages": 0,
    }  # fmt: skip


def test_csv(bot: CommandLine) -> None:
    rows = list(csv.DictReader(io.StringIO(bot.ok("oncall", "report", *FEBRUARY, "--format", "csv"))))
    assert [(row["person"], row["hours"], row["from"]) for row in rows] == [
        ("ana", "168.0", "2026-02-02T00:00:00+00:00"),
        ("dan", "168.0", "2026-02-02T00:00:00+00:00"),
    ]


def test_without_a_span_it_is_the_last_four_weeks(bot: CommandLine) -> None:
    assert bot.ok("oncall", "report").splitlines()[0].startswith("data, web: 28 days to ")


def test_where_nobody_was_on_call(bot: CommandLine) -> None:
    out = bot.ok("oncall", "report", "--from", "2020-01-01", "--to", "2020-01-08")
    assert out.splitlines()[-1] == "Nobody was on call."


def test_a_chart_in_a_file(bot: CommandLine) -> None:
    said = bot("oncall", "report", *FEBRUARY, "--chart", "load.svg")
    assert (said.status, said.err) == (0, "written: load.svg\n")
    root = ET.fromstring((bot.directory / "load.svg").read_text(encoding="utf-8"))  # noqa: S314 -- our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "Ana Example" in "".join(root.itertext())


def test_a_chart_where_nothing_can_be_written(bot: CommandLine, tmp_path: Path) -> None:
    line = bot.refused("oncall", "report", "--chart", f"{tmp_path}/no/such/folder.svg")
    assert "cannot be written" in line


@pytest.mark.parametrize(
    "words, says",
    [
        (("--from", "2026-02-09", "--to", "2026-02-02"), "The end must come after the beginning"),
        (("--from", "2020-01-01", "--to", "2026-01-01"), "within 800 days"),
        ((*FEBRUARY, "--schedule", "nope"), "There is no schedule 'nope'; known: data, web."),
        (("--from", "yesterday"), "'yesterday' is no instant"),
    ],
)
def test_what_cannot_be_reported(words: tuple[str, ...], says: str, bot: CommandLine) -> None:
    assert says in bot.refused("oncall", "report", *words)


def test_a_schedule_called_report_is_asked_by_its_option(bot: CommandLine) -> None:
    bot.write(documents() | {"rotations/schedules/report.yaml": REPORT})
    assert bot.ok("oncall", "--schedule", "report").startswith("report: Theo Example (theo)")
    assert bot.ok("oncall", "web").startswith("web: Ana Example (ana)")
    assert bot.ok("oncall", "report", *FEBRUARY).startswith("data, report, web: 7 days")


def test_wrong_words_are_told_with_the_way_to_the_help(bot: CommandLine) -> None:
    assert "oncall report" in bot.misused("oncall", "report", "--frobnicate")
