"""Alertmanager's matchers: one line a case, and the round trip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.matchers import (
    PATTERN_MOST,
    Matcher,
    Op,
    matches_all,
    parse_matcher,
    parse_matchers,
)

READ = {
    "equal": ('a="b"', Matcher("a", Op.EQUAL, "b")),
    "not equal": ('a!="b"', Matcher("a", Op.NOT_EQUAL, "b")),
    "regex": ('a=~"b|c"', Matcher("a", Op.REGEX, "b|c")),
    "not regex": ('a!~"b.*"', Matcher("a", Op.NOT_REGEX, "b.*")),
    "unquoted value": ("a=b", Matcher("a", Op.EQUAL, "b")),
    "unquoted regex": ("severity=~critical|page", Matcher("severity", Op.REGEX, "critical|page")),
    "unquoted value with an operator in it": ("a=b=c", Matcher("a", Op.EQUAL, "b=c")),
    "unquoted backslash": (r"a=~db\d+", Matcher("a", Op.REGEX, r"db\d+")),
    "spaces around": (' a  =~\t"b"\n', Matcher("a", Op.REGEX, "b")),
    "empty value": ('a=""', Matcher("a", Op.EQUAL, "")),
    "escaped quote": (r'a="b\"c"', Matcher("a", Op.EQUAL, 'b"c')),
    "escaped backslash": (r'a="b\\c"', Matcher("a", Op.EQUAL, r"b\c")),
    "escaped newline": (r'a="b\nc"', Matcher("a", Op.EQUAL, "b\nc")),
    "escaped backslash before n": (r'a="b\\nc"', Matcher("a", Op.EQUAL, r"b\nc")),
    "other escapes stand for themselves": (r'a=~"web\.\d"', Matcher("a", Op.REGEX, r"web\.\d")),
    "comma and brace in quotes": ('a="b,}c"', Matcher("a", Op.EQUAL, "b,}c")),
    "quoted name": ('"ü. {x}"="y"', Matcher("ü. {x}", Op.EQUAL, "y")),
    "bare UTF-8 name": ("grüße=x", Matcher("grüße", Op.EQUAL, "x")),
    "in braces": ('{a="b"}', Matcher("a", Op.EQUAL, "b")),
    "in braces with a trailing comma": ('{ a="b" , }', Matcher("a", Op.EQUAL, "b")),
}

REFUSED = {
    "nothing": ("", "expected one matcher in '', found 0"),
    "two for one": ("a=b,c=d", "expected one matcher in 'a=b,c=d', found 2"),
    "no name": ('="b"', "position 1 .*expected a label name, found '=\"b\"'"),
    "empty name": ('""="b"', "expected a label name"),
    "no operator": ("abc", "position 4 .*expected one of = != =~ !~, found the end"),
    "wrong operator": ('a>"b"', "expected one of = != =~ !~"),
    "lone bang": ('a!"b"', "position 2 .*expected one of"),
    "no value": ("a=", "position 3 .*expected a value"),
    "no value before a comma": ("a=,b=c", "position 3 .*expected a value"),
    "single quotes": ("a='b'", "position 3 .*expected a value"),
    "open quote": ('a="b', "position 5 .*expected a closing quote, found the end"),
    "quote closed by an escape": (r'a="b\"', "expected a closing quote"),
    "lone backslash at the end": ('a="b\\', "expected a closing quote"),
    "text after the value": ('a="b" c', "position 7 .*expected a comma or the end, found 'c'"),
    "brace not opened": ('a="b"}', "position 6 .*expected a comma or the end"),
    "brace not closed": ('{a="b"', r"position 7 .*expected a comma or the closing }"),
    "text after the brace": ('{a="b"} c', "position 9 .*expected the end, as the } is closed"),
    "two commas": ("a=b,,c=d", "position 5 .*expected a label name"),
    "bad regex": ('{x="y",a=~"b("}', r"position 11 .*bad regular expression 'b\(': missing \): b\("),
    "regex of another kind": ('a=~"(?=b)"', "invalid perl operator"),
    "regex that grows too large": ('a=~"((x{100}){100}){100}"', "bad regular expression"),
    "regex that is too long": (f'a=~"{"b" * (PATTERN_MOST + 1)}"', "has 1001 characters; 1000 are allowed"),
    "lone surrogate in a regex": ('a=~"\ud800+"', "surrogates not allowed"),
}

MATCH = {
    "equal": ("a=b", {"a": "b"}, True),
    "unequal": ("a=b", {"a": "bb"}, False),
    "missing is empty": ('a=""', {}, True),
    "missing is not equal": ("a!=b", {}, True),
    "empty counts as missing": ('a!=""', {"a": ""}, False),
    "regex list": ("a=~b|c", {"a": "c"}, True),
    "regex list is anchored": ("a=~b|c", {"a": "cc"}, False),
    "regex list with an empty word": ("a=~b|", {}, True),
    "regex is anchored at the front": ('a=~"b.*"', {"a": "ab"}, False),
    "regex is anchored at the end": ('a=~".*b"', {"a": "bc"}, False),
    "alternatives are anchored as one": ('a=~"b.|c."', {"a": "b1c"}, False),
    "anchors of one's own are harmless": ('a=~"^b$"', {"a": "b"}, True),
    "missing against .*": ('a=~".*"', {}, True),
    "missing against .+": ('a=~".+"', {}, False),
    "missing against not .+": ('a!~".+"', {}, True),
    "not regex": ('a!~"b.*"', {"a": "bx"}, False),
    "case counts": ("a=~B|C", {"a": "b"}, False),
    "case may be switched off": ('a=~"(?i)B"', {"a": "b"}, True),
    "a dot is one character, not one byte": ('a=~"."', {"a": "ü"}, True),
    "a dot is no newline": ('a=~"b.c"', {"a": "b\nc"}, False),
    "lone surrogate in a label": ('a=~"x."', {"a": "x\ud800"}, True),
}

names = st.text(min_size=1)
values = st.text(alphabet=st.one_of(st.characters(), st.sampled_from('"\\\n,{}= nd')))


@pytest.mark.parametrize("text, expected", READ.values(), ids=READ)
def test_reads(text: str, expected: Matcher) -> None:
    assert parse_matcher(text) == expected
    assert parse_matcher(str(expected)) == expected


@pytest.mark.parametrize("text, message", REFUSED.values(), ids=REFUSED)
def test_refuses(text: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=message):
        parse_matcher(text)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text, labels, expected", MATCH.values(), ids=MATCH)
def test_matches(text: str, labels: dict[str, str], expected: bool) -> None:
    assert parse_matcher(text).matches(labels) is expected


@pytest.mark.parametrize(
    "text, expected", [("", ()), ("{}", ()), (" { } ", ()), ('{a="b",c!=d}', ('a="b"', 'c!="d"'))]
)
def test_reads_lists(text: str, expected: tuple[str, ...]) -> None:
    assert tuple(str(matcher) for matcher in parse_matchers(text)) == expected


def test_all_must_pass_and_none_means_any() -> None:
    both = parse_matchers("a=b,c=~d.+")
    assert matches_all(both, {"a": "b", "c": "de"})
    assert not matches_all(both, {"a": "b"})
    assert matches_all((), {})


@given(name=names, op=st.sampled_from([Op.EQUAL, Op.NOT_EQUAL]), value=values)
def test_every_matcher_survives_the_round_trip(name: str, op: Op, value: str) -> None:
    matcher = Matcher(name, op, value)
    assert parse_matcher(str(matcher)) == matcher
    assert parse_matchers(f"{{{matcher}, {matcher},}}") == (matcher, matcher)


@given(value=values)
def test_opposites_never_agree(value: str) -> None:
    for pair in ((Op.EQUAL, Op.NOT_EQUAL), (Op.REGEX, Op.NOT_REGEX)):
        yes, no = (Matcher("a", op, "b|c d") for op in pair)
        assert yes.accepts(value) is not no.accepts(value)


@given(text=st.text(alphabet=st.sampled_from('ab"\\{},=!~ |(')))
def test_any_text_is_read_or_refused_with_a_position(text: str) -> None:
    try:
        found = parse_matchers(text)
    except ValueError as error:
        assert str(error).startswith("position ")  # noqa: PT017 - most texts are refused, some are not.
    else:
        assert parse_matchers(",".join(map(str, found))) == found
