"""Which part of an expression is drawn, and which rule an alert comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.expressions import EXPRESSION_MOST, Drawn, Rule, Threshold, choose, split, told_by

SPLIT = {
    "a > 5": ("a", ">", 5),
    "  rate(errors_total[5m]) >= 0.05 ": ("rate(errors_total[5m])", ">=", 0.05),
    "up == 0": ("up", "==", 0),
    'up{job!="a > 3"} != 1': ('up{job!="a > 3"}', "!=", 1),
    "a{b='c\\'>1'} < 2": ("a{b='c\\'>1'}", "<", 2),
    "a{b=`>`} < .5": ("a{b=`>`}", "<", 0.5),
    "(a > 5)": ("a", ">", 5),
    "((a)) > (5)": ("a", ">", 5),
    "(a) + (b) > 5": ("(a) + (b)", ">", 5),
    "sum by (job) (a > 1) > 5": ("sum by (job) (a > 1)", ">", 5),
    "a - b > -5": ("a - b", ">", -5),
    "a > 10 * 1024 * 1024": ("a", ">", 10485760),
    "a > 1e-3 / 2": ("a", ">", 0.0005),
    "5 < a": ("a", ">", 5),
    "0.9 >= a": ("a", "<=", 0.9),
    "0 == up": ("up", "==", 0),
    "a > 5 and b > 1": ("a", ">", 5),
    "(a > 5) unless on (job) b": ("a", ">", 5),
    "a > 5 # more than b > 3": ("a", ">", 5),
    "a\n  >\n  5": ("a", ">", 5),
    "and_or > 5": ("and_or", ">", 5),
    "job:up:rate5m > 5": ("job:up:rate5m", ">", 5),
    "a offset 5m > 5": ("a offset 5m", ">", 5),
}
WHOLE = [
    "up", "a > b", "a > 5 or b > 1", "a > bool 5", "5 < bool a", "1 > on (job) a", "a > 5 < 9", "1 > 2",
    "a and b", "a > 5m", "a > 5x", "> 5", "a >", "", "a > 1 / 0", "a > 5 +", "a > 2 2", "(a > 5", "a > 5)",
    "(a > 5]", '"a > 5', "a{b='c} > 5", "sum(a > 5)", "a > inf", "and b > 5",
]  # fmt: skip


@pytest.mark.parametrize("expression", SPLIT)
def test_a_comparison_with_a_number_is_drawn_with_a_line(expression: str) -> None:
    left, compare, value = SPLIT[expression]
    assert split(expression) == Drawn(
        expression=left, threshold=Threshold(compare=compare, value=pytest.approx(value))
    )


@pytest.mark.parametrize("expression", WHOLE)
def test_anything_else_is_drawn_whole(expression: str) -> None:
    assert split(expression) == Drawn(expression=expression.strip())


def test_a_very_long_expression_is_not_read() -> None:
    long = "a" * EXPRESSION_MOST + " > 5"
    assert split(long).threshold is None


@given(st.text(alphabet="ab() []{}<>=!\"'`#5.-+*/\n\\e", max_size=60))
def test_whatever_is_written_something_of_it_is_drawn(expression: str) -> None:
    drawn = split(expression)
    assert drawn.expression in expression
    assert drawn.threshold is None or drawn.expression


@pytest.mark.parametrize(
    "compare, below, equal, above",
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
        ("==", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_a_condition_holds(compare: str, below: bool, equal: bool, above: bool) -> None:
    limit = Threshold(compare=compare, value=5)
    assert [limit.holds(value) for value in (4, 5, 6)] == [below, equal, above]


ALERT = {"alertname": "High", "severity": "page", "job": "api"}
PAGE = Rule(expression="a > 9", labels={"severity": "page"})
WARN = Rule(expression="a > 5", labels={"severity": "warning"})
BARE = Rule(expression="b > 5", labels={"team": "{{ $labels.team }}"})


@pytest.mark.parametrize(
    "rules, told, expected",
    [
        pytest.param([WARN, PAGE], None, "a > 9", id="the one whose labels the alert has"),
        pytest.param([BARE, PAGE], None, "a > 9", id="the one with the most of them"),
        pytest.param([BARE], "c > 1", "b > 5", id="a template contradicts nothing"),
        pytest.param(
            [PAGE, Rule(expression="a > 7", labels=PAGE.labels)],
            "a > 7",
            "a > 7",
            id="of equals what is told",
        ),
        pytest.param([WARN], "c > 1", "c > 1", id="none fits"),
        pytest.param([], None, None, id="nothing is known"),
    ],
)
def test_the_rule_of_an_alert(rules: list[Rule], told: str | None, expected: str | None) -> None:
    assert choose(rules, ALERT, told) == expected


@pytest.mark.parametrize(
    "url, expected",
    [
        ("http://prom:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "up == 0"),
        ("http://prom:9090/graph?g0.expr=+", None),
        ("http://prom:9090/graph", None),
        ("http://[", None),
        ("?" + "a&" * 100, None),
        ("?g0.expr=" + "a" * 9000, None),
        ("", None),
    ],
)
def test_what_the_alert_itself_says(url: str, expected: str | None) -> None:
    assert told_by(url) == expected
