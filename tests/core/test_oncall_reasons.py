"""Why somebody answers, bookings of a calendar, and stretches under overrides (R1, R8, R9, R12, R13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.oncall import (
    Absence,
    Add,
    Booking,
    Cover,
    Gap,
    Layer,
    Mode,
    Override,
    Remove,
    Replace,
    Schedule,
    gaps,
    ignored,
    shifts,
    stretch,
    who,
)
from tests.core.oncall_reading import schedule_of


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, number, hour, tzinfo=UTC)


def layer(name: str, people: list[Any], priority: int = 10, **more: Any) -> dict[str, Any]:
    turn = {"unit": "days", "anchor": "2026-01-01T00:00"}
    return {"name": name, "priority": priority, "turn": turn, "people": people, **more}


def schedule(*layers: dict[str, Any], **more: Any) -> Schedule:
    return schedule_of({"schedule": "p", "time_zone": "UTC", "layers": list(layers), **more}, {})


AWAY = {"who": "ann", "start": "2026-01-01T06:00", "end": "2026-01-01T18:00"}
LEFT = {"who": ["ann"], "until": "2026-01-01T06:00"}
TO_COME = {"who": ["ann"], "from": "2026-01-02T12:00"}
OPTIONS: dict[str, Any] = {"start": day(1), "end": day(9), "reason": "swap", "id": "7"}


@pytest.mark.parametrize(
    "of, overrides, instant, expected",
    [
        (schedule(layer("week", [["ann"], ["bo"]])), (), day(2), {"bo": "p: layer week, turn 1"}),
        (
            schedule(layer("week", [["ann"], ["bo"]]), absences=[AWAY]),
            (),
            day(1, 6),
            {"bo": "p: layer week, turn 0, standing in for ann"},
        ),
        (
            schedule(layer("week", [LEFT, ["bo"]])),
            (),
            day(1, 6),
            {"bo": "p: layer week, turn 0, standing in for ann"},
        ),
        (
            schedule(layer("week", [TO_COME])),
            (),
            day(2, 12),
            {"ann": "p: layer week, turn 1, as the turn is nobody's"},
        ),
        (
            schedule(layer("{week}", [["ann"]]), layer("new", [["cy"]], 20, mode="add")),
            (),
            day(2),
            {"ann": "p: layer {week}, turn 1", "cy": "p: layer new, turn 1, besides the others"},
        ),
        (
            schedule(layer("week", [["ann", "bo"]])),
            (Replace(person="ann", by="cy", **OPTIONS), Add(people=("di",), start=day(1), end=day(9))),
            day(2),
            {
                "cy": "cy in place of ann (swap), override 7",
                "bo": "p: layer week, turn 1",
                "di": "di added",
            },
        ),
        (
            schedule(layer("week", [["ann"]])),
            (Cover(people=("cy", "di"), **OPTIONS),),
            day(2),
            {"cy": "cover by cy, di (swap), override 7", "di": "cover by cy, di (swap), override 7"},
        ),
    ],
)
def test_every_answer_has_its_reason(
    of: Schedule, overrides: tuple[Override, ...], instant: datetime, expected: dict[str, str]
) -> None:
    assert {answer.person: answer.why for answer in who(of, overrides, instant)} == expected


def test_nobody_by_an_override_is_deliberate_and_says_whose() -> None:
    of = schedule(layer("week", [["ann"]]))
    removal = Remove(person="ann", start=day(2), end=day(3), reason="ill")
    assert gaps(of, (removal,), day(1), day(4)) == (
        Gap(start=day(2), end=day(3), deliberate=True, why="ann taken off (ill)"),
    )


def test_only_those_who_put_somebody_on_are_ignored_for_an_inactive_person() -> None:
    inactive = frozenset({"zed"})
    void = (Replace(person="ann", by="zed", **OPTIONS), Add(people=("bo", "zed"), **OPTIONS))
    valid = (Remove(person="zed", **OPTIONS), Replace(person="zed", by="ann", **OPTIONS))
    assert ignored(schedule(layer("week", [["ann"]])), (*void, *valid), inactive) == void


@pytest.mark.parametrize(
    "person, since, until",
    [
        # The turn is cut by ann's leave, and bo's answer runs on while others come and go beside it.
        ("bo", day(1), day(2)),
        ("ann", day(1), day(1, 6)),
    ],
)
def test_a_stretch_is_as_long_as_the_person_s_own_reason(
    person: str, since: datetime, until: datetime
) -> None:
    of = schedule(layer("week", [["ann", "bo"], ["cy"]]), absences=[AWAY])
    adding = Add(people=("di",), start=day(1, 2), end=day(1, 4))
    assert stretch(of, (adding,), day(1, 3), person) == (since, until)


def booked(*bookings: Booking, mode: Mode = Mode.REPLACE) -> Layer:
    return Layer(name="feed", priority=20, zone=ZoneInfo("UTC"), says=bookings, mode=mode)


def booking(people: str, start: int, end: int, title: str = "") -> Booking:
    return Booking(people=tuple(people.split()), start=day(1, start), end=day(1, end), title=title)


def test_bookings_answer_together_and_leave_counts() -> None:
    of = Schedule(
        name="p",
        zone=ZoneInfo("UTC"),
        layers=(
            booked(
                booking("ann", 1, 9, "On call: Ann"),
                booking("bo", 3, 5),
                booking("ann cy", 8, 11),
                booking("di", 11, 11 + 1),
                booking("ed", 20, 22),
            ),
        ),
        absences=(
            Absence(person="di", start=day(1, 11), end=day(1, 12)),
            Absence(person="ed", start=day(1, 21), end=day(1, 23)),
        ),
    )
    found = [
        (shift.start.hour, shift.end.hour, shift.people, shift.why)
        for shift in shifts(of, (), day(1), day(1, 21))
    ]
    assert found == [
        (1, 3, ("ann",), "p: layer feed, booked as On call: Ann"),
        (3, 5, ("ann", "bo"), "p: layer feed, booked as On call: Ann; p: layer feed"),
        (5, 8, ("ann",), "p: layer feed, booked as On call: Ann"),
        (8, 11, ("ann", "cy"), "p: layer feed, booked as On call: Ann; p: layer feed"),
        (20, 21, ("ed",), "p: layer feed"),
    ]
    assert of.people == {"ann", "bo", "cy", "di", "ed"}


def test_bookings_may_add() -> None:
    base = schedule(layer("week", [["ann"]])).layers
    of = Schedule(name="p", zone=ZoneInfo("UTC"), layers=(*base, booked(booking("bo", 1, 9), mode=Mode.ADD)))
    assert [answer.person for answer in who(of, (), day(1, 2))] == ["ann", "bo"]
    assert who(of, (), day(1, 2))[1].why == "p: layer feed, besides the others"


def test_the_people_of_a_schedule_are_all_who_may_ever_answer() -> None:
    override = {"replace": "ann", "by": "cy", "start": "2026-01-01T00:00Z", "end": "2026-01-02T00:00Z"}
    of = schedule(
        layer("week", [["ann"], [], {"who": ["bo"], "until": "2026-01-01T00:00"}]), overrides=[override]
    )
    assert of.people == {"ann", "bo", "cy"}
    assert of.holidays == frozenset()


def test_ten_years_of_slots_that_come_and_go_are_counted_without_walking_them() -> None:
    slots = [
        {
            "who": [f"p{number}"],
            "from": f"{2016 + number}-01-01T00:00",
            "until": f"{2019 + number}-06-01T00:00",
        }
        for number in range(10)
    ]
    hourly = {"unit": "hours", "every": 1, "anchor": "2000-01-01T00:00"}
    of = schedule({"name": "h", "priority": 1, "turn": hourly, "people": [["base"], *slots]})
    assert [answer.person for answer in who(of, (), utc("2015-12-31T23:00Z"))] == ["base"]
    day_ = shifts(of, (), utc("2020-07-01T00:00Z"), utc("2020-07-02T00:00Z"))
    assert {person for shift in day_ for person in shift.people} == {"base", "p2", "p3", "p4"}
    assert all(shift.end - shift.start == timedelta(hours=1) for shift in day_)
