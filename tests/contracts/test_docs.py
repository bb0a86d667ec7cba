"""The reference cannot rot: every setting, command, metric and route is named in docs/reference/."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs/reference"


@pytest.fixture(scope="module")
def reference() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md")))


@pytest.fixture(scope="module")
def openapi(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the wired application says about its routes, on an empty database and the sample configuration."""
    database = tmp_path_factory.mktemp("docs") / "docs.db"
    settings = importlib.import_module("incident_bot.config.settings").Settings.load(
        {"INCIDENT_BOT_DATABASE_URL": f"sqlite:///{database}", "INCIDENT_BOT_CONFIG_DIR": str(ROOT)}
    )
    application = importlib.import_module("incident_bot.bootstrap").build(settings)
    try:
        document: dict[str, Any] = application.app.openapi()
        return document
    finally:
        application.close()


def is_named(name: str, text: str) -> bool:
    """Whether `text` has this name as a whole, not as the beginning or end of another one."""
    return re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w/-])", text) is not None


def setting_names(module: Any) -> Iterator[str]:
    """The environment variables behind the fields of the settings."""
    yield from map(module.variable, module.Settings.model_fields)


def commands_of(group: Any, prefix: str = "") -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        yield f"{prefix}{name}"
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{prefix}{name} ")


def routes_in(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method in operations:
            if method in {"get", "post", "put", "patch", "delete"}:
                yield f"{method.upper()} {path}"


@pytest.mark.parametrize("page", ["cli", "commands", "environment", "http", "metrics"])
def test_nothing_is_said_twice_in_one_table(page: str) -> None:
    """Two rows of one name contradict each other sooner or later."""
    text = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        # A page that is read and sent to has a row for each.
        names = re.findall(r"^\| (`[^|]*?` \|(?: (?:GET|POST) \|)?)", table, re.MULTILINE)
        twice = {name for name in names if names.count(name) > 1}
        assert not twice, f"{page}.md has two rows of {sorted(twice)}"


def test_every_setting_is_documented(reference: str) -> None:
    module = importlib.import_module("incident_bot.config.settings")
    missing = [name for name in setting_names(module) if not is_named(name, reference)]
    assert not missing, f"docs/reference/environment.md does not name {missing}"


def test_every_command_is_documented(reference: str) -> None:
    get_command = importlib.import_module("typer.main").get_command
    app = importlib.import_module("incident_bot.cli").app
    missing = [
        name for name in commands_of(get_command(app)) if not is_named(f"incident-bot {name}", reference)
    ]
    assert not missing, f"docs/reference/ does not name the commands {missing}"


def test_every_metric_is_documented(reference: str) -> None:
    metrics = importlib.import_module("incident_bot.telemetry").METRICS
    missing = [name for name in metrics if not is_named(name, reference)]
    assert not missing, f"docs/reference/ does not name the metrics {missing}"


def test_every_route_is_documented(reference: str, openapi: dict[str, Any]) -> None:
    missing = [route for route in routes_in(openapi) if not is_named(route, reference)]
    assert not missing, f"docs/reference/http.md does not name {missing}"


def test_no_route_is_documented_that_does_not_exist(openapi: dict[str, Any]) -> None:
    written = re.findall(r"(?m)^\| `([A-Z]+ /[^`]*)`", (REFERENCE / "http.md").read_text(encoding="utf-8"))
    phantoms = set(written) - set(routes_in(openapi))
    assert written
    assert not phantoms, f"docs/reference/http.md promises {sorted(phantoms)}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    app = importlib.import_module("incident_bot.cli").app
    known = set(commands_of(importlib.import_module("typer.main").get_command(app)))
    written = re.findall(
        r"(?m)^\| `incident-bot ([a-z -]+)", (REFERENCE / "cli.md").read_text(encoding="utf-8")
    )
    phantoms = {name.strip() for name in written} - known
    assert written
    assert not phantoms, f"docs/reference/cli.md promises {sorted(phantoms)}"


def test_no_setting_is_documented_that_does_not_exist() -> None:
    module = importlib.import_module("incident_bot.config.settings")
    written = re.findall(r"(?m)^\| `([A-Z_]+)`", (REFERENCE / "environment.md").read_text(encoding="utf-8"))
    assert set(written) == set(setting_names(module))
