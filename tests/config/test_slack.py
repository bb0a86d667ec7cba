"""`rotations/slack.yaml`: every key has a default, and what is wrong is named with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from incident_bot.core.rooms import ChatRules, RoomRules
from tests.config.sets import BASE, problems_of, revision_of

SLACK = "rotations/slack.yaml"


def test_without_the_file_everything_is_as_usual(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, BASE)
    assert (revision.rooms, revision.chat) == (RoomRules(), ChatRules())


def test_what_is_written_counts(tmp_path: Path) -> None:
    text = (
        'slack:\n  room_name: "{date}-{severity}-{number}"\n  archive_after: never\n'
        '  reactions: {timeline: ":memo:", done: heavy_check_mark, followup: eyes}\n'
        "  unknown_people: refuse\n  commands: {incident: /inc-test, oncall: /wache}\n"
    )
    revision = revision_of(tmp_path, {**BASE, SLACK: text})
    assert revision.rooms == RoomRules(name="{date}-{severity}-{number}", archive_after=None)
    assert revision.chat == ChatRules(
        timeline="memo",
        done="heavy_check_mark",
        followup="eyes",
        strangers=False,
        incident_command="/inc-test",
        oncall_command="/wache",
    )


def test_a_grace_has_a_unit(tmp_path: Path) -> None:
    assert revision_of(
        tmp_path, {**BASE, SLACK: "slack: {archive_after: 12h}\n"}
    ).rooms.archive_after == timedelta(hours=12)


@pytest.mark.parametrize(
    "text, told",
    [
        ("slack:\n  room_name: '{nummer}'\n", '2: slack.room_name: unknown field "{nummer}"; did you mean "number"?'),
        ("slack:\n  room_name: 'inc-{number'\n", "2: slack.room_name: has a brace without its other half"),
        ("slack:\n  room_name: ''\n", "2: slack.room_name: is empty"),
        ("slack:\n  archive_after: 3\n", "2: slack.archive_after: 3 has no unit"),
        ("slack:\n  archive_after: soon\n", "2: slack.archive_after: 'soon' is not a duration"),
        ("slack:\n  reactions:\n    done: Tick!\n", '3: slack.reactions.done: "Tick!" is not the name of an emoji'),
        ("slack:\n  reactions:\n    done: pushpin\n", '3: slack.reactions.done: "pushpin" is timeline already'),
        ("slack:\n  commands:\n    incident: incident\n", '3: slack.commands.incident: "incident" is not a command'),
        ("slack:\n  commands:\n    oncall: /incident\n", '3: slack.commands.oncall: "/incident" is the command'),
        ("slack:\n  unknown_people: maybe\n", "2: slack.unknown_people: "),
        ("slack:\n  rooms: yes\n", "2: slack.rooms: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (problem,) = problems_of(tmp_path, {**BASE, SLACK: text})
    assert str(problem).startswith(f"{SLACK}:{told}")
