"""`override`, and what `oncall`, `shifts` and `simulate` know of the database where there is one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_bot.clock import SystemClock
from incident_bot.store import Store, interventions
from tests.cli.command_line import CommandLine
from tests.plugins.story_files import LAYERS, documents


def ahead(hours: float) -> str:
    instant = (SystemClock().now() + timedelta(hours=hours)).astimezone(UTC).replace(microsecond=0)
    return instant.isoformat().replace("+00:00", "Z")


def who(bot: CommandLine, *words: str) -> list[str]:
    return [one["person"] for one in json.loads(bot.ok("oncall", "web", "--json", *words))]


def test_a_cover_from_now_on(bot: CommandLine) -> None:
    until = ahead(2)
    (line,) = bot.ok("override", "web", "--cover", "dan", "--end", until, "--reason", "swap").splitlines()
    assert line.startswith("1  web  running  ")
    assert line.endswith(f" – {until.replace('T', ' ')}  cover by dan (swap), by operator")
    assert who(bot) == ["dan"]
    assert who(bot, "--at", ahead(3)) == ["ana"]
    assert bot.ok("override", "web", "--list") == line + "\n"


@pytest.mark.parametrize(
    "words, told, people",
    [
        (("--replace", "ana", "--by", "dan"), "dan in place of ana", ["dan"]),
        (("--remove", "ana"), "without ana", []),
        (("--add", "dan", "--add", "cleo"), "with dan, cleo", ["ana", "dan", "cleo"]),
        (("--nobody", "--reason", "closed"), "cover by nobody (closed)", []),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_every_kind(words: tuple[str, ...], told: str, people: list[str], bot: CommandLine) -> None:
    (line,) = bot.ok("override", "web", *words, "--end", ahead(1), "--as", "ben").splitlines()
    assert line.endswith(f"  {told}, by ben")
    assert who(bot) == people


def test_one_is_ended_by_its_number(bot: CommandLine) -> None:
    (made,) = json.loads(
        bot.ok("override", "web", "--cover", "dan", "--start", ahead(1), "--end", ahead(2), "--json")
    )
    assert (made["id"], made["state"], made["cover"]) == (1, "planned", ["dan"])
    assert bot.ok("override", "web", "--end", "1").startswith("1  web  cancelled  ")
    assert who(bot, "--at", ahead(1.5)) == ["ana"]
    assert bot.refused("override", "web", "--end", "1").endswith("before it began; there is nothing to end.")
    assert bot.refused("override", "data", "--end", "1").startswith("There is no override 1 on data")
    assert bot.refused("override", "web", "--end", "9" * 40).startswith("There is no override 9999")


def test_where_there_is_none(bot: CommandLine) -> None:
    assert bot.ok("override", "web", "--list") == "There is no override now or to come.\n"
    assert json.loads(bot.ok("override", "web", "--list", "--json")) == []


@pytest.mark.parametrize(
    "words, line",
    [
        (("web", "--cover", "dan"), "say when it ends with --end"),
        (("web",), "say when it ends with --end"),
        (("web", "--end", "2036-01-01"), "An override lasts at most 366 days"),
        (("web", "--cover", "dna", "--end", "1h"), "'1h' is no instant"),
        (("web", "--cover", "dan", "--end", "2026-01-01"), "An override ends after it starts"),
        (
            ("web", "--cover", "dan", "--start", "2026-01-01", "--end", "2026-01-02"),
            "An override cannot begin in",
        ),
        (("wep", "--list"), "There is no schedule 'wep'; did you mean \"web\"?"),
        (("web", "--list", "--as", "nobody"), "--as nobody: nobody of that id in people.yaml"),
    ],
)
def test_what_is_refused_in_one_line(words: tuple[str, ...], line: str, bot: CommandLine) -> None:
    assert bot.refused("override", *words).startswith(line)


# What the commands that only look know of the database.


def test_the_past_is_answered_by_what_was_in_force_then(bot: CommandLine, sqlite_url: str) -> None:
    activated = datetime(2026, 3, 3, 12, tzinfo=UTC)
    store = Store.open(sqlite_url)
    with store.write() as tx:
        before = documents(layers=LAYERS.replace("[[ana]]", "[[cleo]]"))
        interventions.save_revision(tx, "old", "old", before, now=activated)
    store.close()
    assert who(bot, "--at", "2026-03-03T10:00:00Z") == ["cleo"]
    assert who(bot) == ["ana"]


def test_without_a_database_the_files_answer_and_none_is_made(bot: CommandLine, tmp_path: Path) -> None:
    bot.set({"DATABASE_URL": f"sqlite:///{tmp_path}/none.db"})
    assert who(bot) == ["ana"]
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "none.db").touch()
    assert who(bot) == ["ana"]


def test_a_database_that_cannot_be_used_is_told_and_the_files_answer(
    bot: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "bad.db").write_text("this is no database at all, " * 100)
    bot.set({"DATABASE_URL": f"sqlite:///{tmp_path}/bad.db"})
    said = bot("oncall", "web", "--json")
    assert (said.status, [one["person"] for one in json.loads(said.out)]) == (0, ["ana"])
    assert said.err.startswith("answering from the files alone, without overrides made at run time: ")


def test_a_database_of_another_version_is_told(bot: CommandLine, sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    with store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    said = bot("oncall", "web")
    assert said.out.startswith("web: Ana Example")
    assert "another version's schema" in said.err
