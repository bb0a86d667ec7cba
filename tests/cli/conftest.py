"""A directory with the configuration of stories, a migrated SQLite file, and the command line on both."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.command_line import CommandLine
from tests.plugins.databases import _sqlite_template, sqlite_url
from tests.plugins.story_files import documents

__all__ = ["_sqlite_template", "sqlite_url"]


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    """The command line sets up the logging of its process, which here is the process of every test."""
    root = logging.getLogger()
    handlers, level, shape = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**shape)


@pytest.fixture
def bot(
    _logging_as_before: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    sqlite_url: str,
) -> CommandLine:
    """The command line where ana is on call for the team web, and dan for the team data."""
    for name in [name for name in os.environ if name.startswith("INCIDENT_BOT_")]:
        monkeypatch.delenv(name)
    line = CommandLine(monkeypatch, capsys, directory=tmp_path, environ={"DATABASE_URL": sqlite_url})
    line.write(documents())
    return line
