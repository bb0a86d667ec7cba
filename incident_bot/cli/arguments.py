"""Reads what stands on the command line; a wrong word raises with what to write instead."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import typer

from incident_bot.clock import SystemClock
from incident_bot.core.errors import Refused
from incident_bot.core.walltime import parse_instant, zone


def number(name: str) -> int:
    """Give the number of `INC-42` or `42`; raises Refused."""
    digits = name.strip().upper().removeprefix("INC-")
    if not digits.isdecimal() or len(digits) > 9:  # noqa: PLR2004 -- beyond any incident's number
        message = f"{name!r} is no incident; write INC-42 or 42"
        raise Refused(message)
    return int(digits)


def instant(text: str | None) -> datetime:
    """Read an instant or a date, in UTC where it has no zone; now where there is none."""
    if text is None:
        return SystemClock().now()
    try:
        return parse_instant(text if "T" in text else f"{text}T00:00", zone("UTC"))
    except ValueError as error:
        message = f"{text!r} is no instant; write 2026-11-21T03:00:00Z"
        raise Refused(message) from error


def labels(words: list[str]) -> dict[str, str]:
    """Read `name=value` words."""
    labels: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            message = f"{word!r} is no label; write name=value"
            raise typer.BadParameter(message)
        labels[name] = value
    return labels


def body(name: str) -> object:
    """Decode the JSON of a file, or of standard input where its name is `-`; raises Refused."""
    try:
        return json.loads(sys.stdin.buffer.read() if name == "-" else read(Path(name)))
    except (ValueError, RecursionError) as error:
        message = f"{'standard input' if name == '-' else name} is not JSON"
        raise Refused(message) from error


def read(path: Path) -> str:
    """Give a file's text; raises Refused where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise Refused(message) from error


def write(path: Path, text: str) -> None:
    """Write a file; raises Refused where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise Refused(message) from error
