"""Foreign JSON, read so that the first wrong thing is named by its path and nothing worse can happen.

A `Node` is a value with the place where it stands. Every question that it cannot answer raises BadExport with
that place. Numbers and dates are bounded, texts are made printable, so that later arithmetic cannot fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

from incident_bot.core.walltime import zone
from incident_bot.importers.base import BadExport

SIZE_MOST: Final = 32_000_000
"""Characters of an export; a year of shifts of a hundred schedules is far below."""
ITEMS_MOST: Final = 20_000
TEXT_MOST: Final = 500
_FIRST_YEAR: Final = 1990
_LAST_YEAR: Final = 2200
_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the export and its place: `$.schedule.schedule_layers[2].users`."""

    value: object
    path: str = "$"
    instead: str = ""
    """What to export, added to every error."""

    def fail(self, reason: str) -> NoReturn:
        """Raise BadExport about this place."""
        raise BadExport(self.path, f"{reason}; {self.instead}" if self.instead else reason)

    def __contains__(self, key: str) -> bool:
        """Say whether this is an object in which the key has a value other than null."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def at(self, key: str) -> Node:
        """Give the value of a key, a missing one being null; the place must be an object."""
        if not isinstance(self.value, dict):
            self.fail(f"must be an object with {key}, not {_kind(self.value)}")
        return Node(self.value.get(key), f"{self.path}.{key}", self.instead)

    def items(self) -> Iterator[Node]:
        """Give the items of a list."""
        if not isinstance(self.value, list):
            self.fail(f"must be a list, not {_kind(self.value)}")
        if len(self.value) > ITEMS_MOST:
            self.fail(f"has {len(self.value)} items; more than {ITEMS_MOST} are not read")
        for number, item in enumerate(self.value):
            yield Node(item, f"{self.path}[{number}]", self.instead)

    def listed(self, key: str) -> list[Node]:
        """Give the items of the list of a key; none where it is missing."""
        return list(self.at(key).items()) if key in self else []

    def text(self) -> str:
        """Give a text, on one printable line, not empty."""
        if not isinstance(self.value, str):
            self.fail(f"must be text, not {_kind(self.value)}")
        line = printable(self.value)
        if not line:
            self.fail("is empty")
        return line

    def optional_text(self, key: str) -> str:
        """Give the text of a key; an empty one where it is missing or blank."""
        found = self.at(key)
        if found.value is None or (isinstance(found.value, str) and not printable(found.value)):
            return ""
        return found.text()

    def id(self) -> str:
        """Give an identifier: a text, or a whole number as text."""
        return str(self.whole(0, 2**63)) if isinstance(self.value, int) else self.text()

    def whole(self, least: int, most: int) -> int:
        """Give a whole number within the bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fail(f"must be a whole number, not {_kind(self.value)}")
        if not least <= self.value <= most:
            self.fail(f"must be {least} to {most}")
        return self.value

    def optional_whole(self, key: str, least: int, most: int, default: int) -> int:
        """Give the whole number of a key, or the default where it is missing."""
        return self.at(key).whole(least, most) if key in self else default

    def flag(self, key: str, *, default: bool) -> bool:
        """Give the truth value of a key, or the default where it is missing."""
        found = self.at(key)
        if found.value is None:
            return default
        if not isinstance(found.value, bool):
            found.fail(f"must be true or false, not {_kind(found.value)}")
        return found.value

    def word(self, *allowed: str) -> str:
        """Give a text that is one of these words."""
        found = self.text()
        if found not in allowed:
            self.fail(f"is {found!r}; known are {', '.join(allowed)}")
        return found

    def instant(self) -> datetime:
        """Give an instant in UTC; a time without an offset is refused."""
        moment = self._moment()
        if moment.tzinfo is None:
            self.fail("has no offset; an instant ends in Z or in an offset such as +02:00")
        return moment.astimezone(UTC)

    def optional_instant(self, key: str) -> datetime | None:
        """Give the instant of a key; None where it is missing."""
        return self.at(key).instant() if key in self else None

    def local(self) -> datetime:
        """Give a local time as it is written, whatever offset stands behind it."""
        return self._moment().replace(tzinfo=None)

    def _moment(self) -> datetime:
        written = self.text()
        found = _MOMENT.fullmatch(written)
        if found is None:
            self.fail(f"{written[:40]!r} is not a date with a time such as 2026-01-05T09:00:00Z")
        try:
            moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ''}{found[5] or ''}")
        except ValueError as error:
            self.fail(f"{written!r} is no date of the calendar ({error})")
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            self.fail(f"{written!r} is out of range; known are the years {_FIRST_YEAR} to {_LAST_YEAR}")
        return moment

    def clock(self) -> timedelta:
        """Give a time of day, `09:00` or `09:00:00`, as the time since midnight."""
        written = self.text()
        found = re.fullmatch(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?:\.0+)?Z?", written)
        if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:  # noqa: PLR2004 -- a clock
            self.fail(f"{written[:40]!r} is not a time of day such as 09:00:00")
        return timedelta(hours=int(found[1]), minutes=int(found[2]), seconds=int(found[3] or 0))

    def zone(self) -> str:
        """Give the name of a time zone that a schedule may have."""
        name = self.text()
        try:
            zone(name)
        except ValueError as error:
            self.fail(str(error))
        return name


def documents(text: str, *, instead: str) -> list[Node]:
    """Give the JSON values of a text: one, or several that stand one after another, as curl appends them.

    BadExport where it is not JSON, or nothing, or far too much.
    """
    if len(text) > SIZE_MOST:
        raise BadExport("$", f"is larger than {SIZE_MOST} characters; {instead}")
    text = text.removeprefix("\ufeff")
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    found: list[object] = []
    position = 0
    try:
        while (position := _skip(text, position)) < len(text):
            value, position = decoder.raw_decode(text, position)
            found.append(value)
            if len(found) > ITEMS_MOST:
                raise BadExport("$", f"holds more than {ITEMS_MOST} answers; {instead}")
    except RecursionError:
        raise BadExport("$", f"is nested far too deep; {instead}") from None
    except ValueError as error:
        raise BadExport("$", f"is not JSON ({printable(str(error))}); {instead}") from None
    if not found:
        raise BadExport("$", f"is empty; {instead}")
    if len(found) == 1:
        return [Node(found[0], "$", instead)]
    return [Node(value, f"$ (answer {number})", instead) for number, value in enumerate(found, 1)]


def printable(text: str) -> str:
    """Give a text on one line of bounded length without anything that a terminal or YAML would act on."""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * TEXT_MOST])
    return " ".join(line.split())[:TEXT_MOST].strip()


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "a list", str: "text", int: "a number", float: "a number"}
    return names.get(type(value), "something else")
