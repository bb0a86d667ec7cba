"""Opsgenie: each thing that a rotation or an override may have, and each note."""

import json
from typing import Any

import pytest

from incident_bot.importers import BadExport, compare, convert
from tests.importers.exports import NOW, only_file, opsgenie, participant, rotation, said

PARENT = {"_parent": {"id": "og-s1", "name": "Primary", "enabled": True}}
TEAM = {"type": "team", "id": "t1", "name": "ops"}


def written(*rotations: dict[str, Any], **more: Any) -> str:
    return only_file(convert("opsgenie", opsgenie(*rotations, **more), now=NOW))


def hours(start: int, end: int, first: str = "", last: str = "") -> dict[str, Any]:
    days = {"startDay": first, "endDay": last} if first else {}
    return {"startHour": start, "startMin": 0, "endHour": end, "endMin": 30, **days}


@pytest.mark.parametrize(
    "restriction, windows",
    [
        (None, []),
        ({"type": "time-of-day", "restriction": hours(9, 17)}, ['{from: "09:00", to: "17:30"}']),
        ({"type": "time-of-day", "restriction": hours(20, 8)}, ['{from: "20:00", to: "08:30"}']),
        ({"type": "time-of-day", "restriction": hours(8, 7) | {"endHour": 8, "endMin": 0}}, []),
        (
            {"type": "weekday-and-time-of-day", "restrictions": [hours(9, 17, "monday", "monday")]},
            ['{days: mon, from: "09:00", to: "17:30"}'],
        ),
        (
            {"type": "weekday-and-time-of-day", "restrictions": [hours(18, 8, "friday", "monday")]},
            ['{start: "fri 18:00", end: "mon 08:30"}'],
        ),
        (
            {"type": "weekday-and-time-of-day", "restrictions": [hours(9, 8, "monday", "monday")]},
            ['{start: "mon 09:00", end: "mon 08:30"}'],
        ),
    ],
)
def test_restrictions_become_windows(restriction: Any, windows: list[str]) -> None:
    text = written(rotation(timeRestriction=restriction))
    assert [line.strip(" -") for line in text.partition("    windows:")[2].splitlines() if line] == windows


@pytest.mark.parametrize(
    "changed, lines",
    [
        ({}, ['unit: weeks, every: 1, anchor: "2026-03-02T09:00"', "- [alice]", "- [bob]"]),
        ({"type": "daily", "length": 3}, ["unit: days, every: 3"]),
        ({"type": "hourly", "length": 6}, ["unit: hours, every: 6"]),
        ({"participants": [participant("alice"), {"type": "none"}]}, ["- [alice]", "- []"]),
        ({"endDate": "2026-06-01T08:00:00Z"}, ['{who: [alice], until: "2026-06-01T10:00"}']),
        ({"startDate": "2026-04-06T07:00:00Z"}, ['anchor: "2026-04-06T09:00"']),
    ],
)
def test_rotations_become_layers(changed: dict[str, Any], lines: list[str]) -> None:
    for line in lines:
        assert line in written(rotation(**changed))


def test_all_rotations_count_together_only_where_they_overlap() -> None:
    day = rotation(name="Day", timeRestriction={"type": "time-of-day", "restriction": hours(8, 19)})
    night = rotation(
        id="og-r2", name="Night", timeRestriction={"type": "time-of-day", "restriction": hours(20, 7)}
    )
    assert "mode: add" not in written(day, night)
    assert written(day, rotation(id="og-r2", name="Always")).count("mode: add") == 2


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"endDate": "2026-02-01T00:00:00Z"}, "rotation Week: ended at 2026-02-01 00:00 UTC and is left out"),
        ({"participants": [participant("alice"), TEAM]}, "gives turns to the team ops"),
        ({"participants": [{"type": "escalation", "id": "e1"}]}, "gives turns to the escalation e1"),
        ({"participants": [{"type": "none"}]}, "rotation Week: has no users and is left out"),
        ({"type": "hourly", "length": 5}, "hands over every 5 hours; it is written by the local clock"),
        ({"timeRestriction": {"type": "time-of-day"}}, "a time restriction without hours"),
    ],
)
def test_what_cannot_be_said_is_noted(changed: dict[str, Any], expected: str) -> None:
    base = rotation(id="og-r9", name="Base")
    assert expected in said(convert("opsgenie", opsgenie(rotation(**changed), base), now=NOW))


def test_a_schedule_that_is_switched_off_is_noted() -> None:
    assert "switched off in Opsgenie" in said(
        convert("opsgenie", opsgenie(rotation(), enabled=False), now=NOW)
    )


def override(**changed: Any) -> dict[str, Any]:
    span = {"startDate": "2026-03-10T00:00:00Z", "endDate": "2026-03-12T00:00:00Z"}
    return {**PARENT, "alias": "o1", "user": participant("carol"), **span, **changed}


@pytest.mark.parametrize(
    "changed, lines, note",
    [
        ({}, ["cover: [carol]"], ""),
        ({"rotations": [{"id": "og-r1"}, {"id": "og-r2"}]}, ["cover: [carol]"], ""),
        (
            {"rotations": [{"id": "og-r2"}]},
            ["replace: dan, by: carol"],
            "takes some rotations of the schedule only",
        ),
        ({"user": TEAM}, [], "gives turns to a team, which cannot be expressed"),
        (
            {"startDate": "2026-01-01T00:00:00Z", "endDate": "2026-01-02T00:00:00Z"},
            [],
            "override of the past",
        ),
    ],
)
def test_overrides(changed: dict[str, Any], lines: list[str], note: str) -> None:
    rotations = rotation(), rotation(id="og-r2", name="Second", participants=[participant("dan")])
    text = opsgenie(*rotations, then=({"data": [override(**changed)]},))
    found = convert("opsgenie", text, now=NOW)
    for line in lines:
        assert line in only_file(found)
    assert ("overrides:" in only_file(found)) is bool(lines)
    assert note in said(found)


def test_people_of_an_overridden_rotation_who_stand_in_others_too_are_named() -> None:
    rotations = rotation(), rotation(id="og-r2", name="Second", participants=[participant("alice")])
    then = ({"data": [override(rotations=[{"id": "og-r2"}])]},)
    assert "and alice in other rotations too" in said(
        convert("opsgenie", opsgenie(*rotations, then=then), now=NOW)
    )


def test_overrides_that_overlap_are_noted() -> None:
    then = ({"data": [override(), override(user=participant("dan"))]},)
    found = convert("opsgenie", opsgenie(rotation(), then=then), now=NOW)
    assert "overrides overlap" in said(found)
    assert "cover: [carol, dan]" in only_file(found)


def test_users_and_pages_that_come_along_are_used() -> None:
    user = {"id": "og-alice", "username": "alice@example.com", "fullName": "Alice Example"}
    then = ({"data": [user], "paging": {"next": "https://example.com/?offset=100"}},)
    found = convert("opsgenie", opsgenie(rotation(), then=then), now=NOW)
    assert found.people["alice"] == {"name": "Alice Example", "email": "alice@example.com"}
    assert "has a next page" in said(found)


def test_a_timeline_that_names_a_team_shows_a_difference_there() -> None:
    span = {"startDate": "2026-03-02T12:00:00Z", "endDate": "2026-03-03T12:00:00Z"}
    period = {**span, "type": "base", "recipient": TEAM}
    timeline = {**PARENT, **span, "finalTimeline": {"rotations": [{"id": "og-r1", "periods": [period]}]}}
    found = convert("opsgenie", opsgenie(rotation(), then=({"data": timeline},)), now=NOW)
    assert "names a team or an escalation" in said(found)
    assert found.rendered["primary"].stretches[0].people == ()
    assert compare(found, {}, now=NOW)[0].reason


def test_a_timeline_without_a_span_is_nothing_to_compare_with() -> None:
    span = {"startDate": "2026-03-02T12:00:00Z", "endDate": "2026-03-02T12:00:00Z"}
    timeline = {**PARENT, **span, "finalTimeline": {"rotations": []}}
    assert not convert("opsgenie", opsgenie(rotation(), then=({"data": timeline},)), now=NOW).rendered


@pytest.mark.parametrize(
    "changed, path",
    [
        ({"type": "monthly"}, ".type"),
        ({"startDate": "2026-01-05T08:00:00"}, ".startDate"),
        ({"length": 0}, ".length"),
        ({"participants": "alice"}, ".participants"),
        (
            {"timeRestriction": {"type": "time-of-day", "restriction": hours(3, 24)}},
            ".timeRestriction.restriction",
        ),
        (
            {"timeRestriction": {"type": "time-of-day", "restriction": hours(25, 3)}},
            ".timeRestriction.restriction.startHour",
        ),
        (
            {
                "timeRestriction": {
                    "type": "weekday-and-time-of-day",
                    "restrictions": [hours(1, 3, "moonday", "x")],
                }
            },
            ".timeRestriction.restrictions[0].startDay",
        ),
    ],
)
def test_the_first_wrong_thing_is_named(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(BadExport) as caught:
        convert("opsgenie", opsgenie(rotation(**changed)), now=NOW)
    assert caught.value.path == f"$.data[0].rotations[0]{path}"


def test_answers_must_say_to_which_of_several_schedules_they_belong() -> None:
    loose = {key: value for key, value in override().items() if key != "_parent"}
    both = opsgenie(rotation()) + opsgenie(rotation(), id="og-s2", name="Other")
    with pytest.raises(BadExport, match="one by one"):
        convert("opsgenie", both + json.dumps({"data": [loose]}), now=NOW)
