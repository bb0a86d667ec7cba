"""A draft as Markdown, as one page and as JSON; what others wrote can break none of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.incident import AddNote, SetImpact
from incident_bot.core.postmortem import Draft, merge
from incident_bot.render.documents import postmortem_html, postmortem_json, postmortem_markdown, to_html
from incident_bot.render.templates import Templates
from tests.render.stories import Tale, draft_of, whole_tale

TEMPLATES = Templates()
NASTY = (
    "<script>alert(1)</script> <!-- end:impact --> <!-- generated:x hash:00000000 --> "
    "[x](javascript:alert(1)) ![i](http://evil/i.png) | **b** {{ 7 * 7 }} {% raw %}\n# Heading\n- item"
)


def markdown(draft: Draft) -> str:
    rendered = postmortem_markdown(TEMPLATES, draft)
    assert rendered.fell_back is None
    return rendered.text


def html(text: str) -> str:
    rendered = postmortem_html(TEMPLATES, draft_of(whole_tale()), text)
    assert rendered.fell_back is None
    return rendered.text


def nasty_tale() -> Tale:
    return Tale(title=NASTY).at(3).does(SetImpact(text=NASTY)).does(AddNote(text=NASTY))


def test_the_document_has_all_sections_in_order_and_every_part_fenced() -> None:
    text = markdown(draft_of(whole_tale()))
    assert [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)] == list(range(19))
    opened = re.findall(r"^<!-- generated:([a-z-]+) hash:[0-9a-f]{8} -->$", text, re.MULTILINE)
    assert opened == re.findall(r"^<!-- end:([a-z-]+) -->$", text, re.MULTILINE)
    assert len(opened) == len(set(opened)) >= 20
    assert "[event 12]" in text
    assert "[episode 3]" in text
    assert "[page 5]" in text
    assert "\n\n\n\n" not in text


def test_every_generated_line_ends_with_its_source() -> None:
    text = markdown(draft_of(whole_tale()))
    for line in text.splitlines():
        if line.startswith("- "):
            assert re.search(r"\[(event|episode|page)s? [\d, and more]+\]$", line), line


def test_refreshing_an_untouched_document_changes_nothing_but_the_facts() -> None:
    tale = whole_tale()
    old, new = markdown(draft_of(tale)), markdown(draft_of(tale, now=tale.now + timedelta(days=1)))
    assert old != new
    assert merge(old, new).text == new
    assert merge(old, new).conflicts == ()


def test_what_people_wrote_survives_a_refresh() -> None:
    tale = whole_tale()
    old = markdown(draft_of(tale)).replace(
        "_To write: What went well?_", "The rollback was quick.\n\n* and calm"
    )
    tale.at(90).does(AddNote(text="Found the cause"), "bob")
    text = merge(old, markdown(draft_of(tale))).text
    assert "The rollback was quick.\n\n* and calm" in text
    assert "Found the cause" in text


def test_nothing_that_others_wrote_breaks_the_document() -> None:
    text = markdown(draft_of(nasty_tale(), pages=()))
    fences = re.findall(r"^<!-- .* -->$", text, re.MULTILINE)
    assert text.count("<!--") == len(fences)
    assert "<script" not in text
    assert not re.search(r"^# Heading", text, re.MULTILINE)
    assert "{{ 7 \\* 7 }}" in text
    assert merge(text, text).text == text


def test_nothing_that_others_wrote_runs_on_the_page() -> None:
    page = html(markdown(draft_of(nasty_tale(), pages=())))
    assert "<script" not in page
    assert "<img" not in page
    assert "javascript:" not in re.sub(r"\[x\]\(javascript:alert\(1\)\)", "", page)
    assert "href" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    "text,shown",
    [
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("<style>body{}</style>", "&lt;style&gt;"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](data:text/html,y)", "[x](data:text/html,y)"),
        (
            "[x](https://ok.example.com)",
            '<a href="https://ok.example.com" rel="noopener noreferrer nofollow">x</a>',
        ),
        ("![i](https://e/i.png)", "<p></p>"),
        ("~~no~~ **yes**", "<s>no</s> <strong>yes</strong>"),
        ("| a |\n| --- |\n| b |", "<td>b</td>"),
    ],
)
def test_markdown_of_people_becomes_harmless_html(text: str, shown: str) -> None:
    assert shown in to_html(text)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = html(markdown(draft_of(whole_tale())))
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "<title>INC-42: High error rate on checkout</title>" in page
    for word in ("<script", "<link", "src=", "url(", "@import", "<!--"):
        assert word not in page
    for word in ("prefers-color-scheme: dark", "@media print", "Content-Security-Policy", 'name="viewport"'):
        assert word in page


def test_json_says_the_same() -> None:
    value = json.loads(json.dumps(postmortem_json(draft_of(whole_tale()))))
    assert value["header"]["name"] == "INC-42"
    assert value["header"]["opened_at"] == "2026-11-21T02:07:00Z"
    assert value["measures"]["time_to_acknowledge"] == 1080
    assert value["measures"]["still_open"] is False
    assert value["sections"][3]["blocks"][0]["rows"][0]["source"] == "[episode 3]"
    assert value["completeness"]["total"] == 23
    assert len(value["questions"]) == 7


def test_a_drill_and_a_private_incident_say_so() -> None:
    tale = whole_tale()
    tale.incident = replace(tale.incident, drill=True, private=True)
    text = markdown(draft_of(tale))
    assert "This was a drill. Private: do not pass on. Generated " in text
