"""The page of HTML in a mail: well-formed, escaped, complete in itself, and never a reason for silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import PageKind
from incident_bot.render.facts import FACTS
from incident_bot.render.messages import Message, page_message
from incident_bot.render.templates import Templates
from tests.render.stories import PEOPLE, RUNBOOK, START, Tale, episode, first_page

NAME = "mail.html.j2"
ACK = "https://bot.example.com/ack/0123456789abcdef"
TEMPLATES = Templates()
HOSTILE = "</title></style></p><script>alert(1)</script>\"'><img src=x onerror=y>&amp;\x00\x1b\u202e\ud800"


def written(facts: Mapping[str, object] | None = None) -> ET.Element:
    rendered = TEMPLATES.render(NAME, {**FACTS[NAME], **(facts or {})})
    assert rendered.fell_back is None
    text = rendered.text.encode(errors="replace").decode()
    return ET.fromstring(text)  # noqa: S314 -- our own page


def page(templates: Templates = TEMPLATES, *, kind: PageKind = PageKind.STEP, html: bool = True) -> Message:
    incident = replace(Tale(title=HOSTILE).incident, impact=HOSTILE)
    return page_message(
        templates,
        incident,
        replace(first_page(incident, HOSTILE), kind=kind),
        person=replace(PEOPLE["alice"], name=HOSTILE),
        episodes=(episode(minutes=None), episode(4, None)),
        runbook=RUNBOOK,
        public_url="https://bot.example.com",
        html=html,
        ack_url=ACK,
        now=START + timedelta(minutes=4),
    )


def test_it_is_asked_for() -> None:
    assert page(html=False).html is None


def test_hostile_words_stay_words() -> None:
    html = page().html
    assert html is not None
    tree = ET.fromstring(html.encode(errors="replace").decode())  # noqa: S314 -- our own page
    assert {element.tag for element in tree.iter()} <= {
        "html", "head", "meta", "title", "style", "body", "div", "p", "h1", "a", "strong", "br",
    }  # fmt: skip
    assert "<script>alert(1)</script>" in "".join(tree.itertext())
    assert all(name in {"style", "class", "href", "lang", "charset", "name", "content"}
               for element in tree.iter() for name in element.attrib)  # fmt: skip


WORD = st.text(max_size=100)


@given(title=WORD, why=WORD, person=WORD, alert=WORD, impact=WORD, step=WORD, service=WORD, runbook=WORD)
def test_it_is_well_formed_whatever_it_tells(**words: str) -> None:
    alert, step = words.pop("alert"), words.pop("step")
    tree = written({**words, "alerts": (alert,), "first_step": step})
    assert [link.get("href") for link in tree.iter("a")] == [
        FACTS[NAME]["ack_url"], FACTS[NAME]["url"], FACTS[NAME]["runbook_url"],
    ]  # fmt: skip


def test_nothing_comes_from_elsewhere() -> None:
    text = TEMPLATES.render(NAME, FACTS[NAME]).text
    for word in ("<img", "<script", "<link", "@import", "url(", "<iframe", "src="):
        assert word not in text
    assert 'content="light dark"' in text


def test_one_button_and_two_links() -> None:
    links = [("".join(link.itertext()), link.get("href")) for link in written().iter("a")]
    assert links == [
        ("Acknowledge INC-42", FACTS[NAME]["ack_url"]),
        ("Open INC-42", FACTS[NAME]["url"]),
        ("Runbook: High error rate", FACTS[NAME]["runbook_url"]),
    ]


def test_without_a_link_it_says_what_to_type() -> None:
    tree = written({"ack_url": None, "runbook_url": None})
    assert [link.get("href") for link in tree.iter("a")] == [FACTS[NAME]["url"]]
    assert "type ack INC-42 in the chat" in "".join(tree.itertext())


def test_who_has_it_is_asked_whether_they_still_have_it() -> None:
    html = page(kind=PageKind.ASK).html or ""
    assert "I am still on INC-42" in html
    assert "Acknowledge INC-42" not in html


def test_who_need_not_get_up_gets_no_button() -> None:
    html = page(kind=PageKind.NOTE).html or ""
    tree = ET.fromstring(html.encode(errors="replace").decode())  # noqa: S314 -- our own page
    assert "No need to get up: it is over." in "".join(tree.itertext())
    assert ACK not in [link.get("href") for link in tree.iter("a")]


def test_a_drill_says_so_first() -> None:
    assert "DRILL · INC-42" in "".join(written({"drill": True}).itertext())


@pytest.mark.parametrize("text", ["{{ nope }}", "{% for n in range(999) %}{{ title * 9 }}{% endfor %}", ""])
def test_a_broken_template_costs_neither_the_page_nor_the_button(text: str) -> None:
    message = page(Templates({f"templates/{NAME}": text}))
    assert message.fell_back is not None
    assert message.fell_back.startswith(f"templates/{NAME}: ")
    assert ACK in (message.html or "")


def test_where_even_the_built_in_page_fails_the_bare_facts_are_escaped() -> None:
    rendered = TEMPLATES.render(NAME, {"title": "<b>&", "name": "INC-1"})
    assert rendered.fell_back is not None
    assert rendered.text == "INC-1 &lt;b&gt;&amp;"
