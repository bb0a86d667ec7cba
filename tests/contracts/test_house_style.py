"""The house style, as far as a program can measure it: sizes, names, docstrings, fences, lock files."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "incident_bot"
MODULES = sorted(PACKAGE.rglob("*.py"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
# The aim is one line of test per line of source; below this it is no longer an aim.
LEAST_TEST_RATIO = 0.8
VAGUE_NAMES = {"common", "helper", "helpers", "manager", "misc", "service", "services", "util", "utils"}

# Where `except Exception` may stand: there, one bad row, request or delivery must not end the process.
FENCES = {
    "incident_bot/flow/worker.py",  # the worker loop
    "incident_bot/flow/deliver.py",  # the worker's outbox: one bad row or notifier must not stop the others
    "incident_bot/entrypoints/frame.py",  # the HTTP edge
    "incident_bot/entrypoints/ingest.py",  # intake: the door
    "incident_bot/entrypoints/slack/work.py",  # Slack's door: whoever pressed gets an answer
    "incident_bot/flow/postmortems/work.py",  # the worker's papers: one draft must not keep the others from theirs
    "incident_bot/flow/intake.py",  # intake: the writer, and one delivery within its batch
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def lines_of(paths: list[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def is_migration(path: Path) -> bool:
    return "migrations" in path.parts


def public_definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """Public classes and functions with their dotted names; methods too, but nothing within a function."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_") or is_overload(node):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body, f"{prefix}{node.name}.")


def is_overload(node: Documented) -> bool:
    return any(
        ast.unparse(decorator).endswith(("overload", "override", ".setter"))
        for decorator in node.decorator_list
    )


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it swallows whatever comes; one that ends in `raise` only adds to what happened."""
    if isinstance(handler.body[-1], ast.Raise):
        return False
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"} for kind in kinds)


def test_modules_are_short_enough_to_read() -> None:
    long = {name_of(path): size for path in MODULES if (size := lines_of([path])) > MAX_MODULE_LINES}
    assert not long, f"split by responsibility into a package of the same name: {long}"


def test_functions_are_short_enough_to_read() -> None:
    long = {
        f"{name_of(path)}:{node.lineno} {node.name}": size
        for path in MODULES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
        and not is_migration(path)
    }
    assert not long, f"functions of more than {MAX_FUNCTION_LINES} lines: {long}"


def test_everything_public_has_a_docstring() -> None:
    bare = [
        f"{name_of(path)}:{node.lineno} {name}"
        for path in MODULES
        if not is_migration(path)
        for name, node in public_definitions(parse(path).body)
        if not ast.get_docstring(node)
    ]
    bare += [name_of(path) for path in MODULES if not ast.get_docstring(parse(path))]
    assert not bare, "one sentence each, saying what is guaranteed: " + ", ".join(bare)


def test_names_of_modules_say_what_they_do() -> None:
    vague = [name_of(path) for path in MODULES if VAGUE_NAMES & {path.stem, path.parent.name}]
    assert not vague, f"name them after what they decide or do: {vague}"


def catch_alls_in(path: Path) -> list[ast.ExceptHandler]:
    handlers = [node for node in ast.walk(parse(path)) if isinstance(node, ast.ExceptHandler)]
    return [handler for handler in handlers if catches_everything(handler)]


def test_catch_alls_stand_only_at_the_fences() -> None:
    strays = [
        f"{name_of(path)}:{handler.lineno}"
        for path in MODULES
        if name_of(path) not in FENCES
        for handler in catch_alls_in(path)
    ]
    assert not strays, f"catch what can happen, or let it reach a fence: {strays}"


def test_every_fence_logs_what_it_caught() -> None:
    silent = [
        f"{name_of(path)}:{handler.lineno}"
        for path in MODULES
        for handler in catch_alls_in(path)
        if "log.exception(" not in ast.unparse(handler)
    ]
    assert not silent, f"log the exception with what it concerns: {silent}"


START_QUICKLY = {
    "incident_bot/bootstrap.py", "incident_bot/cli/__init__.py", "incident_bot/store/schema.py",
}  # fmt: skip
"""Whoever asks who is on call does not wait for the imports of a web server, or of migrations that are done."""


def test_imports_stand_at_the_top() -> None:
    inner = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        if name_of(path) not in START_QUICKLY
        for function in ast.walk(parse(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inner, f"a function-level import hides who needs whom: {inner}"


@pytest.mark.parametrize("path", LOCKS, ids=name_of)
def test_locks_name_versions_and_hashes_but_no_places(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"(?m)^\s*(--(extra-)?index[-]url|--find-links|-i|-f)\b", text)
    assert " @ " not in text
    requirements = [line for line in text.replace("\\\n", " ").splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert requirements
    unpinned = [line.split()[0] for line in requirements if "==" not in line or "--hash=sha256:" not in line]
    assert not unpinned


def test_the_lock_of_the_resolver_stays_out_of_git() -> None:
    answer = subprocess.run(["git", "check-ignore", "--quiet", "uv.lock"], cwd=ROOT, check=False)
    if answer.returncode == 128:  # A source tree without its repository, for instance an unpacked archive.
        assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    else:
        assert answer.returncode == 0


def test_there_is_about_as_much_test_as_source() -> None:
    source = lines_of(MODULES)
    tests = lines_of(sorted((ROOT / "tests").rglob("*.py")))
    ratio = tests / source
    print(f"{tests} lines of tests to {source} lines of source: {ratio:.2f}")  # noqa: T201 - shown with `pytest -rP`
    assert ratio >= LEAST_TEST_RATIO, f"{tests} lines of tests to {source} lines of source"
