"""`incident-bot oncall run`: the words of `/oncall` on the command line."""

from __future__ import annotations

from tests.cli.command_line import CommandLine


def test_the_words_of_the_chat_work(bot: CommandLine) -> None:
    assert "web: Ana Example (ana)" in bot.ok("oncall", "run", "web")
    assert "with no end in sight" in bot.ok("oncall", "run", "me", "--as", "ana")
    said = bot.ok("oncall", "run", "override @dan now 4h web", "--as", "ana")
    assert said.startswith("Dan Example covers web: ")
    assert "1. web: Dan Example instead of everybody" in bot.ok("oncall", "run", "override list")
    assert "override @dan <from> <to>" in bot.ok("oncall", "run", "help")


def test_a_key_does_it_once(bot: CommandLine) -> None:
    line = ("oncall", "run", "override @dan 2099-01-01 2099-01-02 web", "--key", "k", "--as", "ana")
    assert bot.ok(*line) == bot.ok(*line)
    assert bot.ok("oncall", "run", "override list").count("instead of everybody") == 1


def test_a_refusal_is_one_line_that_says_what_to_type(bot: CommandLine) -> None:
    assert "choose your name" in bot.refused("oncall", "run", "me")
    assert "Type `swap accept 7`" in bot.refused("oncall", "run", "take", "--as", "ana")
    assert "nobody of that id" in bot.refused("oncall", "run", "me", "--as", "nobody")


def test_a_schedule_of_that_name_goes_by_the_option(bot: CommandLine) -> None:
    assert "run" in bot.refused("oncall", "--schedule", "run")
