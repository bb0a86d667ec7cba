"""Which files count, and what happens to those that do not."""

import os
import shutil
from pathlib import Path

import pytest

from incident_bot.config import files
from incident_bot.config.loader import load
from incident_bot.core.errors import BadConfiguration
from tests.config.sets import BASE, NOW, PEOPLE, RUNBOOK, SCHEDULE, problems_of, revision_of, write


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(
        BadConfiguration, match="there is no such directory; name the one that holds rotations/"
    ):
        load(tmp_path / "nowhere", now=NOW)


def test_no_rotations(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"^rotations/:1: .*`incident-bot init DIR` writes a sample"):
        load(tmp_path, now=NOW)


@pytest.mark.parametrize("name", ["people", "teams", "escalation", "routing"])
def test_a_missing_file_is_named_and_nothing_else(name: str, tmp_path: Path) -> None:
    path = f"rotations/{name}.yaml"
    problems = problems_of(tmp_path, {key: text for key, text in BASE.items() if key != path})
    assert [str(problem) for problem in problems] == [
        f"{path}:1: is missing; `incident-bot init DIR` writes a sample of every file"
    ]


def test_the_rest_may_be_missing(tmp_path: Path) -> None:
    texts = {key: text for key, text in BASE.items() if key.startswith("rotations/")}
    revision = revision_of(tmp_path, texts)
    assert revision.runbooks == ()
    assert revision.templates == {}


def test_no_holidays_file_is_no_calendar(tmp_path: Path) -> None:
    texts = {key: text for key, text in BASE.items() if "holidays" not in key}
    says = [str(problem) for problem in problems_of(tmp_path, texts)]
    assert 'rotations/schedules/primary.yaml:3: holidays: unknown calendar "de"' in says
    assert any(
        line.startswith("rotations/routing.yaml:16: hours.business.windows[0]: asks for") for line in says
    )


def test_a_yml_file_is_not_silently_left_out(tmp_path: Path) -> None:
    texts = {key.replace("people.yaml", "people.yml"): text for key, text in BASE.items()}
    texts["rotations/schedules/other.yml"] = SCHEDULE
    says = [str(problem) for problem in problems_of(tmp_path, texts)]
    assert "rotations/people.yaml:1: is missing; rotations/people.yml is there: call it people.yaml" in says
    assert "rotations/schedules/other.yml:1: is not read: the name must end in .yaml" in says


def test_an_unknown_file_is_a_warning(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, {**BASE, "rotations/holiday.yaml": "x: 1"})
    assert str(problem).startswith(
        'rotations/holiday.yaml:1: warning: is not read; did you mean "holidays.yaml"?'
    )


@pytest.mark.parametrize(
    "leftover",
    [
        "rotations/.people.yaml.swp", "rotations/people.yaml~", "rotations/#people.yaml#", "rotations/.#people.yaml",
        "rotations/people.yaml.bak", "rotations/schedules/.x.yaml", "rotations/examples/x.yaml", "rotations/README.md",
        "runbooks/.git/x.md", "runbooks/x.md.orig", "templates/x.j2.tmp", "templates/notes.txt", "other/people.yaml",
    ],
)  # fmt: skip
def test_what_editors_leave_behind_does_not_count(leftover: str, tmp_path: Path) -> None:
    revision = revision_of(tmp_path / "with", {**BASE, leftover: ": ["})
    assert revision.id == revision_of(tmp_path / "without", BASE).id


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    write(tmp_path, BASE)
    (tmp_path / "runbooks/loop").symlink_to(tmp_path / "runbooks", target_is_directory=True)
    (tmp_path / "runbooks/self").symlink_to("self")
    (tmp_path / "runbooks/self.md").symlink_to("self.md")
    says = [str(problem) for problem in problems_of(tmp_path, {})]
    assert says == ["runbooks/self.md:1: is not a file that can be read; a link may lead nowhere"]


def test_links_as_mounted_volumes_have_them_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "real", BASE)
    mounted = tmp_path / "mounted"
    (mounted / "rotations").mkdir(parents=True)
    (mounted / "rotations/..data").symlink_to(tmp_path / "real/rotations", target_is_directory=True)
    for name in ("people", "teams", "escalation", "routing", "holidays"):
        (mounted / f"rotations/{name}.yaml").symlink_to(f"..data/{name}.yaml")
    for name in ("runbooks", "templates", "rotations/schedules"):
        (mounted / name).symlink_to(tmp_path / "real" / name, target_is_directory=True)
    assert load(mounted, now=NOW).id == load(tmp_path / "real", now=NOW).id


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    texts: dict[str, str | bytes] = {
        **BASE,
        "runbooks/a.md": b"one\ntwo\n\xff\n",
        "templates/big.j2": "x" * 1_100_000,
    }
    write(tmp_path, texts)
    os.mkfifo(tmp_path / "runbooks/pipe.md")
    says = [str(problem) for problem in problems_of(tmp_path, {})]
    assert says == [
        "runbooks/a.md:3: is not UTF-8 text; save the file as UTF-8",
        "runbooks/pipe.md:1: is not a file that can be read; a link may lead nowhere",
        "templates/big.j2:1: is larger than 1024 KiB",
    ]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    texts: dict[str, str | bytes] = {**BASE, "rotations/people.yaml": b"\xef\xbb\xbf" + PEOPLE.encode()}
    assert revision_of(tmp_path / "with", texts).id == revision_of(tmp_path / "without", BASE).id


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, {path: text.replace("\n", "\r\n") for path, text in BASE.items()})
    assert revision.problems == ()
    assert revision.runbooks[0].sections["Mitigation"].steps == ("Roll back.", "Tell people.")


def test_a_set_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, BASE)
    genuine = files._read_all
    reads = []

    def interrupted(directory: Path, listing: list[files._Signature]) -> files.Texts | None:
        found = genuine(directory, listing)
        reads.append(1)
        if len(reads) == 1:
            write(tmp_path, {"rotations/people.yaml": PEOPLE.replace("Alice Example", "Alice Changed")})
        return found

    monkeypatch.setattr(files, "_read_all", interrupted)
    assert load(tmp_path, now=NOW).people["alice"].name == "Alice Changed"
    assert len(reads) == 2


def test_a_file_that_vanishes_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {**BASE, "runbooks/gone.md": RUNBOOK})
    genuine = files._decode

    def vanishing(name: str, *rest: object) -> None:
        (tmp_path / "runbooks/gone.md").unlink(missing_ok=True)
        genuine(name, *rest)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(files, "_decode", vanishing)
    assert [book.path for book in load(tmp_path, now=NOW).runbooks] == ["errors.md"]


def test_a_set_that_never_rests_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, BASE)
    monkeypatch.setattr(files, "_read_all", lambda _directory, _listing: None)
    with pytest.raises(BadConfiguration, match="change faster than they can be read"):
        load(tmp_path, now=NOW)


def test_two_files_of_one_schedule(tmp_path: Path) -> None:
    says = [
        str(problem)
        for problem in problems_of(tmp_path, {**BASE, "rotations/schedules/second.yaml": SCHEDULE})
    ]
    assert (
        'rotations/schedules/second.yaml:1: schedule: rotations/schedules/primary.yaml is called "primary" already'
        in says
    )


def test_a_large_set_loads_whole(tmp_path: Path) -> None:
    texts = dict(BASE)
    texts |= {f"rotations/schedules/s{n}.yaml": SCHEDULE.replace("primary", f"s{n}") for n in range(50)}
    texts |= {f"runbooks/b{n}.md": RUNBOOK.replace("HighErrorRate", f"Alert{n}") for n in range(200)}
    write(tmp_path, texts)
    revision = load(tmp_path, now=NOW)
    assert (len(revision.schedules), len(revision.runbooks)) == (51, 201)
    shutil.rmtree(tmp_path)
