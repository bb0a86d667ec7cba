"""The user's words over the built-in ones: checked when loaded, bounded when run, and never the reason for silence."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from incident_bot.core.postmortem import Draft
from incident_bot.render import filters
from incident_bot.render.documents import postmortem_markdown
from incident_bot.render.facts import FACTS
from incident_bot.render.templates import Templates, builtin_texts

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 2, 9, tzinfo=UTC)
FACTS_OF_UPDATE = FACTS["slack/update.j2"]


def said(text: str, facts: Mapping[str, object] | None = None, name: str = "slack/update.j2") -> str:
    rendered = Templates({name: text}).render(name, {**FACTS[name], **(facts or {})})
    assert rendered.fell_back is None
    return rendered.text


def test_the_sample_folder_holds_the_built_in_texts() -> None:
    folder = ROOT / "templates"
    samples = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.j2")}
    assert samples == builtin_texts()


def test_every_built_in_text_has_its_facts_and_no_problem() -> None:
    assert set(builtin_texts()) == set(FACTS)
    assert Templates(builtin_texts()).problems() == ()
    assert Templates().problems() == ()


@pytest.mark.parametrize("name", FACTS)
def test_every_built_in_text_can_be_written(name: str) -> None:
    rendered = Templates().render(name, FACTS[name])
    assert rendered.fell_back is None
    assert len(rendered.text) > 20


@pytest.mark.parametrize("name", FACTS)
def test_no_built_in_text_needs_more_than_names(name: str) -> None:
    """What is not known is None or empty; a message goes out all the same."""
    kept = {
        "now",
        "title",
        "severity",
        "url",
        "draft",
        "incidents",
        "count",
        "body",
        "since",
        "opened_at",
        "lasted",
        "text",
        "name",
    }
    facts = {key: value if key in kept else None for key, value in FACTS[name].items()}
    facts |= {key: () for key in ("alerts", "services", "missing", "paged") if key in facts}
    facts |= {key: 0 for key in ("firing", "loop", "done", "total") if key in facts}
    facts |= {key: "" for key in ("phase", "person", "why") if key in facts}
    facts |= {"zone": "UTC"} if "zone" in facts else {}
    assert Templates().render(name, facts).fell_back is None


@pytest.mark.parametrize(
    "text,line,words",
    [
        ("one\n{{ titel }}", 2, "there is no 'titel' here; there are alerts"),
        ("{% if %}", 1, "Expected an expression"),
        ("\n\n{{ title | shout }}", 3, "No filter named 'shout'"),
        ("{{ title | safe }}", 1, "No filter named 'safe'"),
        ("x\n{{ title.foo }}", 2, "has no attribute 'foo'"),
        ("{% include 'gone.j2' %}", 1, "there is no template 'gone.j2'"),
        ("{% include title %}", 1, "computed name"),
        ("{{ title.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ 'x' * 100 }}", 1, "uses * on"),
        ("   ", 1, "empty text"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", 1, "recursion"),
        ("{{ range(5000) }}", 1, "range of more than 1000"),
    ],
)
def test_problems_name_file_and_line(text: str, line: int, words: str) -> None:
    problems = Templates({"templates/slack/update.j2": text}).problems()
    assert [(one.file, one.line, one.severity) for one in problems] == [
        ("templates/slack/update.j2", line, "error")
    ]
    assert words in problems[0].message


def test_other_problems() -> None:
    found = Templates(
        {"other.j2": "x", "slack/_foot.j2": "{{ url }}{{ nope }}", "builtin/page/text.j2": "x"}
    ).problems()
    assert [(one.file, one.severity) for one in found] == [
        ("templates/builtin/page/text.j2", "error"),
        ("templates/other.j2", "warning"),
        ("templates/slack/_foot.j2", "error"),
    ]
    huge = Templates({"page/text.j2": "x" * 300_000}).problems()
    assert "longer than 200000" in huge[0].message
    broken = {"a/_base.j2": "{% if %}", "page/text.j2": "{% extends 'a/_base.j2' %}"}
    assert {one.file for one in Templates(broken).problems()} == {
        "templates/a/_base.j2",
        "templates/page/text.j2",
    }


def test_a_template_that_fails_falls_back_and_says_so() -> None:
    templates = Templates({"slack/meta.j2": "{{ 1 / 0 }}"})
    rendered = templates.render("slack/meta.j2", FACTS["slack/meta.j2"])
    assert rendered.text == Templates().render("slack/meta.j2", FACTS["slack/meta.j2"]).text
    assert rendered.fell_back == "templates/slack/meta.j2: division by zero"


def test_even_without_any_facts_something_is_said() -> None:
    rendered = Templates().render("page/text.j2", {"severity": "P1", "title": "Errors\non checkout"})
    assert rendered.text == "P1 Errors on checkout"
    assert rendered.fell_back
    assert Templates().render("no/such.j2", {}).fell_back


BOMBS = [
    "{% for a in range(999) %}{% for b in range(999) %}{% set x = 1 %}{% endfor %}{% endfor %}",
    "{% for a in range(999) %}{% for b in range(999) %}{{ title }}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set a = 'xxxxxxxxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = 'xxxxxxxxxxxxxxxx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = 'xxxxxxxxxxxxxxxx' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40 + "{{ a }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'x' * 1000000000 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ 'x'.center(999999999) }}",
    "{{ 999999999999 * 999999999999 * 99999999999999 }}",
    "{{ range(10) | join(title.replace('', title)) }}",
    "{% for a in range(2, 99999999) %}{% endfor %}",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_a_fallback(bomb: str) -> None:
    start = time.perf_counter()
    rendered = Templates({"slack/update.j2": bomb}).render("slack/update.j2", FACTS_OF_UPDATE)
    assert rendered.fell_back
    assert "INCIDENT UPDATE" in rendered.text
    assert time.perf_counter() - start < 5


def test_a_user_may_change_one_block_of_the_post_mortem() -> None:
    name = "postmortem/postmortem.md.j2"
    own = {
        name: '{% extends "builtin/postmortem/postmortem.md.j2" %}'
        "{% block background %}## 5. Our way\n\n{{ whole(draft.sections[1]) }}{% endblock %}"
        "{% block summary %}{{ super() }}<b>{{ draft.header.title }}</b>{% endblock %}"
    }
    assert Templates(own).problems() == ()
    text = Templates(own).render(name, FACTS[name]).text
    assert "## 5. Our way" in text
    assert "## 5. Background" not in text
    assert "<b>High error rate on checkout</b>" in text
    assert "&lt;" not in text
    assert text.count("<!-- generated:summary") == 2


@pytest.mark.parametrize("whole", [False, True], ids=["a child", "a whole copy"])
def test_one_broken_block_costs_that_block_alone(*, whole: bool) -> None:
    name = "postmortem/postmortem.md.j2"
    broken = (
        "{% block impact %}{{ draft.completeness.done // (draft.measures.pages_sent * 0) }}{% endblock %}"
    )
    if whole:
        text = builtin_texts()[name]
        start = text.index("{% block impact %}")
        end = text.index("{% endblock %}", start) + len("{% endblock %}")
        own = text[:start] + broken + text[end:]
        own = own.replace("{% block background %}", "{% block background %}Our way.")
    else:
        own = f'{{% extends "builtin/{name}" %}}{broken}{{% block background %}}Our way.{{% endblock %}}'
    templates = Templates({name: own})
    rendered = templates.render(name, FACTS[name])
    assert rendered.blocks == ("impact",)
    assert "block impact: integer division or modulo by zero" in str(rendered.fell_back)
    assert "Our way." in rendered.text
    assert "## 2. Impact" in rendered.text
    assert templates.broken == {name: rendered.fell_back}
    assert [problem.file for problem in templates.problems()] == [f"templates/{name}"], "check says so"
    draft = FACTS[name]["draft"]
    assert isinstance(draft, Draft)
    told = postmortem_markdown(templates, draft).text
    assert "The built-in text stands in for these blocks: impact" in told


def test_where_a_shared_macro_is_broken_the_whole_built_in_text_stands_in() -> None:
    name = "postmortem/postmortem.md.j2"
    text = builtin_texts()[name].replace("## {{ section.number }}.", "## {{ 1 // 0 }}.")
    rendered = Templates({name: text}).render(name, FACTS[name])
    assert rendered.blocks == ()
    assert rendered.fell_back
    assert "## 2. Impact" in rendered.text


def test_a_user_may_share_a_part() -> None:
    own = {
        "slack/_foot.j2": "\n-- <{{ url }}|open>",
        "slack/update.j2": "{{ text }}{% include 'slack/_foot.j2' %}",
    }
    templates = Templates(own)
    assert templates.problems() == ()
    assert templates.render("slack/update.j2", FACTS_OF_UPDATE).text.endswith(
        "-- <https://incidents.example.com/incidents/INC-42|open>\n"
    )


NASTY = "<!channel> & {{ 7 * 7 }} {% raw %} *b* [x](http://e) `c` | <b>\u202eh"


@pytest.mark.parametrize(
    "name,shown",
    [
        (
            "slack/update.j2",
            "&lt;!channel&gt; &amp; {{ 7 * 7 }} {% raw %} *b* [x](http://e) `c` | &lt;b&gt;h",
        ),
        ("page/text.j2", "<!channel> & {{ 7 * 7 }} {% raw %} *b* [x](http://e) `c` | <b>h"),
    ],
)
def test_what_others_wrote_is_shown_and_never_run(name: str, shown: str) -> None:
    assert said("{{ title }}", {"title": NASTY}, name).rstrip() == shown


def test_documents_are_safe_by_default() -> None:
    templates = Templates({"postmortem/_x.md.j2": "{{ now }}", "postmortem/_y.html.j2": "{{ now }}"})
    facts = {"now": NASTY}
    markdown = templates.render("postmortem/_x.md.j2", facts).text
    assert markdown.startswith(
        "&lt;!channel&gt; & {{ 7 \\* 7 }} {% raw %} \\*b\\* \\[x\\](http://e) \\`c\\` \\|"
    )
    assert "&lt;!channel&gt; &amp; " in templates.render("postmortem/_y.html.j2", facts).text


@given(st.text(max_size=60))
def test_no_text_of_an_alert_calls_a_channel(text: str) -> None:
    shown = str(filters.mrkdwn(text))
    assert "<" not in shown
    assert ">" not in shown


class TestFilters:
    def test_when(self) -> None:
        assert filters.when(NOW) == "02:09 UTC"
        assert filters.when(NOW, "Europe/Berlin") == "03:09 CET (02:09 UTC)"
        assert filters.when(NOW, "America/New_York") == "21:09 EST (Sat 02:09 UTC)"
        assert filters.when(NOW, "Mars/Base") == "02:09 UTC"

    def test_day_and_time_as_people_read_and_type_them(self) -> None:
        assert filters.local(NOW, "America/New_York") == "Fri 20 Nov 21:09 EST"
        assert filters.local(NOW, "Mars/Base") == "Sat 21 Nov 02:09 UTC"
        assert filters.local(None) == "an unknown time"
        assert filters.wall(NOW, "America/New_York") == "2026-11-20 21:09"
        assert filters.wall(NOW, "Mars/Base") == "2026-11-21T02:09Z"
        assert filters.wall(None) == "now"
        assert filters.date(NOW) == "2026-11-21 02:09 UTC"

    def test_ago_counts_from_now(self) -> None:
        assert said("{{ since | ago }}") == "4 min ago\n"
        assert said("{{ now | ago }}") == "just now\n"

    @pytest.mark.parametrize(
        "minutes,text",
        [(15, "15 minutes"), (1, "1 minute"), (60, "1 hour"), (90, "90 minutes"), (2880, "48 hours")],
    )
    def test_spelled(self, minutes: int, text: str) -> None:
        assert filters.spelled(timedelta(minutes=minutes)) == text

    def test_lines(self) -> None:
        assert said("{{ 'a\nb' | line }}{{ 'abcdef' | cut(4) }}") == "a babc…\n"
        assert said("a{{ ' b ' }}c", name="page/text.j2") == "a b c\n"
        assert said("{{ none }}{{ 'x' if false }}y") == "y\n"

    def test_joining_keeps_what_is_safe_and_escapes_the_rest(self) -> None:
        assert said("{{ ['<a>', '<b>'] | join(' < ') }}") == "&lt;a&gt; &lt; &lt;b&gt;\n"
        assert filters.joined([Markup("<i>"), Markup("<b>")], " & ") == "<i> &amp; <b>"
        assert filters.joined([]) == ""

    def test_markdown_keeps_its_spaces(self) -> None:
        assert filters.md(" # a ") == " \\# a "
        assert filters.md(" ") == " "
        assert filters.md("") == ""

    def test_a_source_is_what_it_looks_like(self) -> None:
        assert (
            filters.source("[event 12] [pages 1, 2, 3 and 4 more]") == "[event 12] [pages 1, 2, 3 and 4 more]"
        )
        assert filters.source("[x](y)") == "\\[x\\](y)"

    def test_html(self) -> None:
        assert filters.html("<b>") == "&lt;b&gt;"
