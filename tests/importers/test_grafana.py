"""Grafana OnCall: each thing that a shift may have, and each note."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incident_bot.core.oncall import who
from incident_bot.importers import BadExport, convert
from tests.importers.exports import NOW, grafana, loaded, only_file, said, shift


def written(*shifts: dict[str, Any], **changed: Any) -> str:
    return only_file(convert("grafana-oncall", grafana(*shifts, **changed), now=NOW))


@pytest.mark.parametrize(
    "changed, lines",
    [
        ({}, ["turn: {unit: weeks, every: 1", "- [alice]", "- [bob]"]),
        ({"rolling_users": [["UALICE", "UBOB"], ["UCAROL"]]}, ["- [alice, bob]", "- [carol]"]),
        ({"start_rotation_from_user_index": 1}, ['anchor: "2026-03-02T09:00"}\n    people:\n      - [bob]']),
        ({"interval": 2, "duration": 1209600}, ["unit: weeks, every: 2"]),
        ({"interval": 2}, ["unit: weeks, every: 1", "- []"]),
        ({"duration": 5 * 86400}, ['{start: "mon 09:00", end: "sat 09:00"}']),
        ({"by_day": ["MO", "WE"], "duration": 28800}, ['{days: "mon,wed", from: "09:00", to: "17:00"}']),
        ({"frequency": "daily", "duration": 86400}, ["unit: days, every: 1"]),
        ({"frequency": "daily", "duration": 43200}, ['{from: "09:00", to: "21:00"}']),
        ({"frequency": "daily", "interval": 3, "duration": 86400}, ["unit: days, every: 1", "- []"]),
        ({"frequency": "daily", "interval": 3, "duration": 3 * 86400}, ["unit: days, every: 3"]),
        ({"frequency": "daily", "interval": 3, "duration": 2 * 86400}, ["unit: days, every: 1", "- []"]),
        ({"frequency": "daily", "by_day": ["MO", "TU"], "duration": 3600}, ["advance: active_days", "{days: mon-tue"]),
        ({"frequency": "hourly", "interval": 12, "duration": 43200}, ["unit: hours, every: 12"]),
        ({"frequency": "hourly", "interval": 12, "duration": 8 * 3600}, ["unit: hours, every: 4", "- []"]),
        ({"frequency": "monthly", "duration": 30 * 86400}, ["unit: months, every: 1"]),
        ({"until": "2026-06-01T07:00:00"}, ['{who: [alice], until: "2026-06-01T09:00"}']),
        ({"rotation_start": "2026-04-13T09:00:00"}, ['anchor: "2026-04-13T09:00"']),
        ({"type": "recurrent_event", "users": ["UCAROL", "UBOB"], "duration": 3600}, ["- [carol, bob]", "{days: mon,"]),
        ({"type": "single_event", "users": ["UCAROL"], "start": "2026-04-01T09:00:00", "duration": 3600},
         ['{who: [carol], until: "2026-04-01T10:00"}', 'anchor: "2026-04-01T09:00"']),
    ],
)  # fmt: skip
def test_shifts_become_layers(changed: dict[str, Any], lines: list[str], tmp_path: Path) -> None:
    found = convert("grafana-oncall", grafana(shift(**changed)), now=NOW)
    for line in lines:
        assert line in only_file(found)
    loaded(found, tmp_path)


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"by_month": [1]}, "certain months or days of the month"),
        ({"frequency": "monthly", "by_monthday": [1]}, "certain months or days of the month"),
        ({"frequency": "monthly", "duration": 86400}, "leaves parts of them free"),
        ({"frequency": "monthly", "duration": 30 * 86400}, "written as whole months"),
        ({"frequency": "hourly", "by_day": ["MO"]}, "by hours on certain weekdays"),
        ({"frequency": "hourly", "duration": 1800}, "no whole number of hours"),
        ({"frequency": "daily", "duration": 90000}, "lasts into its own next shift"),
        ({"frequency": "daily", "by_day": ["MO"], "duration": 90000}, "lasts into its own next shift"),
        ({"duration": 8 * 86400}, "lasts into its own next shift"),
        ({"by_day": ["MO", "TU"], "duration": 2 * 86400}, "lasts into its own next shift"),
        ({"by_day": ["MO", "SU"], "duration": 2 * 86400}, "lasts into its own next shift"),
        ({"duration": 90}, "whole minutes"),
        ({"until": "2026-02-01T00:00:00"}, "ended at 2026-02-01 00:00 UTC and is left out"),
        ({"until": "2026-06-01T00:00:00"}, "a shift that runs then is cut there"),
        ({"rolling_users": []}, "has no users and is left out"),
        ({"rolling_users": [["UALICE"], []]}, "has an empty group"),
        ({"type": "override", "users": [], "start": "2026-04-01T00:00:00"}, "whose users the export does not name"),
        ({"type": "override", "users": ["UBOB"], "duration": 60}, "an override of the past"),
        ({"type": "single_event", "users": ["UBOB"], "duration": 60}, "happened once, in the past"),
        ({"type": "recurrent_event", "users": ["UBOB"], "frequency": "daily", "interval": 2, "by_day": ["MO"],
          "duration": 60}, "every few days on certain weekdays"),
        ({"frequency": "daily", "interval": 401, "duration": 3600}, "slots to be expressed"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_noted(changed: dict[str, Any], expected: str) -> None:
    base = shift(id="OBASE", name="base", level=0)
    found = convert("grafana-oncall", grafana(shift(**changed), base), now=NOW)
    assert f"Primary, shift week: {''}" in said(found)
    assert expected in said(found)
    assert "name: base" in only_file(found)


def test_a_web_schedule_counts_in_utc_and_an_api_schedule_in_its_own_zone() -> None:
    assert "time_zone: UTC" in written(shift(time_zone=None))
    assert "time_zone: UTC" not in written(shift(time_zone=None), type="calendar")
    swap = shift(
        id="O2", type="override", users=["UCAROL"], time_zone=None, start="2026-03-10T09:00:00", duration=60
    )
    assert 'cover: [carol], start: "2026-03-10T09:00:00Z"' in written(shift(), swap, type="calendar")


def test_the_week_of_a_mask_begins_on_its_own_day(tmp_path: Path) -> None:
    # Started on a Saturday that the mask leaves out: the counting begins on the Monday after it.
    week = shift(
        start="2026-01-03T09:00:00", rotation_start="2026-01-03T09:00:00", by_day=["MO", "TU"], duration=3600
    )
    found = convert("grafana-oncall", grafana(week), now=NOW)
    schedule = loaded(found, tmp_path).schedules["primary"]
    first = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # eight weeks after 5 January
    for number, person in enumerate(["alice", "bob", "alice"]):
        answer = who(schedule, (), first + timedelta(weeks=number))
        assert [each.person for each in answer] == [person]


def everybody(found: Any, directory: Path, moment: str) -> set[str]:
    schedule = loaded(found, directory).schedules["primary"]
    return {each.person for each in who(schedule, (), datetime.fromisoformat(moment))}


def one(name: str, level: int, user: str, **changed: Any) -> dict[str, Any]:
    usual = {
        "type": "recurrent_event",
        "users": [user],
        "frequency": "daily",
        "duration": 86400,
        "name": name,
    }
    return shift(id=f"O{name}", level=level, **(usual | changed))


def test_overlapping_shifts_of_one_level_are_on_call_together(tmp_path: Path) -> None:
    found = convert("grafana-oncall", grafana(one("a", 1, "UALICE"), one("b", 1, "UBOB")), now=NOW)
    assert (only_file(found).count("mode: add"), only_file(found).count("- name:")) == (2, 2)
    assert everybody(found, tmp_path, "2026-03-10T12:00:00Z") == {"alice", "bob"}


def test_together_on_the_highest_level_they_hide_the_others(tmp_path: Path) -> None:
    noon = {"start": "2026-01-05T12:00:00", "duration": 7200}
    late = {"start": "2026-01-05T13:00:00", "duration": 7200}
    shifts = one("a", 2, "UALICE", **noon), one("b", 2, "UBOB", **late), one("c", 1, "UCAROL")
    found = convert("grafana-oncall", grafana(*shifts), now=NOW)
    expected = {"10": {"carol"}, "11": {"alice"}, "12": {"alice", "bob"}, "13": {"bob"}, "14": {"carol"}}
    for hour, people in expected.items():
        assert everybody(found, tmp_path / hour, f"2026-03-10T{hour}:30:00Z") == people


def test_together_below_another_level_is_noted(tmp_path: Path) -> None:
    top = one("top", 2, "UCAROL", duration=3600)
    found = convert("grafana-oncall", grafana(top, one("a", 1, "UALICE"), one("b", 1, "UBOB")), now=NOW)
    assert "a, b: they overlap on one level" in said(found)
    assert everybody(found, tmp_path, "2026-03-10T12:00:00Z") == {"alice"}


def test_overrides_that_overlap_are_covers_by_everybody_of_them() -> None:
    override = {
        "type": "override",
        "level": None,
        "users": ["UALICE"],
        "start": "2026-03-10T09:00:00",
        "duration": 7200,
    }
    other = override | {"users": ["UBOB"], "start": "2026-03-10T10:00:00"}
    text = written(shift(), shift(id="O2", **override), shift(id="O3", **other))
    assert [line[5:26] for line in text.splitlines() if "cover" in line] == [
        "cover: [alice], start",
        "cover: [alice, bob], ",
        "cover: [bob], start: ",
    ]


def test_the_final_shifts_name_the_users_of_an_override_made_on_the_page() -> None:
    nameless = shift(id="O2", type="override", users=[], start="2026-03-10T09:00:00", duration=7200)
    final = {"user_pk": "UCAROL", "shift_start": "2026-03-10T08:00:00Z", "shift_end": "2026-03-10T10:00:00Z"}
    text = grafana(shift(), nameless) + json.dumps({"results": [final]})
    assert "cover: [carol], start: " in only_file(convert("grafana-oncall", text, now=NOW))


def test_final_shifts_count_until_the_end_of_the_day_on_which_the_last_begins() -> None:
    def final(start: str, end: str) -> dict[str, str]:
        return {"user_pk": "UALICE", "shift_start": start, "shift_end": end}

    items = [
        final("2026-03-02T08:00:00Z", "2026-03-09T08:00:00Z"),
        final("2026-03-09T08:00:00Z", "2026-03-16T08:00:00Z"),
    ]
    found = convert("grafana-oncall", grafana(shift()) + json.dumps({"results": items}), now=NOW)
    assert found.rendered["primary"].end == datetime(2026, 3, 10, tzinfo=UTC)


def test_a_hundred_shifts_of_one_level_are_taken_to_overlap() -> None:
    shifts = [one(f"s{number}", 1, "UALICE", duration=60) for number in range(101)]
    assert only_file(convert("grafana-oncall", grafana(*shifts), now=NOW)).count("mode: add") == 101


def test_an_ical_schedule_is_said_to_hold_no_rules() -> None:
    found = convert("grafana-oncall", json.dumps({"id": "S", "name": "Cal", "type": "ical"}), now=NOW)
    assert not found.files
    assert "holds no rules of its own" in said(found)


def test_what_is_missing_from_the_file_is_noted() -> None:
    found = convert("grafana-oncall", grafana(shift(), shifts=["OSHIFT1", "OTHER"]), now=NOW)
    assert "shift OTHER is not in the export" in said(found)
    page = json.dumps({"results": [], "next": "https://example.com/?page=2"})
    assert "has a next page" in said(convert("grafana-oncall", grafana(shift()) + page, now=NOW))


@pytest.mark.parametrize(
    "changed, path",
    [
        ({"frequency": "yearly"}, ".frequency"),
        ({"by_day": ["1MO"]}, ".by_day[0]"),
        ({"week_start": "X"}, ".week_start"),
        ({"duration": 0}, ".duration"),
        ({"start": "2026-01-05"}, ".start"),
        ({"type": "weekly"}, ".type"),
        ({"time_zone": "Mars/Base"}, ".time_zone"),
        ({"rolling_users": ["UALICE"]}, ".rolling_users[0]"),
    ],
)
def test_the_first_wrong_thing_is_named(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(BadExport) as caught:
        convert("grafana-oncall", grafana(shift(**changed)), now=NOW)
    assert caught.value.path == f"$ (answer 2).results[0]{path}"


def test_final_shifts_of_several_schedules_are_refused() -> None:
    final = {
        "results": [
            {"user_pk": "U", "shift_start": "2026-03-02T00:00:00Z", "shift_end": "2026-03-03T00:00:00Z"}
        ]
    }
    with pytest.raises(BadExport, match="one by one"):
        convert("grafana-oncall", grafana(shift()) + grafana(shift()) + json.dumps(final), now=NOW)
