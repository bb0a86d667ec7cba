"""The schedules of a configuration that was in force, from its documents as they were stored (R15).

What was accepted once is read leniently: a schedule that this release can no longer read is named and left out,
and whatever else was in the set is not looked at.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, Generic, TypeVar

from incident_bot.config.calendars import Feeds
from incident_bot.config.documents import Names, Shape, read
from incident_bot.config.holidays import HolidaysShape, build_calendars
from incident_bot.config.loader import ESCALATION, HOLIDAYS, PEOPLE, ROUTING, SCHEDULES, TEAMS
from incident_bot.config.people import PeopleShape, build_people
from incident_bot.config.schedules import ScheduleShape, build_schedule, schedule_name
from incident_bot.config.tree import Tree, parse
from incident_bot.core.errors import Problem
from incident_bot.core.model import Person
from incident_bot.core.oncall import Schedule

FILES_KEPT: Final = 1000
SETS_KEPT: Final = 500

ShapeT = TypeVar("ShapeT", bound=Shape)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rosters:
    """Every schedule of one configuration, and whom no override could put on call under it (R13)."""

    schedules: Mapping[str, Schedule]
    inactive: frozenset[str] = frozenset()
    people: frozenset[str] | None = None
    """Everybody of people.yaml; None where nobody can be told from a typing error."""
    unreadable: frozenset[str] = frozenset()
    """Schedules that were there, and that this release cannot read."""


class RosterReader:
    """Reads stored documents, each text once; safe to share between threads. What it remembers is bounded."""

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._lock = threading.Lock()
        self._sets: _Memory[Rosters] = _Memory(SETS_KEPT)
        self._files: _Memory[tuple[str, Schedule | None]] = _Memory(FILES_KEPT)
        self._people: _Memory[_People] = _Memory(SETS_KEPT)

    def known(self, digest: str, since: datetime) -> Rosters | None:
        """Give the schedules of the configuration with this digest, active since then, where they are remembered."""
        with self._lock:
            return self._sets.get((digest, _month(since)))

    def read(self, digest: str, documents: Mapping[str, str], since: datetime) -> Rosters:
        """Give the schedules of the configuration with this digest, whose documents are these.

        Calendars are counted out around `since`, when it became active.
        """
        with self._lock:
            return self._sets.found((digest, _month(since)), lambda: self._read(documents, since))

    def _read(self, documents: Mapping[str, str], since: datetime) -> Rosters:
        people_text, days_text = documents.get(PEOPLE, ""), documents.get(HOLIDAYS, "")
        people = self._people.found(_digest(people_text), partial(_read_people, people_text))
        around = _digest(
            *(text for path in sorted(filter(_matters, documents)) for text in (path, documents[path]))
        )
        found: dict[str, Schedule | None] = {}
        for path, text in sorted(documents.items()):
            if path.startswith(SCHEDULES):
                key = _digest(path, text, around, _month(since) if _moves(documents) else "")
                feeds = Feeds(texts=documents, people=people.known, now=since)
                name, schedule = self._files.found(
                    key, partial(_read_schedule, path, text, days_text, people, feeds)
                )
                found[name] = schedule
        return Rosters(
            schedules={name: schedule for name, schedule in found.items() if schedule is not None},
            inactive=people.inactive,
            people=people.names,
            unreadable=frozenset(name for name, schedule in found.items() if schedule is None),
        )


@dataclass(slots=True)
class _Memory(Generic[ValueT]):
    """The values asked for last, at most so many."""

    most: int
    _kept: OrderedDict[Hashable, ValueT] = field(default_factory=OrderedDict)

    def get(self, key: Hashable) -> ValueT | None:
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def found(self, key: Hashable, make: Callable[[], ValueT]) -> ValueT:
        known = self.get(key)
        if known is None:
            known = self._kept[key] = make()
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return known


@dataclass(frozen=True, slots=True)
class _People:
    names: frozenset[str] | None
    inactive: frozenset[str]
    known: Mapping[str, Person] = field(default_factory=dict)


def _month(since: datetime) -> str:
    return f"{since:%Y-%m}"


def _moves(documents: Mapping[str, str]) -> bool:
    """Say whether what is read depends on when: calendars and a country's holidays reach so far from there."""
    return "country" in documents.get(HOLIDAYS, "") or any(path.endswith(".ics") for path in documents)


def _matters(path: str) -> bool:
    """Say whether a schedule may be read otherwise when this document changes."""
    apart = path in (TEAMS, ESCALATION, ROUTING) or path.startswith(SCHEDULES)
    return path.startswith("rotations/") and not apart


def _digest(*texts: str) -> str:
    whole = hashlib.sha256()
    for text in texts:
        part = text.encode(errors="surrogatepass")
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


def people_of(text: str) -> Mapping[str, Person]:
    """Give the people of a `people.yaml`, leniently: nobody where it cannot be read."""
    return _read_people(text).known


def _read_people(text: str) -> _People:
    tree, _ = parse(text, file=PEOPLE)
    shape = read(PeopleShape, tree, names=Names(), problems=[]) if tree is not None else None
    if shape is None or tree is None:
        return _People(None, frozenset())
    inactive = frozenset(name for name, person in shape.people.items() if not person.active)
    return _People(frozenset(shape.people), inactive, build_people(shape, tree, []))


def _read_schedule(
    path: str, text: str, holidays: str, people: _People, feeds: Feeds
) -> tuple[str, Schedule | None]:
    days = _shape(HolidaysShape, HOLIDAYS, holidays, Names()) if holidays else None
    problems: list[Problem] = []
    calendars = build_calendars(days, None, [], now=feeds.now) if days else {}
    tree, _ = parse(text, file=path)
    if tree is None:
        return schedule_name(Tree(file=path, value=None)), None
    name = schedule_name(tree)
    names = Names(people=people.names, calendars=frozenset(calendars))
    shape = read(ScheduleShape, tree, names=names, problems=problems)
    if shape is None:
        return name, None
    return name, build_schedule(shape, tree, calendars, people.inactive, problems, feeds=feeds)


def _shape(shape: type[ShapeT], path: str, text: str, names: Names) -> ShapeT | None:
    tree, _ = parse(text, file=path)
    return read(shape, tree, names=names, problems=[]) if tree is not None else None
