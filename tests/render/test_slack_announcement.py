"""Announcements at their extremes: within Block Kit's limits, escaped; the public reads nothing internal."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import Moment
from incident_bot.render.slack.announcement import (
    Announcement,
    announcement_blocks,
    announcement_text,
    public_reply,
)
from tests.fakes.slack.blockkit import message_problems
from tests.render.test_slack_page import EXTREMES, formatted

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
TOLD = Announcement(
    name="INC-1",
    title="Checkout fails",
    severity="P1",
    rank=0,
    status="mitigating",
    url="https://bot.example.com/incidents/INC-1",
    words="*INCIDENT [P1]*: Checkout fails",
    open=True,
    impact="One in ten",
    update="We roll back",
    updated_at=NOW,
    next_update_at=NOW,
)


@pytest.mark.parametrize("text", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("is_open", [False, True])
def test_whatever_it_tells_slack_takes_it(text: str, public: bool, is_open: bool) -> None:
    told = replace(
        TOLD, title=text, severity=text, status=text, impact=text, update=text, public=public, open=is_open,
        drill=True, rank=9, ended_at=NOW,
    )  # fmt: skip
    blocks = announcement_blocks(told)
    assert message_problems(announcement_text(told), blocks) == []
    for moment in Moment:
        said, reply = public_reply(told, moment, text)
        assert message_problems(said, reply) == []
        assert "<!channel>" not in json.dumps([said, formatted(reply)])
    assert "<!channel>" not in json.dumps([announcement_text(told), formatted(blocks)])


def test_the_words_of_a_template_fit_however_long_they_are() -> None:
    told = replace(TOLD, words="*x* " * 5000)
    assert message_problems(announcement_text(told), announcement_blocks(told)) == []
    assert message_problems("t", announcement_blocks(replace(TOLD, words=""))) == []


def test_the_public_reads_no_address_no_name_and_no_template() -> None:
    public = replace(TOLD, public=True)
    said = json.dumps([announcement_text(public), announcement_blocks(public)])
    for part in ("Checkout fails", "Mitigating", "One in ten", "We roll back", "Next update by"):
        assert part in said
    for part in ("bot.example.com", "INC-1", "INCIDENT", "P1"):
        assert part not in said
    late = json.dumps(announcement_blocks(replace(public, update_overdue=True)))
    assert "Next update was due" in late
    over = json.dumps(announcement_blocks(replace(public, open=False, ended_at=NOW)))
    assert "Over since" in over
    assert "Next update by" not in over


@pytest.mark.parametrize(
    "moment, said",
    [
        (Moment.UPDATE, "We roll back"),
        (Moment.RESOLVED, "It is over"),
        (Moment.REOPENED, "It is not over"),
        (Moment.META, "news"),
    ],
)
def test_what_the_public_is_told_in_the_thread(moment: Moment, said: str) -> None:
    assert said in public_reply(TOLD, moment, "We roll back")[0]


@given(title=st.text(), update=st.text(), status=st.text())
def test_any_text_is_taken(title: str, update: str, status: str) -> None:
    told = replace(TOLD, title=title, update=update, status=status)
    assert message_problems(announcement_text(told), announcement_blocks(told)) == []
