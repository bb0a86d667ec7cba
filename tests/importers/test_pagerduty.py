"""PagerDuty: each thing that a layer may have, and each note."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from incident_bot.core.oncall import who
from incident_bot.importers import BadExport, convert
from tests.importers.exports import NOW, layer, loaded, only_file, pagerduty, said, user


def written(*layers: dict[str, Any], **changed: Any) -> str:
    return only_file(convert("pagerduty", pagerduty(*layers, **changed), now=NOW))


def daily(start: str, seconds: int) -> dict[str, Any]:
    return {"type": "daily_restriction", "start_time_of_day": start, "duration_seconds": seconds}


def weekly(day: int, start: str, seconds: int) -> dict[str, Any]:
    return daily(start, seconds) | {"type": "weekly_restriction", "start_day_of_week": day}


@pytest.mark.parametrize(
    "seconds, turn",
    [
        (604800, 'unit: weeks, every: 1, anchor: "2026-03-02T09:00"'),
        (1209600, 'unit: weeks, every: 2, anchor: "2026-03-02T09:00"'),
        (86400, 'unit: days, every: 1, anchor: "2026-03-02T09:00"'),
        (3 * 86400, 'unit: days, every: 3, anchor: "2026-02-28T09:00"'),
        (43200, 'unit: hours, every: 12, anchor: "2026-03-02T09:00"'),
        (36 * 3600, 'unit: hours, every: 12, anchor: "2026-03-01T21:00"}\n    turns_per_slot: 3'),
        (5 * 3600, 'unit: hours, every: 1, anchor: "2026-03-02T10:00"}\n    turns_per_slot: 5'),
    ],
)
def test_the_turn_that_runs_now_is_turn_zero(seconds: int, turn: str) -> None:
    assert turn in written(layer(rotation_turn_length_seconds=seconds))


@pytest.mark.parametrize(
    "restrictions, windows",
    [
        ([daily("09:00:00", 28800)], ['{from: "09:00", to: "17:00"}']),
        ([daily("20:00:00", 43200)], ['{from: "20:00", to: "08:00"}']),
        ([daily("16:00:00", 28800)], ['{from: "16:00", to: "24:00"}']),
        ([daily("00:00:00", 86400)], []),
        ([weekly(day, "09:00:00", 28800) for day in range(1, 6)], ['{days: mon-fri, from: "09:00", to: "17:00"}']),
        ([weekly(1, "09:00:00", 3600), weekly(7, "09:00:00", 3600)], ['{days: "mon,sun", from: "09:00", to: "10:00"}']),
        ([weekly(5, "18:00:00", 63 * 3600)], ['{start: "fri 18:00", end: "mon 09:00"}']),
        ([weekly(6, "00:00:00", 86400)], ['{days: sat, from: "00:00", to: "24:00"}']),
        ([weekly(7, "12:00:00", 86400)], ['{start: "sun 12:00", end: "mon 12:00"}']),
        ([weekly(1, "00:00:00", 7 * 86400)], []),
        (
            [daily("08:00:00", 3600), daily("20:00:00", 3600)],
            ['{from: "08:00", to: "09:00"}', '{from: "20:00", to: "21:00"}'],
        ),
    ],
)  # fmt: skip
def test_restrictions_become_windows(restrictions: list[Any], windows: list[str]) -> None:
    text = written(layer(restrictions=restrictions))
    assert [line.strip(" -") for line in text.partition("    windows:")[2].splitlines() if line] == windows


def test_the_layer_that_wins_stands_first_in_the_answer_of_the_api() -> None:
    text = written(layer(name="Top", users=[user("carol")]), layer(name="Base"))
    assert (
        text.index("name: Base")
        < text.index("priority: 10")
        < text.index("name: Top")
        < text.index("priority: 20")
    )


def test_rendered_entries_show_the_other_order() -> None:
    def entry(name: str) -> dict[str, Any]:
        return {"start": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z", **user(name)}

    base = layer(name="Base", users=[user("alice")], rendered_schedule_entries=[entry("alice")])
    top = layer(name="Top", users=[user("carol")], rendered_schedule_entries=[entry("carol")])
    final = {"rendered_schedule_entries": [entry("carol")]}
    found = convert("pagerduty", pagerduty(base, top, final_schedule=final), now=NOW)
    assert only_file(found).index("name: Base") < only_file(found).index("name: Top")
    assert "winning one last" in said(found)
    straight = convert("pagerduty", pagerduty(top, base, final_schedule=final), now=NOW)
    assert "winning one last" not in said(straight)
    assert straight.files == found.files or only_file(straight).index("Base") < only_file(straight).index(
        "Top"
    )


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"end": "2026-02-01T00:00:00Z"}, "layer Week: ended at 2026-02-01 00:00 UTC and is left out"),
        ({"users": []}, "layer Week: has no users and is left out"),
        (
            {"rotation_turn_length_seconds": 3605},
            "every 3605 seconds, which is no number of hours and cannot be expr",
        ),
        ({"rotation_turn_length_seconds": 5 * 3600}, "hands over every 5 hours, which does not divide a day"),
        ({"restrictions": [daily("09:00:30", 60)]}, "windows have whole minutes"),
        ({"restrictions": [daily("00:00:00", 86399)]}, "lasts 86399 seconds"),
        (
            {"users": [{"user": {"id": "P1", "summary": "Zoe", "deleted_at": "2026-01-01T00:00:00Z"}}]},
            "zoe is deleted",
        ),
    ],
)
def test_what_cannot_be_said_is_noted(changed: dict[str, Any], expected: str) -> None:
    # The second layer keeps the file in being where the first is left out.
    found = convert("pagerduty", pagerduty(layer(**changed), layer(name="Base")), now=NOW)
    assert expected in said(found)
    assert ("name: Week" in only_file(found)) is ("left out" not in said(found))


def test_a_single_user_may_have_any_length() -> None:
    text = written(layer(users=[user("alice")], rotation_turn_length_seconds=3605))
    assert "      - [alice]" in text


def test_a_schedule_without_a_layer_that_counts_is_no_file() -> None:
    found = convert("pagerduty", pagerduty(layer(end="2026-02-01T00:00:00Z")), now=NOW)
    assert not found.files
    assert "no file was written" in said(found)


def test_a_layer_with_an_end_stops_there_and_one_with_a_later_start_begins_there(tmp_path: Path) -> None:
    change = "2026-03-12T10:00:00+01:00"  # a Thursday, in the middle of a turn
    text = pagerduty(
        layer(name="New", start=change, users=[user("carol"), user("dan"), user("erin")]),
        layer(name="Old", end=change),
    )
    found = convert("pagerduty", text, now=NOW)
    schedule = loaded(found, tmp_path).schedules["primary"]
    expected = [
        ("2026-03-09T09:00", "bob"),  # week 9 of alice and bob
        ("2026-03-12T08:59", "bob"),
        ("2026-03-12T09:00", "carol"),  # week 9 of three: the rest of a turn
        ("2026-03-16T07:59", "carol"),
        ("2026-03-16T08:00", "dan"),
        ("2026-03-30T07:00", "carol"),  # summer time by now
    ]
    for moment, person in expected:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        assert [answer.person for answer in who(schedule, (), at)] == [person], moment


def test_overrides_ahead_become_covers_and_others_are_counted() -> None:
    def entry(start: str, end: str) -> dict[str, Any]:
        return {"start": start, "end": end, **user("dan")}

    entries = [
        entry("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"),
        entry("2026-03-07T09:00:00+01:00", "2026-03-08T09:00:00+01:00"),
    ]
    override = {"rendered_schedule_entries": entries}
    found = convert("pagerduty", pagerduty(layer(), overrides_subschedule=override), now=NOW)
    line = '{cover: [dan], start: "2026-03-07T08:00:00Z", end: "2026-03-08T08:00:00Z", reason: "override in PagerDuty"}'
    assert line in only_file(found)
    assert "1 overrides of the past are left out" in said(found)


def test_overrides_may_come_in_an_answer_of_their_own() -> None:
    loose = {
        "overrides": [
            {"id": "Q1", "start": "2026-03-07T08:00:00Z", "end": "2026-03-08T08:00:00Z", **user("dan")}
        ]
    }
    text = pagerduty(layer())
    assert "cover: [dan]" in only_file(convert("pagerduty", text + json.dumps(loose), now=NOW))
    with pytest.raises(BadExport, match="one by one"):
        convert("pagerduty", text + text + json.dumps(loose), now=NOW)


def test_people_are_proposed_with_what_the_export_says() -> None:
    users = {"users": [{"id": "PALICE", "name": "Alice Example", "email": "a.lice@example.com"}]}
    found = convert("pagerduty", pagerduty(layer()) + json.dumps(users), now=NOW)
    assert found.people == {
        "a.lice": {"name": "Alice Example", "email": "a.lice@example.com", "pagerduty": "PALICE"},
        "bob": {"name": "Bob", "pagerduty": "PBOB"},
    }


def test_users_that_are_still_to_come_are_noted() -> None:
    users = {"users": [{"id": "PALICE", "name": "Alice"}], "more": True}
    assert "there are more users" in said(
        convert("pagerduty", pagerduty(layer()) + json.dumps(users), now=NOW)
    )


def test_two_users_of_one_name_are_two_people() -> None:
    twins = [{"user": {"id": key, "summary": "Bob"}} for key in ("P1", "P2")]
    text = written(layer(users=twins))
    assert "- [bob]" in text
    assert "- [bob-2]" in text


@pytest.mark.parametrize(
    "changed, path",
    [
        ({"time_zone": "Berlin"}, "$.schedule.time_zone"),
        ({"time_zone": "EST"}, "$.schedule.time_zone"),
        ({"schedule_layers": None}, "$.schedule.schedule_layers"),
        (
            {"schedule_layers": [layer(users=[{"user": {"id": None}}])]},
            "$.schedule.schedule_layers[0].users[0].user.id",
        ),
        ({"schedule_layers": [layer(rotation_turn_length_seconds="1")]}, ".rotation_turn_length_seconds"),
        ({"schedule_layers": [layer(start="yesterday")]}, "$.schedule.schedule_layers[0].start"),
        ({"schedule_layers": [layer(restrictions=[{"type": "yearly"}])]}, ".restrictions[0].type"),
        ({"schedule_layers": [layer(restrictions=[weekly(8, "09:00:00", 60)])]}, ".start_day_of_week"),
        ({"schedule_layers": [layer(restrictions=[daily("25:00:00", 60)])]}, ".start_time_of_day"),
    ],
)
def test_the_first_wrong_thing_is_named(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(BadExport) as caught:
        convert("pagerduty", pagerduty(layer(), **changed), now=NOW)
    assert caught.value.path.endswith(path)
    assert "api.pagerduty.com/schedules" in caught.value.reason
