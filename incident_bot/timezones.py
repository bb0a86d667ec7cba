"""The rules of the world's clocks: the newest of the system's and of the `tzdata` package's (R3).

A system that is not kept up to date would have the bot page by clocks that a country has since changed. The choice
is made once, when the package is first imported, before any zone is read.
"""

from __future__ import annotations

import re
import zoneinfo
from pathlib import Path
from typing import Final, NamedTuple

import tzdata

_NAMED: Final = re.compile(r"(?:# version )?([0-9]{4}[a-z]{1,2})\s*")


class Clocks(NamedTuple):
    """Which rules are used."""

    version: str
    """As IANA calls it, such as 2026a; `unknown` where the system does not say."""
    source: str
    """`system` or `package`."""


def newest(folders: tuple[str, ...], packaged: str) -> Clocks:
    """Say which is newer, the rules in the first of these folders that has any, or the packaged ones."""
    system = next((found for folder in folders if (found := _version(Path(folder)))), None)
    return Clocks(system, "system") if system and system >= packaged else Clocks(packaged, "package")


def _version(folder: Path) -> str | None:
    """Give the version of the rules in a folder; None where it has none, or does not say."""
    for name in ("tzdata.zi", "+VERSION"):
        try:
            with (folder / name).open(encoding="ascii", errors="replace") as file:
                found = _NAMED.fullmatch(file.readline(40))
        except OSError:
            continue
        if found:
            return found[1]
    return None


def choose() -> Clocks:
    """Have every zone of this process come from the newest rules, and say which those are."""
    chosen = newest(zoneinfo.TZPATH, tzdata.IANA_VERSION)
    if chosen.source == "package":
        zoneinfo.reset_tzpath(to=())
        zoneinfo.ZoneInfo.clear_cache()
    return chosen


CLOCKS: Final = choose()
"""The rules in use."""
