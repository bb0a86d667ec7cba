"""What all documents share: shapes that refuse unknown keys, names that must exist, problems with a line.

A document is read in one pass: pydantic checks shape, values and the names of other documents together, so
that a person sees every problem at once. Later passes only look at what a single place cannot know.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from incident_bot.config.durations import parse_duration
from incident_bot.config.tree import Path, Tree
from incident_bot.core.errors import Problem
from incident_bot.core.walltime import zone

WORD_MOST: Final = 100
"""Looking for a near name costs the square of the length; no name is longer."""
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Shape(BaseModel):
    """One mapping of a document: unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


ShapeT = TypeVar("ShapeT", bound=Shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Every name that another document may use; None where the document that defines them cannot be read."""

    people: frozenset[str] | None = None
    teams: frozenset[str] | None = None
    schedules: frozenset[str] | None = None
    calendars: frozenset[str] | None = None
    hours: frozenset[str] | None = None
    severities: frozenset[str] | None = None
    """Names and aliases, all in lower case."""
    channels: frozenset[str] | None = None
    """Those of `channels.yaml`."""
    rungs: frozenset[str] | None = None
    """The names of the severities alone, as written."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Give `; did you mean "x"?` for the closest known name, else the names there are, if they are few."""
    by_case = {name.casefold(): name for name in sorted(known)}
    close = get_close_matches(word[:WORD_MOST].casefold(), by_case, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{by_case[close[0]]}"?'
    return f"; known: {', '.join(sorted(by_case.values()))}" if 0 < len(by_case) <= 12 else ""  # noqa: PLR2004 -- a line has room for a dozen


def _known(kind: str, field: str, *, fold: bool = False) -> Callable[[str, ValidationInfo], str]:
    def check(word: str, info: ValidationInfo) -> str:
        names: frozenset[str] | None = getattr(info.context, field, None)
        if names is None or (word.casefold() if fold else word) in names:
            return word
        raise ValueError(f'unknown {kind} "{word}"{nearest(word, names)}')

    return check


def misplaced(place: Path, message: str) -> ValidationError:
    """Make the error that a validator raises about a place below the value it looks at."""
    detail = InitErrorDetails(
        type=PydanticCustomError("value_error", "{text}", {"text": message}), loc=place, input=None
    )
    return ValidationError.from_exception_data("misplaced", [detail])


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write some text or take the key out")
    return value


def _id(value: str) -> str:
    if not ID.fullmatch(value):
        raise ValueError(
            f'"{value}" cannot be a name here; use letters, digits, dots, dashes and underscores'
        )
    return value


def _zone(value: str) -> str:
    if len(value) > WORD_MOST:
        raise ValueError("is not the name of a time zone; write one such as Europe/Berlin, or UTC")
    zone(value)
    return value


def _duration(value: object) -> object:
    if isinstance(value, bool | int | float):
        raise ValueError(f"{value} has no unit; write a duration such as 90s, 15m, 1h30m or 7d")  # noqa: TRY004 -- pydantic collects ValueError
    return parse_duration(value) if isinstance(value, str) else value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return value


def _web(value: str) -> str:
    if not re.match(r"https?://[^\s/]+", value) or not value.isprintable():
        raise ValueError(f'"{value}" is not a web address; begin with http:// or https://')
    return value


Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[str, AfterValidator(_id)]
Zone = Annotated[str, AfterValidator(_zone)]
Web = Annotated[str, AfterValidator(_web)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Length = Annotated[timedelta, AfterValidator(_positive), BeforeValidator(_duration)]
Flag = StrictBool
Whole = StrictInt
PersonName = Annotated[str, AfterValidator(_known("person", "people"))]
TeamName = Annotated[str, AfterValidator(_known("team", "teams"))]
ScheduleName = Annotated[str, AfterValidator(_known("schedule", "schedules"))]
CalendarName = Annotated[str, AfterValidator(_known("calendar", "calendars"))]
HoursName = Annotated[str, AfterValidator(_known("hours", "hours"))]
SeverityWord = Annotated[str, AfterValidator(_known("severity", "severities", fold=True))]


def read(shape: type[ShapeT], tree: Tree, *, names: Names, problems: list[Problem]) -> ShapeT | None:
    """Give the document in this shape, or None after adding every problem with its line.

    Unknown keys alone do not stop the later passes: the document is then read without them.
    """
    value = {} if tree.value is None else tree.value
    try:
        return shape.model_validate(value, context=names)
    except ValidationError as error:
        found = error.errors(include_url=False)
    problems.extend(_problem(item, shape, tree) for item in found)
    if any(item["type"] != "extra_forbidden" for item in found):
        return None
    try:
        return shape.model_validate(_without(value, [item["loc"] for item in found]), context=names)
    except ValidationError:
        return None


def _without(value: object, places: Iterable[Path], here: Path = ()) -> object:
    gone = set(places)
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if (*here, key) not in gone}
        return {key: _without(item, gone, (*here, key)) for key, item in kept.items()}
    if isinstance(value, list):
        return [_without(item, gone, (*here, index)) for index, item in enumerate(value)]
    return value


def _problem(item: ErrorDetails, shape: type[Shape], tree: Tree) -> Problem:
    path = _path(item["loc"], tree, missing=item["type"] == "missing")
    return tree.problem(path, _message(item, path, shape, tree))


def _path(location: Path, tree: Tree, *, missing: bool) -> Path:
    """Keep of pydantic's location what stands in the document: it also names union members and `[key]`."""
    path: Path = ()
    for step in location:
        if (*path, step) in tree.marks:
            path = (*path, step)
    last = location[-1] if location else None
    return (*path, last) if missing and last is not None else path


_EXPECTED: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list, such as [a, b]",
    "tuple_type": "must be a list, such as [a, b]",
    "dict_type": "must be a mapping, such as key: value",
    "model_type": "must be a mapping, such as key: value",
    "model_attributes_type": "must be a mapping, such as key: value",
    "none_required": "must be left out",
    "time_delta_type": "must be a duration such as 90s, 15m, 1h30m or 7d",
}


def _message(item: ErrorDetails, path: Path, shape: type[Shape], tree: Tree) -> str:
    kind = item["type"]
    written = tree.text(path)
    if kind == "extra_forbidden":
        known = _keys(shape, item["loc"][:-1])
        return f"unknown key{nearest(str(item['loc'][-1]), known)}"
    if kind == "string_type" and isinstance(item["input"], bool | int | float) and written is not None:
        return f'is not text; write it in quotes: "{written}"'
    if kind == "literal_error":
        allowed = str(item["ctx"]["expected"])
        words = re.findall(r"'([a-z_]+)'", allowed)
        return f'"{written}" is not one of {allowed}{nearest(str(written), words)}'
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    return item["msg"].removeprefix("Value error, ")


def _keys(shape: type[Shape], location: Path) -> tuple[str, ...]:
    """Give the keys that the mapping at this place of the shape may have."""
    at: Any = shape
    for step in location:
        if isinstance(step, str) and step.startswith("<"):
            # The tag of a union's member, which stands nowhere in the document.
            continue
        found = [inner for part in _parts(at) if (inner := _inside(part, step)) is not None]
        at = found[0] if found else None
    shapes = [part for part in _parts(at) if isinstance(part, type) and issubclass(part, Shape)]
    return tuple(field.alias or name for part in shapes for name, field in part.model_fields.items())


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Take Annotated and unions apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _parts(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(inner for part in get_args(annotation) for inner in _parts(part))
    return (annotation,)


def _inside(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        return fields.get(str(step))
    arguments = get_args(annotation)
    if isinstance(step, int):
        return arguments[0] if get_origin(annotation) in (list, tuple) and arguments else None
    return arguments[1] if get_origin(annotation) is dict else None
