"""A post-mortem printed: what its text says becomes values, and no text is ever run."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from incident_bot.core.errors import Refused
from incident_bot.render.documents import postmortem_markdown
from incident_bot.render.printed import PRINTED_MOST, printed, tree
from incident_bot.render.templates import Templates
from tests.render.stories import draft_of, whole_tale

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HOSTILE = '#eval("1+1") #read("/etc/passwd") $x$ *b* `raw` <label> @ref = heading \\ #import "x.typ": *'


def text(nodes: Any) -> str:
    if isinstance(nodes, dict):
        return (
            str(nodes.get("s", ""))
            + text(nodes.get("c", []))
            + text(nodes.get("rows", []))
            + text(nodes.get("head", []))
        )
    return "".join(map(text, nodes)) if isinstance(nodes, list) else ""


def kinds(nodes: Any) -> set[str]:
    if isinstance(nodes, dict):
        return {str(nodes["t"])} | {kind for part in nodes.values() for kind in kinds(part)}
    return {kind for one in nodes for kind in kinds(one)} if isinstance(nodes, list) else set()


def test_every_kind_of_text_has_its_place() -> None:
    found = tree(
        "# One\n\n### Three\n\n#### Four\n\nA *b* **c** ~~d~~ `e` [f](https://example.com) [event 3]  \nnext\nline\n"
        "\n- x\n  - y\n\n3. z\n\n> q\n\n```\ncode\n```\n\n---\n\n| h | i |\n|---|---|\n| j | k |\n\n![alt](https://example.com/x.png)\n"
    )
    assert kinds(found) == {
        "h", "p", "s", "em", "b", "del", "code", "a", "src", "br", "ul", "ol", "quote", "hr", "table",
    }  # fmt: skip
    assert [one["level"] for one in found if isinstance(one, dict) and one["t"] == "h"] == [1, 3, 3]
    assert "alt" in text(found)
    (table,) = [one for one in found if isinstance(one, dict) and one["t"] == "table"]
    assert table["widths"] == [6, 6]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//example.com", "x.md"]
)
def test_only_addresses_of_the_web_become_links(address: str) -> None:
    found = tree(f"[words]({address})")
    assert "a" not in kinds(found)
    assert "words" in text(found)


@pytest.mark.parametrize(
    "word",
    [
        "z" * 300,
        'max_over_time(pool_used_ratio{pod=~"checkout-.+"}[7d:5m])<0.8',
        "=" * 90,
        "a_" * 40,
        "🔥" * 40,
    ],
)
@pytest.mark.parametrize("around", ["{}", "`{}`", "```\n{}\n```", "| a |\n|---|\n| {} |"])
def test_a_long_word_may_end_a_line_within_and_stays_the_word_it_is(word: str, around: str) -> None:
    found = text(tree(around.format(word)))
    assert word in found.replace("\u200b", "")
    pieces = found.removeprefix("a").split("\u200b")
    assert max(map(len, pieces)) <= 32
    assert "\u200b" not in text(tree("short words stay as they are: pool_used_ratio"))


def test_no_text_is_markup_to_the_printer() -> None:
    made = printed(
        f"# {HOSTILE}\n\n{HOSTILE}\n\n| {HOSTILE} |\n|---|\n| x |\n", title=HOSTILE, foot=HOSTILE, at=NOW
    )
    assert made.startswith(b"%PDF-")
    assert b"root:" not in b"".join(_streams(made))


def test_a_whole_draft_is_printed_with_pages_outline_and_title() -> None:
    draft = draft_of(whole_tale())
    markdown = postmortem_markdown(Templates(), draft).text
    graph = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="9" height="9"/></svg>'
    made = printed(
        markdown, title="INC-42: High error rate", foot="made", at=NOW, graphs=[("Errors 日本", graph)]
    )
    assert made.startswith(b"%PDF-")
    whole = made + b"".join(_streams(made))
    assert len(re.findall(rb"/Type\s*/Page\b", whole)) >= 3
    for wanted in (b"/Outlines", b"/StructTreeRoot", b"/Lang"):
        assert wanted in whole, wanted
    again = printed(markdown, title="INC-42: High error rate", foot="made", at=NOW)
    assert again == printed(markdown, title="INC-42: High error rate", foot="made", at=NOW), (
        "the same is the same"
    )


def test_what_would_take_for_ever_is_refused() -> None:
    with pytest.raises(Refused, match="is not printed"):
        printed("x" * (PRINTED_MOST + 1), title="x", foot="x", at=NOW)


def _streams(made: bytes) -> list[bytes]:
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            found.append(stream)
    return found
