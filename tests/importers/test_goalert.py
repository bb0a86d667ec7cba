"""GoAlert: each thing that a rule, a rotation or an override may have, and each note."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from incident_bot.core.oncall import who
from incident_bot.importers import BadExport, convert
from tests.importers.exports import NOW, goalert, loaded, only_file, rule, said

WEEKDAYS = [False, True, True, True, True, True, False]
SUNDAY = [True, *[False] * 6]


def written(rules: list[Any], rotation: dict[str, Any] | None = None, **more: Any) -> str:
    return only_file(convert("goalert", goalert(rules, rotation, **more), now=NOW))


@pytest.mark.parametrize(
    "rules, windows",
    [
        ([rule()], []),
        ([rule("09:00", "17:00", WEEKDAYS)], ['{days: mon-fri, from: "09:00", to: "17:00"}']),
        ([rule("22:00", "06:00", SUNDAY)], ['{days: sun, from: "22:00", to: "06:00"}']),
        ([rule("09:00", "09:00", SUNDAY)], ['{start: "sun 09:00", end: "mon 09:00"}']),
        ([rule("00:00", "00:00", SUNDAY)], ['{days: sun, from: "00:00", to: "24:00"}']),
        (
            [rule("09:00", "12:00"), rule("13:00", "17:00")],
            ['{from: "09:00", to: "12:00"}', '{from: "13:00", to: "17:00"}'],
        ),
        ([rule("09:00", "17:00", WEEKDAYS), rule()], []),
    ],
)  # fmt: skip
def test_rules_become_windows(rules: list[Any], windows: list[str]) -> None:
    text = written(rules)
    assert [line.strip(" -") for line in text.partition("    windows:")[2].splitlines() if line] == windows


@pytest.mark.parametrize(
    "changed, turn",
    [
        ({}, 'unit: weeks, every: 1, anchor: "2026-03-02T09:00"'),
        ({"type": "daily", "shiftLength": 2}, 'unit: days, every: 2, anchor: "2026-03-02T09:00"'),
        ({"type": "daily", "shiftLength": 14}, 'unit: weeks, every: 2, anchor: "2026-03-02T09:00"'),
        ({"type": "hourly", "shiftLength": 8}, 'unit: hours, every: 8, anchor: "2026-03-02T09:00"'),
        ({"type": "monthly"}, 'unit: months, every: 1, anchor: "2026-02-05T09:00"'),
    ],
)
def test_rotations_become_turns(changed: dict[str, Any], turn: str) -> None:
    assert turn in written([rule()], changed)


@pytest.mark.parametrize(
    "active, following, first",
    [
        (0, None, "alice"),
        (1, None, "bob"),
        (0, "2026-03-09T08:00:00Z", "alice"),
        # Exported a turn ago: who was active then has handed over since.
        (0, "2026-03-02T08:00:00Z", "bob"),
    ],
)
def test_who_is_active_holds_the_turn_of_the_export(active: int, following: str | None, first: str) -> None:
    changed = {"activeUserIndex": active, "nextHandoffTimes": [following] if following else []}
    assert f"people:\n      - [{first}]" in written([rule()], changed)


def test_a_rotation_of_another_zone_keeps_it_where_it_can() -> None:
    far = {"timeZone": "Asia/Tokyo"}
    assert "time_zone: Asia/Tokyo" in written([rule()], far)
    found = convert("goalert", goalert([rule("09:00", "17:00", WEEKDAYS)], far), now=NOW)
    assert "hands over by the clock of Asia/Tokyo, its rules count by that of Europe/Berlin" in said(found)
    assert 'anchor: "2026-03-02T09:00"' in only_file(found)


def test_late_days_of_a_month_are_noted() -> None:
    changed = {"type": "monthly", "start": "2026-01-31T08:00:00Z"}
    found = convert("goalert", goalert([rule()], changed), now=NOW)
    assert "hands over late in the month" in said(found)
    assert 'unit: months, every: 1, anchor: "2026-01-31T09:00"' in only_file(found)


@pytest.mark.parametrize(
    "target, expected",
    [
        ({"id": "x", "type": "rotation", "name": "Other"}, "rotation Other: is not in the export"),
        (
            {"id": "x", "type": "slackChannel", "name": "#ops"},
            "slackChannel #ops: is a target of the kind slackChannel",
        ),
        ({"id": "x", "type": "user", "name": "Zoe"}, ""),
    ],
)
def test_targets_that_cannot_be_on_call_are_noted(target: dict[str, str], expected: str) -> None:
    targets = [
        {"target": {"id": "r1", "type": "rotation", "name": "Weekly"}, "rules": [rule()]},
        {"target": target, "rules": [rule("09:00", "10:00")]},
    ]
    found = convert("goalert", goalert([], schedule={"targets": targets}), now=NOW)
    assert expected in said(found)
    assert ("- [zoe]" in only_file(found)) is (not expected)


def test_a_rotation_without_users_and_a_rule_without_days_are_noted() -> None:
    empty = {"users": [], "userIDs": [], "activeUserIndex": -1}
    assert "has no users" in said(
        convert("goalert", goalert([rule()], empty | {"activeUserIndex": None}), now=NOW)
    )
    assert "has no rule that is ever active" in said(
        convert("goalert", goalert([rule(days=[False] * 7)]), now=NOW)
    )


def override(**changed: Any) -> dict[str, Any]:
    usual = {
        "start": "2026-03-10T00:00:00Z",
        "end": "2026-03-12T00:00:00Z",
        "addUserID": "",
        "removeUserID": "",
    }
    return usual | {"target": {"id": "s1"}} | changed


@pytest.mark.parametrize(
    "changed, line",
    [
        ({"addUserID": "zoe"}, "{add: [zoe], "),
        ({"removeUserID": "alice"}, "{remove: alice, "),
        ({"removeUserID": "alice", "addUserID": "zoe"}, "{replace: alice, by: zoe, "),
    ],
)
def test_overrides(changed: dict[str, Any], line: str) -> None:
    assert line in written([rule()], overrides=[override(**changed)])
    other = override(**changed) | {"target": {"id": "s2"}}
    assert "overrides:" not in written([rule()], overrides=[other])
    past = override(**changed) | {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    assert "override of the past" in said(convert("goalert", goalert([rule()], overrides=[past]), now=NOW))


def test_a_replacement_counts_more_than_a_removal_and_a_temporary_schedule_more_than_both(
    tmp_path: Path,
) -> None:
    temporary = {
        "start": "2026-03-11T00:00:00Z",
        "end": "2026-03-11T12:00:00Z",
        "shifts": [{"userID": "carol", "start": "2026-03-11T06:00:00Z", "end": "2026-03-11T12:00:00Z"}],
    }
    overrides = [
        override(removeUserID="bob", addUserID="erin"),
        override(removeUserID="bob"),
        override(addUserID="dan"),
    ]
    text = goalert([rule()], overrides=overrides, schedule={"temporarySchedules": [temporary]})
    found = convert("goalert", text, now=NOW)
    schedule = loaded(found, tmp_path).schedules["primary"]
    expected: dict[str, set[str]] = {
        "2026-03-09T23:59": {"bob"},
        "2026-03-10T00:00": {"erin", "dan"},
        "2026-03-11T03:00": set(),
        "2026-03-11T06:00": {"carol"},
        "2026-03-11T12:00": {"erin", "dan"},
        "2026-03-12T00:00": {"bob"},
    }
    for moment, people in expected.items():
        answers = who(schedule, (), datetime.fromisoformat(moment).replace(tzinfo=UTC))
        assert {answer.person for answer in answers} == people, moment


@pytest.mark.parametrize(
    "rules, more, path",
    [
        ([rule(days=[True])], {}, ".rules[0].weekdayFilter"),
        ([rule("9am")], {}, ".rules[0].start"),
        ([rule()], {"rotation": {"type": "yearly"}}, "$.data.rotations.nodes[0].type"),
        ([rule()], {"rotation": {"activeUserIndex": 7}}, "$.data.rotations.nodes[0].activeUserIndex"),
        ([rule()], {"overrides": [override()]}, "$.data.userOverrides.nodes[0]"),
        ([rule()], {"schedule": {"timeZone": "+02:00"}}, "$.data.schedule.timeZone"),
    ],
)
def test_the_first_wrong_thing_is_named(rules: list[Any], more: dict[str, Any], path: str) -> None:
    with pytest.raises(BadExport) as caught:
        convert("goalert", goalert(rules, **more), now=NOW)
    assert caught.value.path.endswith(path)


def test_a_refused_query_is_shown_as_such() -> None:
    with pytest.raises(BadExport, match=r"\$\.errors: GoAlert refused the query"):
        convert("goalert", json.dumps({"errors": [{"message": "x"}], "data": None}), now=NOW)


def test_further_answers_may_stand_behind_the_first() -> None:
    users = {"data": {"users": {"nodes": [{"id": "zoe-id", "name": "Zoe", "email": "zoe@example.com"}]}}}
    nameless = {key: value for key, value in override(addUserID="zoe-id").items() if key != "target"}
    text = goalert([rule()], overrides=[nameless])
    found = convert("goalert", text + json.dumps(users), now=NOW)
    assert "{add: [zoe], " in only_file(found)
    with pytest.raises(BadExport, match="does not say to which schedule it belongs"):
        convert("goalert", text + text, now=NOW)


def test_an_add_that_a_temporary_schedule_hides_wholly_is_not_written() -> None:
    def temporary(start: str, end: str) -> dict[str, Any]:
        outside = {"userID": "bob", "start": "2026-05-01T00:00:00Z", "end": "2026-05-02T00:00:00Z"}
        return {"start": start, "end": end, "shifts": [outside]}

    spans = [temporary("2026-03-09T00:00:00Z", "2026-03-13T00:00:00Z")]
    spans += [temporary("2026-04-09T00:00:00Z", "2026-04-13T00:00:00Z")]
    spans += [temporary("2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z")]
    text = goalert([rule()], overrides=[override(addUserID="dan")], schedule={"temporarySchedules": spans})
    found = convert("goalert", text, now=NOW)
    assert "add:" not in only_file(found)
    assert only_file(found).count("nobody: true") == 2
    assert "a temporary schedule of the past is left out" in said(found)


def test_a_weekday_is_true_or_false() -> None:
    days: list[Any] = [1, *[True] * 6]
    with pytest.raises(BadExport, match=r"weekdayFilter\[0\]: must be true or false"):
        convert("goalert", goalert([rule(days=days)]), now=NOW)
