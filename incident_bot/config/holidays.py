"""`holidays.yaml`: calendars of local dates, listed or a country's own (R11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Final

import holidays as package
from holidays.registry import COUNTRIES
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from incident_bot.config.documents import Name, Shape, Text, nearest
from incident_bot.config.tree import Path, Tree
from incident_bot.core.errors import Problem

Calendars = Mapping[str, Mapping[date, str]]
"""Calendar to its dates, each with the name of the day, which may be empty."""

YEARS_BACK: Final = 2
YEARS_AHEAD: Final = 6
YEARS_MOST: Final = 100
_FIRST, _LAST = 1970, 2199
_CODE_MOST: Final = 3


def _date(value: object) -> date:
    text = value if isinstance(value, str) else str(value)
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-01") else _no_date(text)
    except ValueError:
        return _no_date(text)


def _no_date(text: str) -> date:
    raise ValueError(f'"{text}" is not a date of the calendar; write it as 2026-01-01')


Date = Annotated[date, BeforeValidator(_date)]


class HolidayShape(Shape):
    """One day of a calendar."""

    date: Date
    name: str = ""


def _holiday(value: object) -> object:
    return value if isinstance(value, dict) else {"date": value}


Day = Annotated[HolidayShape, BeforeValidator(_holiday)]


def _years(value: object) -> object:
    text = str(value)
    found = re.fullmatch(r"([0-9]{4})(?:\s*-\s*([0-9]{4}))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not _FIRST <= first <= last <= _LAST or last - first >= YEARS_MOST:
        raise ValueError(f'"{text[:20]}" are no years from {_FIRST} to {_LAST}; write 2026, or "2024-2032"')
    return text


def _country(value: str) -> str:
    codes = {code for _, *known in COUNTRIES.values() for code in known if len(code) <= _CODE_MOST}
    if value.upper() in codes:
        return value.upper()
    by_name = {entity: names[1] for entity, names in COUNTRIES.items()}
    word = value.strip().casefold().replace(" ", "_")
    if word in by_name:
        raise ValueError(f'unknown country "{value}"; did you mean "{by_name[word]}"?')
    hint = (
        nearest(word, by_name) or nearest(value, codes) or "; write the two letters of ISO 3166, such as DE"
    )
    raise ValueError(f'unknown country "{value[:40]}"{hint}')


class CountryShape(Shape):
    """A country's holidays, as the package `holidays` knows them."""

    country: Annotated[str, AfterValidator(_country)]
    subdivision: Text | None = None
    categories: list[Text] = Field(default=["public"], min_length=1)
    years: Annotated[str | None, BeforeValidator(_years)] = None
    add: list[Day] = Field(default_factory=list)
    remove: list[Date] = Field(default_factory=list)


def _kind(value: object) -> str:
    return "<country>" if isinstance(value, dict | CountryShape) else "<days>"


Listed = Annotated[
    Annotated[CountryShape, Tag("<country>")] | Annotated[list[Day], Tag("<days>")], Discriminator(_kind)
]


class HolidaysShape(Shape):
    """`rotations/holidays.yaml`."""

    holidays: dict[Name, Listed]


def build_calendars(
    shape: HolidaysShape, tree: Tree | None, problems: list[Problem], *, now: datetime
) -> Calendars:
    """Give every calendar with its dates; a country's from two years before `now` to six after, unless it says.

    Adds a problem for a subdivision or category that the country has not.
    """
    calendars: dict[str, Mapping[date, str]] = {}
    for name, written in shape.holidays.items():
        place = ("holidays", name)
        if isinstance(written, CountryShape):
            calendars[name] = _of_country(
                written, tree or Tree(file="", value=None), place, problems, now=now
            )
        else:
            calendars[name] = {day.date: day.name for day in written}
    return calendars


def _of_country(
    written: CountryShape, tree: Tree, place: Path, problems: list[Problem], *, now: datetime
) -> Mapping[date, str]:
    known = package.country_holidays(written.country)
    subdivision = _subdivision(written, known, tree, place, problems)
    unknown = [one for one in written.categories if one not in known.supported_categories]
    for one in unknown:
        message = f'{written.country} has no holidays "{one}"{nearest(one, known.supported_categories)}'
        problems.append(tree.problem((*place, "categories"), message))
    if unknown or subdivision is None:
        return {}
    first, last = now.year - YEARS_BACK, now.year + YEARS_AHEAD
    if written.years is not None:
        first, last = int(written.years[:4]), int(written.years[-4:])
    found: Mapping[date, str] = package.country_holidays(
        written.country,
        subdiv=subdivision or None,
        years=range(first, last + 1),
        categories=tuple(written.categories),
    )
    days = {day: name for day, name in found.items() if first <= day.year <= last}
    for index, day in enumerate(written.remove):
        if days.pop(day, None) is None and first <= day.year <= last:
            message = f"{day} is no holiday of {written.country} here, so there is nothing to take away"
            problems.append(tree.problem((*place, "remove", index), message, severity="warning"))
    return {**days, **{day.date: day.name for day in written.add}}


def _subdivision(
    written: CountryShape,
    known: package.HolidayBase,
    tree: Tree,
    place: Path,
    problems: list[Problem],
) -> str | None:
    """Give the code of the part of the country, "" where the whole is meant, None after adding a problem."""
    wanted = written.subdivision
    if wanted is None:
        return ""
    codes: Iterable[str] = known.subdivisions
    aliases: Mapping[str, str] = getattr(known, "subdivisions_aliases", {})
    by_word = {alias.casefold(): code for alias, code in aliases.items()}
    by_word |= {code.casefold(): code for code in codes}
    if wanted.casefold() in by_word:
        return by_word[wanted.casefold()]
    hint = nearest(wanted, (*codes, *aliases)) or "; leave it out for the whole country"
    message = f'{written.country} has no subdivision "{wanted[:40]}"{hint}'
    problems.append(tree.problem((*place, "subdivision"), message))
    return None
