"""`replay`: recorded deliveries in every form, what comes out, and files that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from incident_bot.flow.replay.recordings import read
from tests.cli.command_line import CommandLine

START = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)


def body(*, minute: int = 0, status: str = "firing", name: str = "HighErrorRate") -> dict[str, Any]:
    begins = START.isoformat()
    ends = (START + timedelta(minutes=minute)).isoformat() if status == "resolved" else "0001-01-01T00:00:00Z"
    labels = {"alertname": name, "severity": "critical"}
    alert = {"status": status, "labels": labels, "annotations": {}, "startsAt": begins, "endsAt": ends}
    return {
        "version": "4", "receiver": "bot", "groupKey": f"{{}}:{name}", "status": status, "alerts": [alert],
        "truncatedAlerts": 0,
    }  # fmt: skip


def entry(minute: int, **words: Any) -> dict[str, Any]:
    at = (START + timedelta(minutes=minute)).isoformat()
    return {"at": at, "source": "alertmanager", "body": body(minute=minute, **words)}


def lines(*items: object) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


@pytest.fixture
def storm(bot: CommandLine) -> CommandLine:
    """Two alerts, the first of which ends after 20 minutes."""
    bot.write({"storm.jsonl": lines(entry(0), entry(5, name="DiskFull"), entry(20, status="resolved"))})
    return bot


def told(bot: CommandLine, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bot("replay", *words, "--format", "json").out)
    return found


def test_text(storm: CommandLine) -> None:
    out = storm.ok(
        "replay", "storm.jsonl", "--ack-after", "10m", "--until", "2026-03-03T04:00:00Z", "--pages"
    )
    first, second, _, heads, ana, *_ = out.splitlines()
    assert first.startswith("2026-03-03 03:00:00Z to 2026-03-03 04:00:00Z: 3 deliveries (")
    assert second == "2 alerts, 2 incidents, 2 pages, 2 of them at night"
    assert heads.split() == ["person", "pages", "at", "night", "time", "zone"]
    assert ana.split() == ["Ana", "Example", "2", "2", "Europe/Berlin"]
    assert "  04:00  ######################################## 2" in out
    assert (
        "2026-03-03 03:05:00Z  Ana Example (2026-03-03 04:05 CET, night) by slack: INC-2 [P1] DiskFull" in out
    )


def test_json(storm: CommandLine) -> None:
    found = told(storm, "storm.jsonl", "--until", "2026-03-03T03:16:00Z")
    assert (found["deliveries"], found["pages"], found["incidents"]) == (2, 3, 2)
    assert [(one["person"], one["pages"]) for one in found["people"]] == [("ana", 2), ("ben", 1)]
    assert found["hours"][4] == 2
    assert found["paged"][0]["at"] == "2026-03-03T03:00:00Z"
    assert found["deliveries_per_second"] > 0
    assert found["happened"] is None


def test_a_chart(storm: CommandLine) -> None:
    said = storm("replay", "storm.jsonl", "--chart", "hours.svg", "--ack-after", "5m")
    assert (said.status, said.err) == (0, "written: hours.svg\n")
    root = ET.fromstring((storm.directory / "hours.svg").read_text(encoding="utf-8"))  # noqa: S314 -- our own text
    text = "".join(root.itertext())
    assert "replay: 04:00 2 pages." in text
    assert "night, 22:00 to 06:00" in text


def test_every_form_is_the_same(storm: CommandLine) -> None:
    whole = [entry(0), entry(5, name="DiskFull"), entry(20, status="resolved")]
    storm.write({"list.json": json.dumps(whole), "one.json": json.dumps(body(), indent=1)})
    until = ("--until", "2026-03-03T04:00:00Z")
    pages = told(storm, "storm.jsonl", *until)["paged"]
    assert told(storm, "list.json", *until)["paged"] == pages
    assert told(storm, "one.json", *until)["start"] == "2026-03-03T03:00:00Z"
    said = storm("replay", "-", "--format", "json", *until, stdin=json.dumps(whole).encode())
    assert json.loads(said.out)["paged"] == pages


def test_another_configuration(storm: CommandLine, tmp_path: Path) -> None:
    for path in [*storm.directory.glob("rotations/**/*.yaml"), *storm.directory.glob("runbooks/*")]:
        other = tmp_path / "other" / path.relative_to(storm.directory)
        other.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        other.write_text(text.replace("people: [[ana]]", "people: [[ben]]"), encoding="utf-8")
    found = told(storm, "storm.jsonl", "--config", "other", "--ack-after", "5m")
    assert [one["person"] for one in found["people"]] == ["ben"]


def test_beside_what_happened_and_from_the_database(storm: CommandLine) -> None:
    assert "there is no delivery to replay" in storm.refused("replay", "--recorded", "--since", "2026-03-01")
    found = told(storm, "storm.jsonl", "--compare", "--ack-after", "5m")
    assert (found["happened"]["pages"], found["happened"]["people"][0]["difference"]) == (0, 2)
    out = storm.ok("replay", "storm.jsonl", "--compare", "--ack-after", "5m")
    lines = [line.split() for line in out.splitlines()]
    assert ["Ana", "Example", "0", "2", "+2", "+2"] in lines
    assert lines[-3] == ["alert", "happened", "replay", "difference"]
    assert lines[-1] == ["HighErrorRate", "0", "1", "+1"]


@pytest.mark.parametrize(
    "words, says",
    [
        (("no-such-file",), "'no-such-file' cannot be read: No such file or directory"),
        (("rotations",), "'rotations' cannot be read: Is a directory"),
        (("storm.jsonl", "--ack-after", "5"), "--ack-after: 5 has no unit"),
        (("storm.jsonl", "--until", "soon"), "'soon' is no instant"),
        (("storm.jsonl", "--since", "2027-01-01"), "there is no delivery to replay in this time"),
        (("storm.jsonl", "--chart", "no/such.svg"), "cannot be written"),
        (("--recorded",), "--recorded needs --since"),
    ],
)
def test_what_cannot_be_done(words: tuple[str, ...], says: str, storm: CommandLine) -> None:
    assert says in storm.refused("replay", *words)


def test_used_wrongly(storm: CommandLine) -> None:
    assert "give either files" in storm.misused("replay")
    assert "give either files" in storm.misused("replay", "storm.jsonl", "--recorded")


def test_a_bad_delivery_is_named_and_left_out(storm: CommandLine) -> None:
    text = (
        lines(entry(0)) + "{oops\n\n" + lines({"at": "soon", "body": body()}, {"body": {}, "source": "x"}, 7)
    )
    storm.write({"mixed.jsonl": text + lines({"body": {"version": "3"}, "at": START.isoformat()})})
    said = storm("replay", "mixed.jsonl", "--ack-after", "5m")
    assert said.status == 0
    assert said.err.splitlines() == [
        "mixed.jsonl:2: left out: not JSON: Expecting property name enclosed in double quotes, line 1 column 2",
        "mixed.jsonl:4: left out: `at` is no instant; write 2026-11-21T03:00:00Z",
        "mixed.jsonl:5: left out: there is no `at`, and no alert has a time",
        "mixed.jsonl:6: left out: expected an object: a webhook body, or one with `at`, `source` and `body`",
        'mixed.jsonl:7: left out: $.version: expected "4", the version of Alertmanager\'s webhook',
    ]
    assert "5 deliveries left out" in said.out


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"9" * 5000, b"null",
        b"[null, [], 1]",
        b'{"body": null}', b'{"body": {"alerts": [{"startsAt": 5}, 7, null]}}', b'{"alerts": {"startsAt": "x"}}',
        b'{"body": {}, "at": "9999-12-31T23:59:59Z"}', b'{"body": {}, "at": "0001-01-01T00:00:00+14:00"}',
        b'{"body": {}, "at": "2026-03-03T03:00:00"}', b'{"body": {}, "source": "", "at": "2026-03-03T03:00:00Z"}',
        b'{"body": {}, "source": 7, "at": "2026-03-03T03:00:00Z"}', b"\x00\n\x00", b'"text"\n"text"',
    ],
    ids=range(17),
)  # fmt: skip
def test_hostile_files_are_no_deliveries(content: bytes) -> None:
    found, skipped = read("x", content, source="alertmanager")
    assert not found
    assert all(len(one.reason) < 200 and one.place.startswith("x") for one in skipped)
    assert skipped or content == b"[]"


def test_times_in_nanoseconds_and_half_characters() -> None:
    one = body() | {"receiver": "\ud800"}
    one["alerts"][0]["startsAt"] = "2026-03-03T03:00:00.123456789+01:00"
    (found,), skipped = read("x", json.dumps(one).encode(), source="s")
    assert found.at == datetime(2026, 3, 3, 2, 0, 0, 123456, tzinfo=UTC)
    assert not skipped
