"""What a command answers in Slack: everything once, within Block Kit's limits, and nothing in it calls anybody."""

from __future__ import annotations

from typing import Any

import pytest

from incident_bot.render.slack.replies import Answer, reply_blocks, reply_text
from tests.fakes.slack.blockkit import message_problems


def words(blocks: list[dict[str, Any]]) -> str:
    return str(blocks)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(text=""),
        Answer(text="You have INC-1."),
        Answer(text="x" * 9000, title="t" * 400, actions=["ack"] * 9),
        Answer(text="a\n\nb\n" * 900),
        Answer(text="t", title="INC-1", facts=[("l" * 300, "v" * 5000)] * 40, lines=["x" * 900] * 200),
        Answer(text="مرحبا 🔥", title="INC-1", lines=["مرحبا 🔥"]),
    ],
)
def test_whatever_is_answered_slack_takes_it(answer: Answer) -> None:
    assert message_problems(reply_text(answer), reply_blocks(answer)) == []


def test_everything_is_said_once() -> None:
    answer = Answer(
        text="INC-1 Broken\nSeverity: P1\nalert one",
        title="INC-1 Broken",
        facts=[("Severity", "P1")],
        lines=["alert one"],
    )
    assert words(reply_blocks(answer)).count("alert one") == 1
    assert reply_text(answer) == answer.text, "and in words for where no blocks are shown"
    assert "INC-1 is open" in words(reply_blocks(Answer(text="INC-1 is open", title="Declared")))


def test_nothing_that_is_foreign_calls_anybody() -> None:
    hostile = "<!channel> <@U0ANA> <https://evil.example.com|x> & *b*"
    answer = Answer(
        text=hostile, title=hostile, facts=[(hostile, hostile)], lines=[hostile], actions=[hostile]
    )
    said = words(reply_blocks(answer)) + reply_text(answer)
    assert "<!channel>" not in said
    assert "<@U0ANA>" not in said
    assert "<https" not in said
