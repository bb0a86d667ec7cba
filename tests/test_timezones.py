"""Which rules of the clocks are used: the newest that are there (R3)."""

import subprocess
import sys
import zoneinfo
from datetime import datetime
from pathlib import Path

import pytest
import tzdata

from incident_bot.timezones import CLOCKS, Clocks, newest


@pytest.mark.parametrize(
    "system, packaged, expected",
    [
        ("# version 2025b\n", "2026a", Clocks("2026a", "package")),
        ("# version 2026b\n", "2026a", Clocks("2026b", "system")),
        ("# version 2026a\n", "2026a", Clocks("2026a", "system")),
        ("# version 2026za\n", "2026z", Clocks("2026za", "system")),
        ("# version unknown\n", "2026a", Clocks("2026a", "package")),
        ("", "2026a", Clocks("2026a", "package")),
    ],
)
def test_the_newest_rules_are_chosen(tmp_path: Path, system: str, packaged: str, expected: Clocks) -> None:
    (tmp_path / "tzdata.zi").write_text(system, encoding="ascii")
    assert newest((str(tmp_path / "absent"), str(tmp_path)), packaged) == expected


def test_the_other_place_where_systems_write_the_version(tmp_path: Path) -> None:
    (tmp_path / "+VERSION").write_text("2027a\n", encoding="ascii")
    assert newest((str(tmp_path),), "2026a") == Clocks("2027a", "system")


def test_a_system_without_any_rules_uses_the_package() -> None:
    assert newest((), "2026a") == Clocks("2026a", "package")


def test_zones_come_from_the_rules_that_were_chosen() -> None:
    """An old system, in a process of its own: what Morocco changed after those rules were made is known."""
    code = (
        "import incident_bot, zoneinfo; from incident_bot.timezones import CLOCKS; "
        "print(CLOCKS.source, len(zoneinfo.TZPATH)); print(zoneinfo.ZoneInfo('Europe/Berlin').key)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONTZPATH": str(Path(__file__).parent), "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["package", "0", "Europe/Berlin"]


def test_this_process_uses_the_newest() -> None:
    assert CLOCKS.version >= tzdata.IANA_VERSION
    assert datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset() is not None
