"""Whatever stands in a file, the answer is a revision or a list of problems with lines; never another exception."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incident_bot.config.durations import parse_duration
from incident_bot.config.tree import parse
from incident_bot.core.errors import Problem
from tests.config.sets import BASE, problems_of

DOCUMENTS = sorted(BASE)
SIGNS = [*"abc 019:-[]{},'\"&*!|>#%@`~?\n\t.=+", "\x85", "😀"]
PIECES = ["\n  ", ": ", "- ", "\\U", "<<", "null", "&a", "*a"]
ALPHABET = st.sampled_from([*SIGNS, *PIECES])
YAMLISH = st.lists(ALPHABET, max_size=40).map("".join)
SIMPLE = ["null", "true", "7", "-1", "1.5", "''", "x", "15m", "99999999999", '"2026-01-05T09:00"']
NESTED = ["[]", "{}", "[[]]", "[null]", "{a: b}", "{a: }"]
SCALARS = st.sampled_from([*SIMPLE, *NESTED])


def check(problems: tuple[Problem, ...], path: str, text: str) -> None:
    lines = text.count("\n") + 1
    for problem in problems:
        assert problem.message.strip()
        assert "\n" not in problem.message
        if problem.file == path:
            assert 1 <= problem.line <= lines


def answer(path: str, text: str) -> None:
    with TemporaryDirectory() as directory:
        check(problems_of(Path(directory), {**BASE, path: text}), path, text)


@settings(max_examples=40, deadline=None)
@given(
    path=st.sampled_from(DOCUMENTS),
    text=st.one_of(YAMLISH, st.text(st.characters(codec="utf-8"), max_size=40)),
)
@example(path="rotations/people.yaml", text='"\\UFFFFFFFF"')
@example(path="rotations/people.yaml", text="people: {a: {notify: {high: {by: 1}}}}")
@example(path="rotations/schedules/primary.yaml", text="schedule: [a]")
@example(path="runbooks/errors.md", text="---\n--- \n")
@example(path="rotations/escalation.yaml", text="severities: {P1: {aliases: 5}}\nmatrix: []")
def test_any_text_for_a_file(path: str, text: str) -> None:
    answer(path, text)


@settings(max_examples=40, deadline=None)
@given(path=st.sampled_from(DOCUMENTS), data=st.data())
def test_any_piece_of_a_file_replaced(path: str, data: st.DataObject) -> None:
    text = BASE[path]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    answer(path, text[:start] + data.draw(st.one_of(YAMLISH, SCALARS)) + text[end:])


@settings(max_examples=40, deadline=None)
@given(path=st.sampled_from([path for path in DOCUMENTS if path.endswith(".yaml")]), data=st.data())
def test_any_value_of_a_key_replaced(path: str, data: st.DataObject) -> None:
    lines = BASE[path].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    key = lines[at].partition(":")[0]
    answer(path, "".join([*lines[:at], f"{key}: {data.draw(SCALARS)}\n", *lines[at + 1 :]]))


@settings(max_examples=200)
@given(text=st.one_of(YAMLISH, st.text(max_size=60)))
def test_any_text_parses_or_is_refused(text: str) -> None:
    tree, problems = parse(text, file="f")
    assert tree is not None or problems
    check(problems, "f", text)


@given(text=st.text(max_size=12))
def test_any_duration(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - both ways are right
    else:
        assert text.strip()


@pytest.mark.parametrize("path", DOCUMENTS)
def test_an_empty_file(path: str, tmp_path: Path) -> None:
    check(problems_of(tmp_path, {**BASE, path: ""}), path, "")
