"""The command line in a test's hand: `main` itself, with its words, its environment and what it said."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from incident_bot.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """How one call ended, and what it printed where."""

    status: int
    out: str
    err: str


class CommandLine:
    """Calls `main` as a shell would; the process and its environment are this test's own."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        *,
        directory: Path,
        environ: Mapping[str, str],
    ) -> None:
        """Take the working directory and every variable that starts with INCIDENT_BOT_."""
        self.directory = directory
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(directory)
        self.set(environ)

    def set(self, environ: Mapping[str, str]) -> None:
        """Set more of the environment."""
        for name, value in environ.items():
            self._monkeypatch.setenv(f"INCIDENT_BOT_{name}", value)

    def write(self, files: Mapping[str, str]) -> None:
        """Put configuration files into the directory."""
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def __call__(self, *words: str, stdin: bytes = b"") -> Said:
        """Call with these words."""
        self._capsys.readouterr()
        status: object = 0
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["incident-bot", *words])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            try:
                main()
            except SystemExit as end:
                status = end.code or 0
        assert isinstance(status, int)
        printed = self._capsys.readouterr()
        return Said(status, printed.out, printed.err)

    def ok(self, *words: str, stdin: bytes = b"") -> str:
        """Call; it must go well and say nothing on standard error. Gives what it printed."""
        said = self(*words, stdin=stdin)
        assert (said.status, said.err) == (0, ""), said
        return said.out

    def refused(self, *words: str, stdin: bytes = b"") -> str:
        """Call; it must be refused with one line on standard error and nothing else. Gives that line."""
        said = self(*words, stdin=stdin)
        assert (said.status, said.out) == (1, ""), said
        (line,) = said.err.splitlines()
        assert line.startswith("incident-bot: "), line
        return line.removeprefix("incident-bot: ")

    def misused(self, *words: str) -> str:
        """Call; it must end as wrong usage. Gives what standard error says."""
        said = self(*words)
        assert (said.status, said.out) == (2, ""), said
        assert "--help" in said.err
        return said.err
