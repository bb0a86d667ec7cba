"""`incident-bot why`: the same answers on the command line, in words and as JSON."""

from __future__ import annotations

import json

import pytest

from incident_bot import bootstrap
from incident_bot.cli.wiring import settings
from incident_bot.clock import SystemClock
from incident_bot.flow.worker import pump
from tests.cli.command_line import CommandLine


@pytest.fixture
def paged(bot: CommandLine) -> CommandLine:
    """Somebody declared an incident, and ana was paged."""
    bot.ok("incident", "run", "new P1 Odd things", "--as", "ben")
    built = bootstrap.build(settings(), write=lambda _: None)
    try:
        pump(built.context, now=SystemClock().now)
    finally:
        built.close()
    return bot


def test_an_incident_and_a_person(paged: CommandLine) -> None:
    said = paged.ok("why", "INC-1")
    assert said.startswith("Ana Example was paged by stdout at ")
    assert "declared by Ben Example; no alert belongs to it" in said
    assert paged.ok("why", "@ana").startswith("Ana Example was paged by stdout at ")
    assert "was not active" not in paged.ok("why", "cleo", "since", "2h")
    assert paged.ok("why", "me", "--as", "ana").startswith("Ana Example was paged by stdout")


def test_json_and_a_window(paged: CommandLine) -> None:
    found = json.loads(paged.ok("why", "INC-1", "--json"))
    assert (found["kind"], found["incident"], found["pages"][0]["person"]) == ("incident", "INC-1", "ana")
    before = json.loads(paged.ok("why", "@ana", "--from", "2026-01-01", "--to", "2026-01-02", "--json"))
    assert (before["from"], before["pages"], before["reasons"]) == ("2026-01-01T00:00:00Z", [], [])


@pytest.mark.parametrize(
    "words, says",
    [
        (("INC-7",), "There is no INC-7"),
        (("alert", "Nothing"), "There is no alert 'Nothing'"),
        (("@zoe",), "I know nobody called '@zoe'"),
        (("INC-1", "now", "--from", "2026-01-01"), "--from and --to are for one person"),
        (("ana", "--from", "2026-01-02", "--to", "2026-01-01"), "--from and --to are for one person"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], says: str, bot: CommandLine) -> None:
    assert says in bot.refused("why", *words)
