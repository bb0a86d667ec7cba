"""`incident-bot drill`: asks for a page, and shows how drills went."""

from __future__ import annotations

import json

import pytest

from incident_bot import bootstrap
from incident_bot.cli.wiring import settings
from incident_bot.clock import SystemClock
from incident_bot.flow.worker import pump
from tests.cli.command_line import CommandLine


def runs(bot: CommandLine) -> None:
    """The running bot does what is due."""
    built = bootstrap.build(settings(), write=lambda _: None)
    try:
        pump(built.context, now=SystemClock().now)
    finally:
        built.close()


def test_from_the_page_to_the_answer(bot: CommandLine) -> None:
    assert bot.ok("drill", "--last") == ("There was no drill yet; `incident-bot drill PERSON` begins one.\n")
    said = bot.ok("drill", "ben", "--as", "ana")
    assert said.startswith("INC-1 is open: Drill: Ben Example, please acknowledge. ")
    assert "  nothing sent  waiting\n" in bot.ok("drill", "--last")
    runs(bot)
    bot.ok("incident", "run", "ack INC-1", "--as", "ben")
    runs(bot)
    line = bot.ok("drill", "--last")
    assert line.startswith("INC-1  DRILL  Ben Example  opened ")
    assert "  sent by stdout " in line
    assert "  answered by ben after " in line
    (one,) = json.loads(bot.ok("drill", "--last", "--json"))
    assert (one["incident"], one["person"], one["state"]) == ("INC-1", "ben", "answered")
    assert 0 <= one["seconds"] < 60
    (incident,) = json.loads(bot.ok("incident", "list", "--all", "--json"))
    assert (incident["drill"], incident["opened_by"], incident["escalation"]) == (True, "ana", "resolved")


def test_json_of_a_new_one(bot: CommandLine) -> None:
    assert json.loads(bot.ok("drill", "ben", "--json"))["incident"] == "INC-1"


@pytest.mark.parametrize(
    "words, says",
    [
        (("gus",), "gus is not active and is never paged"),
        (("nobody",), "There is nobody 'nobody' in people.yaml"),
        (("ben", "--as", "zoe"), "--as zoe: nobody of that id"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], says: str, bot: CommandLine) -> None:
    assert bot.refused("drill", *words).startswith(says)


@pytest.mark.parametrize("words", [(), ("ben", "--last")])
def test_either_a_person_or_the_last_ones(words: tuple[str, ...], bot: CommandLine) -> None:
    assert "give either a person, or --last" in bot.misused("drill", *words)
