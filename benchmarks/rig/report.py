"""What every benchmark prints: one JSON object on standard output; a table and its progress on standard error."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from statistics import median

PACKAGES = ("incident-bot", "uvicorn", "httptools", "sqlalchemy", "psycopg", "fastapi")
OPTIONAL = ("uvloop",)


def versions() -> dict[str, str]:
    """What was measured, and on what."""
    found = {name: version(name) for name in PACKAGES}
    for name in OPTIONAL:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            found[name] = "absent"
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(len(os.sched_getaffinity(0))),
        **found,
    }


def progress(text: str) -> None:
    """Say what is being done."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people."""
    texts = [list(heads), *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(heads))]
    for row in texts:
        progress("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return str(value)


def emit(result: Mapping[str, object]) -> None:
    """Print the one JSON object."""
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def middle(values: Iterable[float], digits: int = 2) -> float:
    """The median, rounded."""
    return round(median(values), digits)
