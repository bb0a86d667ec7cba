"""Pages in Slack at their extremes: within Block Kit's limits, escaped, and with the buttons that make sense."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import PageKind
from incident_bot.core.model import Verdict
from incident_bot.render.slack.card import Link, Who
from incident_bot.render.slack.page import (
    VERDICT,
    Became,
    Given,
    Listed,
    Outcome,
    Page,
    Pages,
    Worth,
    page_blocks,
    page_text,
    pages_blocks,
    pages_text,
)
from tests.fakes.slack.blockkit import actions_of, message_problems

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
URL = "https://bot.example.com/incidents/INC-1"
PAGE = Page(
    number=1,
    name="INC-1",
    title="5xx above 5 %",
    severity="P1",
    rank=0,
    epoch=2,
    row=7,
    kind=PageKind.STEP,
    since=NOW,
    url=URL,
    team="web",
    why="on call for web, step 1 of 2 of P1",
    service="shop",
    impact="one checkout in ten fails",
    firing=("HighErrorRate on a: 5xx",),
    firing_count=1,
    first_step="Look at the newest deploy",
    links=(Link("Dashboard", "https://grafana.example.com/d/1"),),
)
LISTED = Listed(name="INC-1", title="5xx", severity="P1", rank=0, since=NOW, url=URL, service="shop")
PAGES = Pages(row=7, kind=PageKind.STEP, listed=(LISTED,) * 3, count=3, waiting=3, url=URL)
HOSTILE = "<!channel> <@U0BEN> <https://evil.example.com|click> *bold* & \u202egnp.exe\x00\n" * 40
EXTREMES = {
    "long": "x" * 100_000,
    "hostile": HOSTILE,
    "right to left": "خطأ في الدفع " * 300,
    "emoji": "🔥👩‍👩‍👧‍👦" * 1000,
    "entities": "&<>" * 2000,
    "empty": "",
    "half of a pair": "\ud800 and more",
}
OUTCOMES = [
    None,
    *(Outcome(became=became, who=Who("Ana", "U0ANA"), at=NOW, into="INC-9") for became in Became),
    *(Outcome(became=became) for became in Became),
]


def whole(page: Page) -> str:
    return json.dumps([page_text(page), page_blocks(page)], ensure_ascii=False)


def formatted(value: Any) -> list[str]:
    """The texts in which Slack reads mentions and links."""
    if isinstance(value, list):
        return [text for one in value for text in formatted(one)]
    if not isinstance(value, dict):
        return []
    if value.get("type") == "mrkdwn":
        return [str(value["text"])]
    return formatted(list(value.values()))


def names(blocks: list[Any]) -> list[str]:
    return [element["action_id"] for _, element in actions_of(blocks)]


def test_a_page_says_what_why_and_what_to_do() -> None:
    said = whole(PAGE)
    for part in (
        "P1",
        "INC-1",
        "5xx above 5 %",
        "shop",
        "one checkout in ten",
        "newest deploy",
        "on call for web",
    ):
        assert part in said
    assert names(page_blocks(PAGE)) == ["page:ack", "page:escalate", "page:cannot"]
    values = [json.loads(element["value"]) for _, element in actions_of(page_blocks(PAGE))]
    assert values == [{"i": 1, "e": 2, "p": 7}] * 3


@pytest.mark.parametrize("text", EXTREMES.values(), ids=EXTREMES)
def test_whatever_it_is_about_slack_takes_it(text: str) -> None:
    for kind in PageKind:
        for outcome in OUTCOMES:
            takes(kind, outcome, text)


@pytest.mark.parametrize("text", EXTREMES.values(), ids=EXTREMES)
def test_what_it_was_worth_is_asked_until_it_is_said_however_much_is_said(text: str) -> None:
    over = replace(PAGE, outcome=Outcome(became=Became.RESOLVED, at=NOW), worth=Worth())
    assert names(page_blocks(over)) == [f"{VERDICT}{one.value}" for one in Verdict]
    said = tuple(
        Given(alert=text, label="wrong threshold", who=who)
        for who in (Who(text), Who(text, "U0ANA"), None) * 20
    )
    for worth in (Worth(), Worth(given=said)):
        told = replace(over, worth=worth)
        assert message_problems(page_text(told), page_blocks(told)) == []
        assert "<!channel>" not in json.dumps(formatted(page_blocks(told)))
    assert names(page_blocks(replace(over, worth=Worth(given=said)))) == []
    assert "and 55 more" in whole(replace(over, worth=Worth(given=said)))
    assert names(page_blocks(replace(over, outcome=Outcome(became=Became.AGAIN)))) == []


def takes(kind: PageKind, outcome: Outcome | None, text: str) -> None:
    page = replace(
        PAGE, kind=kind, outcome=outcome, title=text, team=text, why=text, service=text, impact=text,
        firing=(text,) * 200, firing_count=200, first_step=text, shared=text, waiting_for=text, call=text,
        links=(Link(text, "https://example.com/" + "y" * 3000),) * 40, drill=True, rank=9,
    )  # fmt: skip
    blocks = page_blocks(page)
    assert message_problems(page_text(page), blocks) == []
    read = json.dumps([page_text(page), formatted(blocks)])
    assert "<!channel>" not in read
    assert "<@U0BEN>" not in read
    assert "|click>" not in read
    buttons = names(blocks)
    if outcome is not None or kind is PageKind.NOTE:
        assert buttons == []
    else:
        assert buttons[0] == "page:ack"
        assert ("page:unack" in buttons) == (kind is PageKind.ASK)


@pytest.mark.parametrize("text", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("kind", [PageKind.STEP, PageKind.NOTE])
def test_many_pages_in_one_message_fit_as_well(text: str, kind: PageKind) -> None:
    one = replace(LISTED, title=text, service=text, drill=True, outcome=OUTCOMES[1])
    pages = replace(PAGES, kind=kind, listed=(one,) * 200, count=1000, waiting=990)
    blocks = pages_blocks(pages)
    assert message_problems(pages_text(pages), blocks) == []
    assert len([block for block in blocks if block["type"] == "section"]) == 25
    assert "975 more" in json.dumps(blocks)
    assert names(blocks) == ([] if kind is PageKind.NOTE else ["page:ack", "inc:open"])


@pytest.mark.parametrize(
    "waiting, label", [(3, "Acknowledge all"), (1, "Acknowledge the other 1"), (0, None)]
)
def test_one_button_takes_all_that_wait(waiting: int, label: str | None) -> None:
    blocks = pages_blocks(replace(PAGES, waiting=waiting))
    buttons = [element for _, element in actions_of(blocks)]
    assert [one["text"]["text"] for one in buttons[:1]] == ([label] if label else [])
    assert all(json.loads(one["value"]) == {"p": 7} for one in buttons)
    assert ("taken or over" in pages_text(replace(PAGES, waiting=waiting))) == (waiting == 0)


def test_pages_about_nothing_any_more_are_still_a_message() -> None:
    gone = replace(PAGES, listed=(), count=0, waiting=0)
    assert message_problems(pages_text(gone), pages_blocks(gone)) == []


@given(title=st.text(), why=st.text(), firing=st.lists(st.text(), max_size=8), count=st.integers(0, 300))
def test_any_text_is_taken(title: str, why: str, firing: list[str], count: int) -> None:
    page = replace(PAGE, title=title, why=why, firing=tuple(firing), firing_count=count)
    assert message_problems(page_text(page), page_blocks(page)) == []


@pytest.mark.parametrize(
    "became, said",
    [
        (Became.TAKEN, "Taken by <@U0ANA> at <!date"),
        (Became.ANSWERED, "<@U0ANA> has it"),
        (Became.SNOOZED, "Snoozed until <!date"),
        (Became.RESOLVED, "Resolved at <!date"),
        (Became.CANCELLED, "Cancelled at <!date"),
        (Became.MERGED, "Merged into INC-9"),
        (Became.AGAIN, "Out of date"),
        (Became.PART, "You have your part"),
    ],
)
def test_how_it_ended_is_said_in_words(became: Became, said: str) -> None:
    outcome = Outcome(became=became, who=Who("Ana", "U0ANA"), at=NOW, into="INC-9")
    assert said in outcome.said()
