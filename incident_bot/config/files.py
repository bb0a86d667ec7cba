"""The files of a configuration directory as one consistent set of texts. Finds and reads, judges no content.

Editors and deployments replace files while we read. So the listing is taken before and after, and where it
differs everything is read again. What editors leave lying about is not seen at all.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from incident_bot.config.documents import nearest
from incident_bot.core.errors import BadConfiguration, Problem

BYTES_MOST: Final = 1024 * 1024
CALENDAR_BYTES_MOST: Final = 2 * 1024 * 1024
FILES_MOST: Final = 5000
TRIES_MOST: Final = 5
REQUIRED: Final = ("people.yaml", "teams.yaml", "escalation.yaml", "routing.yaml")
OPTIONAL: Final = (
    "holidays.yaml",
    "oncall.yaml",
    "channels.yaml",
    "slack.yaml",
    "status.yaml",
    "access.yaml",
)
INIT: Final = "`incident-bot init DIR` writes a sample of every file"

_LEFTOVERS: Final = ("~", ".swp", ".swx", ".tmp", ".bak", ".orig", ".rej", "#")
_TREES: Final = {"runbooks": ".md", "templates": ".j2"}
_Signature = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Every file that counts, by its path below the directory, and what is wrong with the others."""

    texts: dict[str, str]
    problems: tuple[Problem, ...]


def read_files(directory: Path) -> Texts:
    """Read one consistent set; raises BadConfiguration where there is none or no two looks agree."""
    if not directory.is_dir():
        raise _nothing(str(directory), "there is no such directory; name the one that holds rotations/")
    if not (directory / "rotations").is_dir():
        raise _nothing("rotations/", f"there is no such directory in {directory.resolve()}; {INIT}")
    for _ in range(TRIES_MOST):
        before = list(_listing(directory))
        found = _read_all(directory, before)
        if found is not None and before == list(_listing(directory)):
            return found
    raise _nothing("rotations/", "the files change faster than they can be read; try again")


def _nothing(file: str, message: str) -> BadConfiguration:
    return BadConfiguration((Problem(file, 1, message),))


def _listing(directory: Path) -> Iterator[_Signature]:
    """Give path, inode, size and times of every file that may count, in a stable order."""
    found: list[_Signature] = []
    rotations = directory / "rotations"
    for path in (*_children(rotations), *_children(rotations / "schedules")):
        if path.suffix in (".yaml", ".yml"):
            found += _signature(directory, path)
    for path in _children(rotations / "calendars"):
        if path.suffix == ".ics":
            found += _signature(directory, path)
    for folder, suffix in _TREES.items():
        for path in _below(directory / folder, frozenset()):
            if path.suffix == suffix:
                found += _signature(directory, path)
    yield from sorted(found)


def _below(folder: Path, seen: frozenset[str]) -> Iterator[Path]:
    # Links to directories are followed, as mounted volumes consist of them; one that leads back up is not.
    real = os.path.realpath(folder)
    if real in seen:
        return
    for path in _children(folder):
        if path.is_dir():
            yield from _below(path, seen | {real})
        else:
            yield path


def _children(folder: Path) -> list[Path]:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
    return [
        folder / name for name in names if not name.startswith((".", "#")) and not name.endswith(_LEFTOVERS)
    ]


def _signature(directory: Path, path: Path) -> list[_Signature]:
    try:
        status = path.stat()
    except OSError:
        # A dangling link, or gone since the listing: reading it says which.
        return [(path.relative_to(directory).as_posix(), 0, -1, 0, 0)] if path.is_symlink() else []
    if stat.S_ISDIR(status.st_mode):
        return []
    regular = stat.S_ISREG(status.st_mode)
    size = status.st_size if regular else -1
    return [
        (path.relative_to(directory).as_posix(), status.st_ino, size, status.st_mtime_ns, status.st_ctime_ns)
    ]


def _read_all(directory: Path, listing: list[_Signature]) -> Texts | None:
    """Read everything listed; None where something is gone by now."""
    texts: dict[str, str] = {}
    problems = _missing(listing)
    if len(listing) > FILES_MOST:
        raise _nothing("rotations/", f"more than {FILES_MOST} files; is this the right directory?")
    for name, _inode, size, *_times in listing:
        problem = _misnamed(name)
        if problem is not None:
            problems.append(problem)
        elif size < 0:
            problems.append(Problem(name, 1, "is not a file that can be read; a link may lead nowhere"))
        elif size > _most(name):
            problems.append(Problem(name, 1, f"is larger than {_most(name) // 1024} KiB"))
        else:
            try:
                data = (directory / name).read_bytes()
            except FileNotFoundError:
                return None
            except OSError as error:
                problems.append(Problem(name, 1, f"cannot be read: {error.strerror}"))
                continue
            _decode(name, data, texts, problems)
    return Texts(texts=texts, problems=tuple(problems))


def _most(name: str) -> int:
    return CALENDAR_BYTES_MOST if name.endswith(".ics") else BYTES_MOST


def _decode(name: str, data: bytes, texts: dict[str, str], problems: list[Problem]) -> None:
    try:
        texts[name] = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(name, line, "is not UTF-8 text; save the file as UTF-8"))


def _missing(listing: list[_Signature]) -> list[Problem]:
    there = {signature[0] for signature in listing}
    problems = []
    for name in REQUIRED:
        path = f"rotations/{name}"
        if path not in there:
            other = path.replace(".yaml", ".yml")
            advice = f"{other} is there: call it {name}" if other in there else INIT
            problems.append(Problem(path, 1, f"is missing; {advice}"))
    return problems


def _misnamed(name: str) -> Problem | None:
    """Refuse a file that nothing would read: a rotation in it would silently not count."""
    folder, _, file = name.rpartition("/")
    if file.endswith(".yml"):
        if file.replace(".yml", ".yaml") in REQUIRED and folder == "rotations":
            return Problem(name, 1, "is not read: the name must end in .yaml", "warning")
        return Problem(name, 1, "is not read: the name must end in .yaml")
    if folder == "rotations" and file not in (*REQUIRED, *OPTIONAL):
        hint = nearest(file, (*REQUIRED, *OPTIONAL))
        message = f"is not read{hint}; schedules stand in rotations/schedules/"
        return Problem(name, 1, message, "warning")
    return None
