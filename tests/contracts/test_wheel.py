"""The wheel has everything it needs at run time, and what is installed from it works far from the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from incident_bot import __version__

pytestmark = pytest.mark.xdist_group("wheel")

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ("rotations", "runbooks", "templates")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


def run(*command: str | Path, cwd: Path, python_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    path = {} if python_path is None else {"PYTHONPATH": str(python_path)}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**kept, **path, "PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"},
        capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the repository as it stands."""
    directory = tmp_path_factory.mktemp("wheel")
    built = run(
        *PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", directory, ROOT, cwd=directory
    )
    assert built.returncode == 0, built.stderr
    (found,) = directory.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Every file of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of packages with the wheel in it; what it depends on comes from this environment."""
    target = tmp_path_factory.mktemp("installed") / "packages"
    done = run(*PIP, "install", "--no-deps", "--target", target, wheel, cwd=wheel.parent)
    assert done.returncode == 0, done.stderr
    return target


def files_below(directory: Path) -> set[str]:
    return {
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_it_is_named_after_the_version(wheel: Path) -> None:
    assert wheel.name == f"incident_bot-{__version__}-py3-none-any.whl"


def test_every_file_of_the_package_is_in_it(names: set[str]) -> None:
    package = {f"incident_bot/{name}" for name in files_below(ROOT / "incident_bot")}
    assert not package - names, "pyproject.toml leaves them out"


@pytest.mark.parametrize("part", SAMPLES)
def test_the_samples_are_in_it(part: str, names: set[str]) -> None:
    assert {f"incident_bot/samples/{part}/{name}" for name in files_below(ROOT / part)} <= names


@pytest.mark.parametrize(
    "kind",
    [
        r"incident_bot/recorded/.+\.json",
        r"incident_bot/store/migrations/versions/0001_.+\.py",
        r"incident_bot/render/builtin/.+\.j2",
        r"incident_bot/.+\.html(\.j2)?",
        r"incident_bot/.*static/.+\.css",
        r"incident_bot/.*static/.+\.js",
        r"incident_bot-.+\.dist-info/licenses/LICENSE",
    ],
)
def test_what_python_does_not_import_is_in_it_too(kind: str, names: set[str]) -> None:
    assert [name for name in names if re.fullmatch(kind, name)]


def test_nothing_else_is_in_it(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"incident_bot", f"incident_bot-{__version__}.dist-info"}
    assert not [name for name in names if re.search(r"(^|/)tests?/|__pycache__|\.(pyc|db|env|log)$", name)]


def test_it_works_far_from_the_repository(installed: Path, tmp_path: Path) -> None:
    def call(*words: str | Path) -> str:
        ended = run(*words, cwd=tmp_path, python_path=installed)
        assert (ended.returncode, ended.stderr) == (0, ""), ended
        return ended.stdout

    where = call(sys.executable, "-c", "import incident_bot; print(incident_bot.__file__)")
    assert Path(where.strip()) == installed / "incident_bot/__init__.py"
    assert "next: incident-bot check mine" in call(installed / "bin/incident-bot", "init", "mine")
    assert files_below(tmp_path / "mine") == {
        f"{part}/{name}" for part in SAMPLES for name in files_below(ROOT / part)
    }
    assert "ok: revision" in call(sys.executable, "-m", "incident_bot", "check", "mine")
