"""What ships and how it is run: the Makefile explains itself, the image is linted, the locks are complete."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROMISED = {
    "setup", "run", "demo", "test", "check", "format", "lint", "types", "contracts",
    "coverage", "system-deps", "lock", "bench", "clean",
}  # fmt: skip


def normal(name: str) -> str:
    """A project name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(name: str) -> set[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return {normal(found) for found in re.findall(r"(?m)^([A-Za-z0-9._-]+)==", text)}


def names_in(requirements: list[Any]) -> set[str]:
    texts = [requirement for requirement in requirements if isinstance(requirement, str)]
    return {normal(re.split(r"[\[<>=!~; ]", text, maxsplit=1)[0]) for text in texts}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_make_help_lists_every_target() -> None:
    targets = set(re.findall(r"(?m)^\.PHONY: (.*)$", MAKEFILE)[0].split())
    listed = set(re.findall(r"(?m)^  make ([a-z-]+) ", run("make", "help").stdout))
    assert targets >= PROMISED
    assert listed == targets


def test_help_is_the_default_target() -> None:
    assert run("make").stdout == run("make", "help").stdout


def test_hadolint_has_nothing_to_say_about_the_dockerfile() -> None:
    hadolint = BIN / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint: not in this environment (make setup installs it)")
    result = run(hadolint, "Dockerfile")
    assert result.returncode == 0, result.stdout


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    users = re.findall(r"(?m)^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert users
    assert all(int(user) > 0 and int(group) > 0 for user, group in users)


def test_compose_follows_its_specification() -> None:
    result = run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_compose_asks_for_every_secret_of_the_example() -> None:
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    example = re.findall(r"(?m)^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"))
    required = set(re.findall(r"\$\{([A-Z_]+):\?", compose))
    assert required == {"INCIDENT_BOT_INGEST_TOKEN", "INCIDENT_BOT_API_TOKEN", "POSTGRES_PASSWORD"}
    assert set(re.findall(r"\$\{([A-Z_]+)", compose)) == set(example)


@pytest.mark.parametrize(
    "lock, parts",
    [
        ("requirements.lock", ("dependencies", "extras", "build", "dev")),
        ("requirements-runtime.lock", ("dependencies", "extras")),
        ("requirements-build.lock", ("build",)),
    ],
)
def test_the_lock_has_everything_that_the_project_asks_for(lock: str, parts: tuple[str, ...]) -> None:
    data = project()
    asked: dict[str, list[Any]] = {
        "dependencies": data["project"]["dependencies"],
        "extras": [text for texts in data["project"]["optional-dependencies"].values() for text in texts],
        "build": data["dependency-groups"]["build"],
        "dev": data["dependency-groups"]["dev"],
    }
    missing = {name for part in parts for name in names_in(asked[part])} - locked(lock)
    assert not missing, f"make lock: {lock} lacks {sorted(missing)}"


def test_the_image_carries_no_test_tools() -> None:
    assert not locked("requirements-runtime.lock") & {
        "pytest",
        "mypy",
        "ruff",
        "hypothesis",
        "playwright",
        "hatchling",
    }


def test_the_wheel_takes_the_samples_from_the_root() -> None:
    wheel = project()["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["only-include"]) == {"incident_bot", *wheel["sources"]}
    assert wheel["sources"] == {
        name: f"incident_bot/samples/{name}" for name in ("runbooks", "rotations", "templates")
    }
    for name in wheel["only-include"]:
        assert (ROOT / name).is_dir()
