"""What an importer gives back, and what it is: values only, shared by every source of schedules.

An importer turns the export of another system into files of `rotations/`. It either says a thing exactly in our
format or says in a note that it did not: nothing is dropped in silence. It never asks a network, a clock or a
disk; the text and the time are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from incident_bot.core.errors import Unreadable

SCHEDULES: Final = "rotations/schedules/"
"""Where the written files belong, from the top of a configuration directory."""


class BadExport(Unreadable):
    """The text is not an export of this kind; names the first wrong place and what to export instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that the source says and the files do not say, or not in the same way."""

    where: str
    """The schedule, and the layer, shift or override in it, by the names that the source gives them."""
    what: str
    """What cannot be said, what was written instead, and what to do."""

    def __str__(self) -> str:
        """Give `where: what`."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """People who the source says are on call in `[start, end)`; stretches may overlap."""

    start: datetime
    end: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Who is on call according to the source itself, for the span that its export covers."""

    start: datetime
    end: datetime
    stretches: tuple[Stretch, ...]
    """In any order; where the span has none, the source says that nobody is on call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What one export becomes."""

    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Path below the configuration directory to the text of the file."""
    people: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """Person id to a proposed entry of `rotations/people.yaml`: everybody whom the files name."""
    notes: tuple[Note, ...] = ()
    rendered: Mapping[str, Rendered] = field(default_factory=lambda: MappingProxyType({}))
    """Name of a written schedule to what the source says about it, where it says so."""


class Reader(Protocol):
    """The work of one importer."""

    def __call__(self, text: str, *, now: datetime, known: Mapping[str, str]) -> Imported:
        """Give what the export says from `now` on; BadExport where it is not one.

        `known` maps e-mail addresses, in lower case, to ids of people who are in `people.yaml` already.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One source of schedules."""

    kind: str
    """The word for it on the command line."""
    title: str
    """Its name as people write it."""
    read: Reader


def registry(*formats: Format) -> Mapping[str, Format]:
    """Give the formats by kind; ValueError where two have the same."""
    found: dict[str, Format] = {}
    for each in formats:
        if each.kind in found:
            raise ValueError(f"two importers are called {each.kind}")
        found[each.kind] = each
    return MappingProxyType(found)


Say = Callable[[str, str], None]
"""Takes a note: where, what."""
