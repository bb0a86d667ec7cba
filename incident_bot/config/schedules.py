"""`schedules/*.yaml`: rotations, and layers fed from an iCalendar, as `core.oncall` takes them.

Whatever is not understood is refused with its line, never ignored (R17).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from incident_bot.config.calendars import Feeds
from incident_bot.config.documents import (
    CalendarName,
    Flag,
    Name,
    PersonName,
    Shape,
    Text,
    Whole,
    Zone,
    misplaced,
    nearest,
)
from incident_bot.config.holidays import Calendars
from incident_bot.config.revision import INACTIVE
from incident_bot.config.tree import Path, Tree
from incident_bot.core.errors import Problem
from incident_bot.core.oncall import (
    Absence,
    Add,
    Advance,
    Booking,
    Cover,
    Empty,
    Layer,
    Mode,
    Override,
    Remove,
    Replace,
    Rotation,
    Schedule,
    Slot,
    Turn,
    Unit,
)
from incident_bot.core.walltime import Window, parse_instant, parse_local, to_instant, zone

_KINDS: Final = ("cover", "replace", "remove", "add")
_TURNING: Final = ("turn", "people", "turns_per_slot", "advance", "empty")


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


WindowShape = Annotated[Window, BeforeValidator(_window)]
"""A window in either form, read by `core.walltime`."""


def _names(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f"is a list of people; write [{value}]")  # noqa: TRY004 -- pydantic collects ValueError
    return value


People = Annotated[list[PersonName], BeforeValidator(_names)]


class TurnShape(Shape):
    """How long a turn is."""

    unit: Literal["days", "weeks", "months", "hours", "elapsed_hours"]
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
    """A slot of the ring, perhaps with dates."""

    who: People
    begins: Annotated[str, AfterValidator(_local)] | None = Field(default=None, alias="from")
    until: Annotated[str, AfterValidator(_local)] | None = None

    def slot(self) -> Slot:
        """Give the slot as the rules count it."""
        return Slot(
            people=tuple(dict.fromkeys(self.who)),
            begins=parse_local(self.begins) if self.begins else None,
            until=parse_local(self.until) if self.until else None,
        )


def _slot(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f"a slot is a list of people; write [{value}]")  # noqa: TRY004 -- pydantic collects ValueError
    return {"who": value} if isinstance(value, list) else value


class CalendarShape(Shape):
    """An iCalendar of `rotations/calendars/` whose events are a layer's bookings."""

    file: Text
    people: dict[str, PersonName] = Field(default_factory=dict)
    """The calendar's words for people: addresses or names."""


class LayerShape(Shape):
    """One layer."""

    name: Text
    priority: Whole
    mode: Literal["replace", "add"] = "replace"
    time_zone: Zone | None = None
    turn: TurnShape | None = None
    turns_per_slot: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    advance: Literal["calendar", "active_days"] = "calendar"
    empty: Literal["fallthrough", "block"] = "fallthrough"
    people: Annotated[list[Annotated[SlotShape, BeforeValidator(_slot)]], Field(min_length=1)] | None = None
    calendar: CalendarShape | None = None
    """Bookings in place of turns."""
    windows: list[WindowShape] = Field(default_factory=list)

    @model_validator(mode="after")
    def _advances(self) -> Self:
        turning = [key for key in _TURNING if key in self.model_fields_set]
        if self.calendar is not None:
            if turning:
                raise misplaced((turning[0],), "goes with turns, not with calendar; take one of the two out")
            return self
        for key in ("turn", "people"):
            if getattr(self, key) is None:
                raise ValueError(f"{key} is missing; or write calendar: {{file: calendars/NAME.ics}}")
        if self.advance == "active_days" and not self.windows:
            raise ValueError(
                "advance: active_days counts the days of windows; write windows, or advance: calendar"
            )
        self.rotation()
        return self

    def rotation(self) -> Rotation | None:
        """Give the ring and its turns as the rules count them; None where a calendar stands in their place."""
        if self.turn is None or self.people is None:
            return None
        return Rotation(
            turn=self.turn.turn(),
            slots=tuple(slot.slot() for slot in self.people),
            turns_per_slot=self.turns_per_slot,
            advance=Advance(self.advance),
            empty=Empty(self.empty),
        )


class OverrideShape(Shape):
    """One override of the file: a cover, a replacement, a removal or an addition."""

    cover: People | None = None
    replace: PersonName | None = None
    by: PersonName | None = None
    remove: PersonName | None = None
    add: People | None = None
    start: Annotated[str, AfterValidator(_moment)]
    end: Annotated[str, AfterValidator(_moment)]
    reason: str = ""
    nobody: Flag = False

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        said = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if not said:
            raise ValueError(
                "says nobody; write cover: [NAME], replace: NAME with by: NAME, remove: NAME or add: [NAME]"
            )
        if len(said) > 1:
            raise ValueError(f"says both {said[0]} and {said[1]}; write two overrides, the newer one last")
        if (self.replace is None) is not (self.by is None):
            raise ValueError("replace and by go together; write replace: NAME, by: NAME")
        if self.nobody and self.cover is None:
            raise ValueError("nobody: true goes with cover: []; take it out")
        return self

    def override(self, schedule_zone: str) -> Override:
        """Give the override as the rules take it; ValueError where its span or its people make none."""
        start, end = (parse_instant(moment, zone(schedule_zone)) for moment in (self.start, self.end))
        if self.cover is not None:
            people = tuple(dict.fromkeys(self.cover))
            return Cover(people=people, start=start, end=end, reason=self.reason, nobody=self.nobody)
        if self.replace is not None and self.by is not None:
            return Replace(person=self.replace, by=self.by, start=start, end=end, reason=self.reason)
        if self.remove is not None:
            return Remove(person=self.remove, start=start, end=end, reason=self.reason)
        return Add(people=tuple(dict.fromkeys(self.add or ())), start=start, end=end, reason=self.reason)


class AbsenceShape(Shape):
    """Somebody's leave."""

    who: PersonName
    start: Annotated[str, AfterValidator(_moment)]
    end: Annotated[str, AfterValidator(_moment)]
    reason: str = ""

    def absence(self, schedule_zone: str) -> Absence:
        """Give the leave as the rules take it; ValueError where its span is empty."""
        start, end = (parse_instant(moment, zone(schedule_zone)) for moment in (self.start, self.end))
        return Absence(person=self.who, start=start, end=end, reason=self.reason)


class ScheduleShape(Shape):
    """`rotations/schedules/NAME.yaml`."""

    schedule: Name | None = None
    time_zone: Zone
    holidays: CalendarName | None = None
    layers: list[LayerShape] = Field(min_length=1)
    overrides: list[OverrideShape] = Field(default_factory=list)
    absences: list[AbsenceShape] = Field(default_factory=list)


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
    *,
    feeds: Feeds,
) -> Schedule | None:
    """Give the schedule, or None after adding what only the whole of it can show to be wrong.

    Layers fed from an iCalendar are counted out around the load's instant, which `feeds` holds.
    """
    before = len(problems)
    name = schedule_name(tree)
    if name != PurePosixPath(tree.file).stem:
        message = f"the file of {name} should be called {name}.yaml"
        problems.append(tree.problem(("schedule",), message, severity="warning"))
    holidays = frozenset((calendars or {}).get(shape.holidays or "", {}))
    layers = list(_layers(shape, tree, holidays, feeds, problems))
    problems += _layer_problems(shape, tree, inactive)
    problems += _booked_inactive(layers, shape, tree, inactive)
    overrides = list(_overrides(shape, tree, inactive, problems))
    absences: list[Absence] = []
    for index, written in enumerate(shape.absences):
        try:
            absences.append(written.absence(shape.time_zone))
        except ValueError as error:
            problems.append(tree.problem(("absences", index), str(error)))
    if any(problem.severity == "error" for problem in problems[before:]):
        return None
    return Schedule(
        name=name,
        zone=zone(shape.time_zone),
        layers=tuple(layers),
        overrides=tuple(overrides),
        absences=tuple(absences),
    )


def _layers(
    shape: ScheduleShape, tree: Tree, holidays: frozenset[date], feeds: Feeds, problems: list[Problem]
) -> Iterator[Layer]:
    for index, written in enumerate(shape.layers):
        place = ("layers", index)
        layer_zone = zone(written.time_zone or shape.time_zone)
        says: Rotation | tuple[Booking, ...] | None = written.rotation()
        if written.calendar is not None:
            says = _bookings(written.calendar, layer_zone, tree, (*place, "calendar"), (feeds, problems))
        faults = False
        for number, slot in enumerate(written.people or ()):
            if slot.begins and slot.until:
                begins, until = (
                    to_instant(parse_local(moment), layer_zone) for moment in (slot.begins, slot.until)
                )
                if until <= begins:
                    message = "the slot is over before it starts; correct its from or until"
                    problems.append(tree.problem((*place, "people", number, "until"), message))
                    faults = True
        if not faults and says is not None:
            yield Layer(
                name=written.name,
                priority=written.priority,
                zone=layer_zone,
                says=says,
                mode=Mode(written.mode),
                windows=tuple(written.windows),
                holidays=holidays,
            )


def _bookings(
    written: CalendarShape, layer_zone: ZoneInfo, tree: Tree, place: Path, into: tuple[Feeds, list[Problem]]
) -> tuple[Booking, ...] | None:
    feeds, problems = into
    found = feeds.bookings(written.file, written.people, layer_zone, problems)
    if found is None:
        message = f"there is no file rotations/{written.file}{nearest(written.file, feeds.files)}"
        problems.append(tree.problem((*place, "file"), message))
    return found


def _booked_inactive(
    layers: Iterable[Layer], shape: ScheduleShape, tree: Tree, inactive: frozenset[str]
) -> Iterator[Problem]:
    numbers = {written.name: index for index, written in enumerate(shape.layers)}
    for layer in layers:
        for person in sorted(layer.people & inactive if not isinstance(layer.says, Rotation) else ()):
            message = f"{person} is not active in people.yaml, yet is booked in this calendar"
            place = ("layers", numbers[layer.name], "calendar")
            yield tree.problem(place, message, severity="warning", kind=INACTIVE)


def _overrides(
    shape: ScheduleShape, tree: Tree, inactive: frozenset[str], problems: list[Problem]
) -> Iterator[Override]:
    for index, written in enumerate(shape.overrides):
        place = ("overrides", index)
        try:
            override = written.override(shape.time_zone)
        except ValueError as error:
            problems.append(tree.problem(place, str(error)))
            continue
        for person in sorted(inactive.intersection(override.puts_on)):
            message = f"{person} is not active in people.yaml: the whole override is ignored"
            problems.append(tree.problem(place, message, severity="warning"))
        yield override


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
        for number, slot in enumerate(layer.people or ()):
            for person in sorted(inactive.intersection(slot.who)):
                message = f"{person} is not active in people.yaml, yet has turns here"
                yield tree.problem((*place, "people", number), message, severity="warning", kind=INACTIVE)
