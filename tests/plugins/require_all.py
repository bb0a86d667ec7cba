"""Absent system programs skip their tests by name, and REQUIRE_ALL=1 makes any skip a failure.

A test says ``@pytest.mark.needs("alertmanager", "chromium")`` and asks the ``program`` fixture for the path.
It never looks for a program itself, so that the list of what the suite uses stands here once (and in
``.ci/system-deps``).
"""

import os
import shutil
from collections.abc import Callable, Generator

import pytest

# What a test may need → the names under which systems install it, Debian's first.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "amtool": ("amtool",),
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
}


def find_program(name: str) -> str | None:
    """The path of a program of `PROGRAMS`, or none where it is absent; refuses an unknown name."""
    if name not in PROGRAMS:
        known = ", ".join(sorted(PROGRAMS))
        raise pytest.UsageError(
            f"needs({name!r}): unknown program, tests/plugins/require_all.py knows {known}"
        )
    return next((path for path in map(shutil.which, PROGRAMS[name]) if path), None)


def is_everything_required() -> bool:
    """Whether a skip counts as a failure in this run."""
    return os.environ.get("REQUIRE_ALL", "") not in {"", "0"}


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("amtool")` is its path; skips by name where it is absent."""

    def path_of(name: str) -> str:
        path = find_program(name)
        if path is None:
            pytest.skip(missing_message([name]))
        return path

    return path_of


def missing_message(names: list[str]) -> str:
    """What a skipped test says: which programs are absent, and how they get here."""
    return f"needs {', '.join(names)}: not installed here (make system-deps installs it on Debian)"


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = [name for mark in item.iter_markers("needs") for name in mark.args]
    absent = [name for name in wanted if find_program(name) is None]
    if absent:
        pytest.skip(missing_message(absent))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # An expected failure is reported as skipped as well; it ran, so it stays what it is.
    if report.skipped and is_everything_required() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 and {item.nodeid} was skipped: {reason_of(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and is_everything_required():
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 and {collector.nodeid} was skipped: {reason_of(report.longrepr)}"
    return report


def reason_of(longrepr: object) -> str:
    """The reason within pytest's (path, line, reason) for a skip."""
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
