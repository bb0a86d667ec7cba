"""Every way to get a file wrong that we know: where it is reported, and what it says to do.

The rows stand in `faults.txt` and `oddities.txt`; the line is the one that a person has to go to.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from incident_bot.core.errors import BadConfiguration
from tests.config.sets import BASE, SHORT, changed, problems_of, revision_of, write

HERE: Final = Path(__file__).parent
ESCAPES: Final = {"\\n": "\n", "\\t": "\t", "\\0": "\0"}


class Fault(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    line: int
    says: str


def unescaped(text: str) -> str:
    parts = text.split("\\\\")
    for escape, meant in ESCAPES.items():
        parts = [part.replace(escape, meant) for part in parts]
    return "\\".join(parts)


def rows(table: str) -> Iterator[Fault]:
    file = ""
    for row in (HERE / table).read_text("utf-8").splitlines():
        if row.startswith("== "):
            file = row.removeprefix("== ")
        elif row and not row.startswith("#"):
            name, old, new, line, says = (unescaped(cell) for cell in row.split(" ¦ "))
            whole = BASE[SHORT[file]] if old == "(all)" else old
            yield Fault(name, file, whole, "" if new == "(nothing)" else new, int(line), says)


def table(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(row, id=row.name) for row in rows(name)])


@table("faults.txt")
def test_fault_is_refused_at_its_line(case: Fault, tmp_path: Path) -> None:
    problems = problems_of(tmp_path, changed(case.file, case.old, case.new))
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    place = f"{SHORT[case.file]}:{case.line}: "
    assert any(line.startswith(place) and case.says in line for line in errors), errors


@table("oddities.txt")
def test_oddity_is_a_warning_at_its_line(case: Fault, tmp_path: Path) -> None:
    problems = revision_of(tmp_path, changed(case.file, case.old, case.new)).problems
    lines = [str(problem) for problem in problems]
    place = f"{SHORT[case.file]}:{case.line}: warning: "
    assert any(line.startswith(place) and case.says in line for line in lines), lines


def test_a_schedule_in_a_file_of_another_name_is_a_warning(tmp_path: Path) -> None:
    texts = {path.replace("primary", "first"): text for path, text in BASE.items()}
    (problem,) = revision_of(tmp_path, texts).problems
    assert str(problem) == (
        "rotations/schedules/first.yaml:1: warning: schedule: the file of primary should be called primary.yaml"
    )


def test_the_small_set_has_no_problem(tmp_path: Path) -> None:
    assert problems_of(tmp_path, BASE) == ()


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    texts: Mapping[str, str] = {
        **BASE,
        SHORT["people.yaml"]: BASE[SHORT["people.yaml"]]
        .replace("slack: U", "slak: U")
        .replace("Berlin", "Berln"),
        SHORT["teams.yaml"]: BASE[SHORT["teams.yaml"]]
        .replace("lead: alice", "lead: nobody")
        .replace("primary", "x"),
        SHORT["escalation.yaml"]: BASE[SHORT["escalation.yaml"]]
        .replace("15m", "15")
        .replace("[lead]", "[led]"),
        SHORT["routing.yaml"]: BASE[SHORT["routing.yaml"]].replace("hours: business,", "hours: none,"),
    }
    places = {f"{problem.file.rpartition('/')[2]}:{problem.line}" for problem in problems_of(tmp_path, texts)}
    expected = {
        "people.yaml:4",
        "people.yaml:5",
        "teams.yaml:3",
        "teams.yaml:4",
        "escalation.yaml:5",
        "escalation.yaml:6",
    }
    assert places == {*expected, "routing.yaml:8"}


def test_an_unknown_key_does_not_hide_what_is_wrong_beside_it(tmp_path: Path) -> None:
    texts = changed("escalation.yaml", "repeat: {P1: 3}", "repeats: {P1: 3}")
    texts[SHORT["escalation.yaml"]] = texts[SHORT["escalation.yaml"]].replace("[warning]", "[critical]")
    says = " ".join(str(problem) for problem in problems_of(tmp_path, texts))
    assert "repeats: unknown key" in says
    assert '"critical" names P1 already' in says


def test_a_file_that_is_no_yaml_makes_no_noise_about_the_names_in_it(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, {**BASE, SHORT["people.yaml"]: "people: ["})
    assert [problem.file for problem in problems] == ["rotations/people.yaml"]


@pytest.mark.parametrize("file", ["people.yaml", "teams.yaml", "escalation.yaml", "holidays.yaml"])
def test_a_file_without_its_key_makes_no_noise_about_the_names_in_it(file: str, tmp_path: Path) -> None:
    problems = problems_of(tmp_path, {**BASE, SHORT[file]: "other: 1\n"})
    assert {problem.file for problem in problems} == {SHORT[file]}


def test_a_person_with_a_fault_is_still_known_to_others(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, changed("people.yaml", "Europe/Berlin", "Nowhere/Land"))
    assert [problem.file for problem in problems] == ["rotations/people.yaml"]


@pytest.mark.parametrize("secret", ["me:pa55word@", "t0ken-in-file"])
def test_a_secret_in_a_file_is_not_repeated(secret: str, tmp_path: Path) -> None:
    new = f'api_url: "http://{secret}127.0.0.1"' if "@" in secret else f"token_env: {secret}"
    texts = changed("routing.yaml", 'api_url: "http://127.0.0.1:9093"', new)
    with pytest.raises(BadConfiguration) as refused:
        revision_of(tmp_path, texts)
    assert secret.strip("@") not in str(refused.value)


def test_the_same_key_twice_names_both_lines(tmp_path: Path) -> None:
    write(tmp_path, BASE)
    (tmp_path / "rotations/teams.yaml").write_text("teams:\n  a: {}\n  b: {}\n  a: {}\n", encoding="utf-8")
    says = [str(problem) for problem in problems_of(tmp_path, {})]
    assert "rotations/teams.yaml:4: the key a stands here again; first on line 2" in says
