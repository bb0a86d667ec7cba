"""An incident's record on the command line."""

from __future__ import annotations

import json

import pytest

from tests.cli.command_line import CommandLine


@pytest.fixture
def declared(bot: CommandLine) -> CommandLine:
    bot.ok("db", "upgrade")
    bot.ok("incident", "run", "new P1 =Checkout is slow", "--as", "ana")
    return bot


def test_the_timeline_alone_in_each_format(declared: CommandLine) -> None:
    assert declared.ok("incident", "show", "1", "--format", "csv").startswith("seq,happened_at,")
    assert declared.ok("incident", "show", "1", "--format", "md").startswith("# INC-1: \\=Checkout")
    whole = json.loads(declared.ok("incident", "show", "1", "--format", "json", "--view", "curated"))
    assert (whole["view"], whole["chain"]["intact"]) == ("curated", True)


def test_another_format_is_wrong_usage(declared: CommandLine) -> None:
    said = declared("incident", "show", "1", "--format", "pdf")
    assert said.status == 2


def test_a_bundle_is_made_and_verified(declared: CommandLine) -> None:
    said = declared.ok("incident", "bundle", "INC-1").splitlines()
    assert said[0] == "written: inc-1.zip"
    seal, head = (line.split()[1] for line in said[1:])
    told = declared.ok("verify", "inc-1.zip", "--seal", seal, "--head", head)
    assert told.startswith("INC-1: ")
    assert declared.ok("incident", "bundle", "1", "--output", "again.zip").splitlines()[1:] == said[1:]
    other = "0" * 64
    assert declared.refused("verify", "inc-1.zip", "--seal", other).startswith("inc-1.zip: its seal is")
    assert declared.refused("verify", "inc-1.zip", "--head", other).startswith("inc-1.zip: its head is")


def test_what_is_no_bundle_is_named_in_one_line(declared: CommandLine) -> None:
    assert "cannot be read: No such file" in declared.refused("verify", "none.zip")
    (declared.directory / "text.zip").write_text("hello")
    assert declared.refused("verify", "text.zip").startswith("text.zip: it is not a readable zip")
    assert "cannot be written" in declared.refused("incident", "bundle", "1", "--output", "no/where.zip")
