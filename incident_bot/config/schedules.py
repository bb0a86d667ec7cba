"""`schedules/*.yaml` and `holidays.yaml`: rotations as `core.oncall` takes them, and the calendars they name.

What a schedule may not say yet is refused with the text of `core.oncall.LATER`, never ignored (R17).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from incident_bot.config.documents import CalendarName, Flag, Name, PersonName, Shape, Text, Whole, Zone
from incident_bot.config.tree import Tree
from incident_bot.core.errors import Problem
from incident_bot.core.oncall import LATER, Cover, Empty, Layer, Schedule, Turn, Unit, gaps
from incident_bot.core.walltime import HORIZON, Window, parse_instant, parse_local, zone

Calendars = Mapping[str, Mapping[date, str]]
"""Calendar to its dates, each with the name of the day, which may be empty."""

_REPLACED: Final = ("replace", "remove", "add")


def _date(value: object) -> date:
    text = value if isinstance(value, str) else str(value)
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-01") else _no_date(text)
    except ValueError:
        return _no_date(text)


def _no_date(text: str) -> date:
    raise ValueError(f'"{text}" is not a date of the calendar; write it as 2026-01-01')


def _local(value: str) -> str:
    parse_local(value)
    return value


def _moment(value: str) -> str:
    parse_instant(value, zone("UTC"))
    return value


def _window(value: object) -> Window:
    if isinstance(value, Window):
        return value
    if not isinstance(value, dict):
        raise ValueError('must be a mapping, such as {days: mon-fri, from: "09:00", to: "17:00"}')  # noqa: TRY004 -- pydantic collects ValueError
    return Window.parse(value)


Date = Annotated[date, BeforeValidator(_date)]
WindowShape = Annotated[Window, BeforeValidator(_window)]
"""A window in either form, read by `core.walltime`."""


def _waits(key: str) -> Any:
    def refuse(value: object) -> object:
        if value not in (None, [], ""):
            raise ValueError(LATER[key])
        return value

    return BeforeValidator(refuse)


def _unit(value: object) -> object:
    if later := LATER.get(f"unit.{value}"):
        raise ValueError(later)
    return value


def _one_turn(value: int) -> int:
    if value != 1:
        raise ValueError(LATER["turns_per_slot"])
    return value


def _only(field: str, allowed: str) -> BeforeValidator:
    def check(value: object) -> object:
        if later := LATER.get(f"{field}.{value}"):
            raise ValueError(later)
        if value != allowed:
            raise ValueError(f'"{value}" is not known here; write {field}: {allowed}, or leave it out')
        return value

    return BeforeValidator(check)


class TurnShape(Shape):
    """How long a turn is."""

    unit: Annotated[Literal["days", "weeks"], BeforeValidator(_unit)]
    every: Whole = 1
    anchor: Annotated[str, AfterValidator(_local)]

    @model_validator(mode="after")
    def _countable(self) -> Self:
        self.turn()
        return self

    def turn(self) -> Turn:
        """Give the turn as the rules count it."""
        return Turn(unit=Unit(self.unit), every=self.every, anchor=parse_local(self.anchor))


class SlotShape(Shape):
    """A slot with dates, which waits for a later release."""

    who: list[PersonName]
    begins: Annotated[object, _waits("slot.from")] = Field(default=None, alias="from")
    until: Annotated[object, _waits("slot.until")] = None


def _slot(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f"a slot is a list of people; write [{value}]")  # noqa: TRY004 -- pydantic collects ValueError
    return {"who": value} if isinstance(value, list) else value


class LayerShape(Shape):
    """One layer."""

    name: Text
    priority: Whole
    mode: Annotated[str, _only("mode", "replace")] = "replace"
    time_zone: Zone | None = None
    turn: TurnShape
    turns_per_slot: Annotated[Whole, AfterValidator(_one_turn)] = 1
    advance: Annotated[str, _only("advance", "calendar")] = "calendar"
    empty: Literal["fallthrough", "block"] = "fallthrough"
    people: list[Annotated[SlotShape, BeforeValidator(_slot)]] = Field(min_length=1)
    windows: list[WindowShape] = Field(default_factory=list)


class OverrideShape(Shape):
    """One override of the file; the kinds other than `cover` wait for a later release."""

    cover: list[PersonName] | None = None
    replace: Annotated[object, _waits("override.replace")] = None
    by: object = None
    remove: Annotated[object, _waits("override.remove")] = None
    add: Annotated[object, _waits("override.add")] = None
    start: Annotated[str, AfterValidator(_moment)]
    end: Annotated[str, AfterValidator(_moment)]
    reason: str = ""
    nobody: Flag = False

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        if self.cover is None:
            raise ValueError("says nobody; write cover: [NAME], with start, end and reason")
        if self.by is not None:
            raise ValueError(LATER["override.replace"])
        return self


class ScheduleShape(Shape):
    """`rotations/schedules/NAME.yaml`."""

    schedule: Name | None = None
    time_zone: Zone
    holidays: CalendarName | None = None
    layers: list[LayerShape] = Field(min_length=1)
    overrides: list[OverrideShape] = Field(default_factory=list)
    absences: Annotated[object, _waits("absences")] = None


class HolidayShape(Shape):
    """One day of a calendar."""

    date: Date
    name: str = ""


def _holiday(value: object) -> object:
    return value if isinstance(value, dict) else {"date": value}


class HolidaysShape(Shape):
    """`rotations/holidays.yaml`."""

    holidays: dict[Name, list[Annotated[HolidayShape, BeforeValidator(_holiday)]]]


def build_calendars(shape: HolidaysShape) -> Calendars:
    """Give every calendar with its dates."""
    return {name: {day.date: day.name for day in days} for name, days in shape.holidays.items()}


def schedule_name(tree: Tree) -> str:
    """Give the name that a schedule's file claims: the key `schedule`, else the name of the file."""
    written = tree.value.get("schedule") if isinstance(tree.value, dict) else None
    return written if isinstance(written, str) else PurePosixPath(tree.file).stem


def build_schedule(
    shape: ScheduleShape,
    tree: Tree,
    calendars: Calendars | None,
    inactive: frozenset[str],
    problems: list[Problem],
) -> Schedule | None:
    """Give the schedule, or None after adding what only the whole of it can show to be wrong."""
    before = len(problems)
    name = schedule_name(tree)
    if name != PurePosixPath(tree.file).stem:
        message = f"the file of {name} should be called {name}.yaml"
        problems.append(tree.problem(("schedule",), message, severity="warning"))
    layers = tuple(_layer(layer, shape.time_zone) for layer in shape.layers)
    problems += _layer_problems(shape, tree, inactive)
    covers: list[Cover] = []
    for index, override in enumerate(shape.overrides):
        place = ("overrides", index)
        try:
            covers.append(_cover(override, shape.time_zone))
        except ValueError as error:
            problems.append(tree.problem(place, str(error)))
        for person in sorted(inactive.intersection(override.cover or ())):
            message = f"{person} is not active in people.yaml: the whole override is ignored"
            problems.append(tree.problem(place, message, severity="warning"))
    if any(problem.severity == "error" for problem in problems[before:]):
        return None
    return Schedule(
        name=name,
        zone=zone(shape.time_zone),
        layers=layers,
        holidays=frozenset((calendars or {}).get(shape.holidays or "", {})),
        covers=tuple(covers),
    )


def _layer(written: LayerShape, schedule_zone: str) -> Layer:
    return Layer(
        name=written.name,
        priority=written.priority,
        zone=zone(written.time_zone or schedule_zone),
        turn=written.turn.turn(),
        people=tuple(tuple(dict.fromkeys(slot.who)) for slot in written.people),
        empty=Empty(written.empty),
        windows=tuple(written.windows),
    )


def _cover(written: OverrideShape, schedule_zone: str) -> Cover:
    return Cover(
        people=tuple(dict.fromkeys(written.cover or ())),
        start=parse_instant(written.start, zone(schedule_zone)),
        end=parse_instant(written.end, zone(schedule_zone)),
        reason=written.reason,
        nobody=written.nobody,
    )


def _layer_problems(shape: ScheduleShape, tree: Tree, inactive: frozenset[str]) -> Iterable[Problem]:
    names: dict[str, int] = {}
    priorities: dict[int, str] = {}
    for index, layer in enumerate(shape.layers):
        place = ("layers", index)
        first = names.setdefault(layer.name, index)
        if first != index:
            line = tree.line(("layers", first))
            yield tree.problem((*place, "name"), f'"{layer.name}" names a layer already, on line {line}')
        other = priorities.setdefault(layer.priority, layer.name)
        if first == index and other != layer.name:
            message = f"{layer.priority} is the priority of layer {other} already; give each layer its own"
            yield tree.problem((*place, "priority"), message)
        for number, window in enumerate(layer.windows):
            if window.needs_holidays and shape.holidays is None:
                message = (
                    "asks for holidays, but the schedule names no calendar; write holidays: NAME at its top"
                )
                yield tree.problem((*place, "windows", number), message)
        for number, slot in enumerate(layer.people):
            for person in sorted(inactive.intersection(slot.who)):
                message = f"{person} is not active in people.yaml, yet has turns here"
                yield tree.problem((*place, "people", number), message, severity="warning")


def uncovered(
    schedule: Schedule, tree: Tree, inactive: frozenset[str], *, now: datetime
) -> Iterator[Problem]:
    """Give a warning where nobody is on call in the time ahead, and not on purpose (R16)."""
    found = gaps(schedule, (), now, now + HORIZON, inactive=inactive)
    holes = [gap for gap in found if not gap.deliberate]
    if holes:
        first = f"{holes[0].start:%Y-%m-%d %H:%M} to {holes[0].end:%Y-%m-%d %H:%M} UTC"
        more = f", and {len(holes) - 1} more times in {HORIZON.days} days" if len(holes) > 1 else ""
        yield tree.problem(("layers",), f"nobody is on call from {first}{more}", severity="warning")
