"""`calendar`: links from the command line."""

from __future__ import annotations

import json
import re

from tests.cli.command_line import CommandLine


def test_a_link_is_made_listed_and_revoked(bot: CommandLine) -> None:
    address, hint = bot.ok("calendar", "link", "schedule", "web").splitlines()
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/schedules/web\.ics\?token=ibc_[A-Za-z0-9_-]{43}", address)
    assert hint.endswith("To end it: incident-bot calendar revoke 1")
    listed = bot.ok("calendar", "list")
    assert re.fullmatch(r"1  schedule web  by operator  never used  valid\n", listed)
    assert bot.ok("calendar", "revoke", "1") == "calendar link 1 is revoked\n"
    assert "revoked 20" in bot.ok("calendar", "list")
    assert bot.refused("calendar", "revoke", "1").startswith("There is no calendar link 1 that still holds")


def test_links_as_json(bot: CommandLine) -> None:
    bot.ok("calendar", "link", "person", "ana")
    bot.ok("calendar", "link", "team", "data")
    found = json.loads(bot.ok("calendar", "list", "--json"))
    assert [(one["kind"], one["name"], one["last_used_at"]) for one in found] == [
        ("person", "ana", None),
        ("team", "data", None),
    ]


def test_what_has_no_calendar(bot: CommandLine) -> None:
    assert (
        bot.refused("calendar", "link", "person", "anna")
        == "There is no person 'anna'; did you mean \"ana\"?"
    )
    assert "write schedule, team or person" in bot.refused("calendar", "link", "room", "web")
