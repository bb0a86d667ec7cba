"""`insights digest`: what each team is told on Monday, in words and as JSON."""

from __future__ import annotations

import json

from tests.cli.command_line import CommandLine


def test_the_digest_of_a_team_and_of_all(bot: CommandLine) -> None:
    bot.ok("incident", "run", "new P1 Odd things", "--as", "ben")
    said = bot.ok("insights", "digest", "--team", "web")
    assert said.startswith("Alerts of web, the week to ")
    assert "0 pages, 0 at night; " in said
    assert "/insights?team=web&from=" in said
    found = json.loads(bot.ok("insights", "digest", "--json"))
    assert [one["team"] for one in found] == ["data", "web"]
    assert "There is no team 'nobody'; known: data, web." in bot.refused(
        "insights", "digest", "--team", "nobody"
    )
