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
