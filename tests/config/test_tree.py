import pytest

from incident_bot.config.tree import DEPTH_MOST, Tree, dotted, parse


def tree_of(text: str) -> Tree:
    tree, problems = parse(text, file="f.yaml")
    assert tree is not None
    assert problems == ()
    return tree


def refusal_of(text: str) -> str:
    tree, problems = parse(text, file="f.yaml")
    assert tree is None
    assert len(problems) == 1
    return str(problems[0])


@pytest.mark.parametrize(
    "text, value",
    [
        ("17:00", "17:00"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("2026-01-05", "2026-01-05"),
        ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z"),
        ("1_000", "1_000"),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("+49151", 49151),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("9" * 5000, "9" * 5000),
        (".inf", ".inf"),
        ("=", "="),
        ("[a, [], {}]", ["a", [], {}]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert tree_of(f"k: {text}\n").value == {"k": value}


def test_every_key_and_item_keeps_its_line() -> None:
    tree = tree_of("a:\n  b:\n    - 1\n    -\n      c: |\n        x\n        y\n  d: 2\n")
    lines = {dotted(path): mark.line for path, mark in tree.marks.items()}
    assert lines == {"": 1, "a": 1, "a.b": 2, "a.b[0]": 3, "a.b[1]": 5, "a.b[1].c": 5, "a.d": 8}
    assert tree.line(("a", "b", 7, "nowhere")) == 2


def test_a_number_keeps_how_it_was_written() -> None:
    assert tree_of("p: +0049\n").text(("p",)) == "+0049"


def test_lines_count_from_where_the_text_begins() -> None:
    tree, _ = parse("a: 1\nb: 2\n", file="f.yaml", first_line=10)
    assert tree is not None
    assert tree.line(("b",)) == 11


def test_an_alias_stands_for_its_anchor() -> None:
    tree = tree_of("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n")
    assert tree.value == {"a": {"k": [1]}, "b": {"k": [1]}, "c": [{"k": [1]}, {"k": [1]}]}
    assert tree.line(("b", "k")) == 1
    assert tree.line(("b",)) == 2


def test_anchors_of_anchors_do_not_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "far too large once its aliases are written out" in refusal_of("\n".join(lines))


def test_a_long_chain_of_anchors_does_not_overflow_the_stack() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000)]
    assert "far too large" in refusal_of("\n".join(lines))


@pytest.mark.parametrize(
    "text", ["[" * 5000, "- " * 5000 + "x", "{a: " * 5000], ids=["lists", "items", "mappings"]
)
def test_depth_is_bounded(text: str) -> None:
    assert f"nested more than {DEPTH_MOST} deep" in refusal_of(text)


@pytest.mark.parametrize(
    "text, says",
    [
        ("a: b: c", "f.yaml:1: not YAML: mapping values are not allowed here"),
        ("a: 1\nb: [\n", "f.yaml:2: not YAML: expected the node content"),
        ("a: 1\n--- \nb: 2\n", "f.yaml:2: a second document begins here"),
        ("a: !!binary x", "f.yaml:1: the tag tag:yaml.org,2002:binary is not accepted"),
        ("a: 1\n\x07", "f.yaml:2: not YAML: unacceptable character"),
        ("%YAML 3.0\n---\na", "f.yaml:1: not YAML: found incompatible YAML document"),
    ],
)
def test_refusals_have_a_line(text: str, says: str) -> None:
    assert refusal_of(text).startswith(says)


def test_wrong_keys_are_all_told() -> None:
    tree, problems = parse("1: a\n~: b\n[x]: c\n<<: d\nk: e\nk: f\n", file="f.yaml")
    assert tree is not None
    assert [problem.line for problem in problems] == [1, 2, 3, 4, 6]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null"])
def test_nothing_is_none(text: str) -> None:
    assert tree_of(text).value is None
    assert tree_of(text).keys() is None
