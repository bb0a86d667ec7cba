"""`/api/v1/oncall/report`: hours and pages as JSON and CSV, and the chart; what counts as a page, and when."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from incident_bot.flow import load
from incident_bot.flow.load import BearerView, LoadView
from tests.entrypoints.conftest import START, World

REPORT = "/api/v1/oncall/report"
FEBRUARY = {"from": "2026-02-02T08:00:00Z", "to": "2026-02-16T08:00:00Z"}


def test_hours_of_two_weeks(world: World) -> None:
    answer = world.client().get(REPORT, params=FEBRUARY).json()
    assert (answer["start"], answer["end"]) == (FEBRUARY["from"], FEBRUARY["to"])
    assert answer["schedules"] == ["platform-primary"]
    assert [(one["person"], one["hours"], one["share"], one["shifts"]) for one in answer["people"]] == [
        ("alice", 168.0, 0.5, 1),
        ("bob", 168.0, 0.5, 1),
    ]
    alice = answer["people"][0]
    assert (alice["weekday_day"], alice["weekday_night"], alice["weekend"], alice["holiday"]) == (
        80,
        40,
        48,
        0,
    )
    assert alice["time_zone"] == "Europe/Berlin"


def test_a_page_counts_once_a_step_and_at_night_on_the_persons_clock(world: World) -> None:
    # It is 03:00 in UTC, where bob is, and 04:00 in Berlin.
    world.open_incident()
    world.pump()
    span = {"from": "2026-03-03T00:00:00Z", "to": "2026-03-04T00:00:00Z"}
    people = world.client().get(REPORT, params=span).json()["people"]
    paged = {one["person"]: (one["pages"], one["night_pages"]) for one in people}
    assert sum(pages for pages, _ in paged.values()) == 1
    assert all(pages == dark for pages, dark in paged.values())
    before = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}
    assert not any(one["pages"] for one in world.client().get(REPORT, params=before).json()["people"])


def test_who_is_paged_without_being_on_call_is_listed_too(world: World) -> None:
    world.open_incident()
    world.clock.advance(timedelta(minutes=16))
    world.pump()
    span = {"from": "2026-03-03T02:00:00Z", "to": "2026-03-03T05:00:00Z"}
    people = world.client().get(REPORT, params=span).json()["people"]
    assert {one["person"] for one in people if one["pages"]} == {"alice", "bob"}
    assert sorted(one["hours"] for one in people) == [0, 3]
    on = world.client().get(REPORT, params={**span, "schedule": "platform-primary"}).json()["people"]
    assert [one["hours"] for one in on] == [3]


def test_without_a_span_it_is_the_last_four_weeks(world: World) -> None:
    answer = world.client().get(REPORT).json()
    assert (answer["start"], answer["end"]) == ("2026-02-03T03:00:00Z", "2026-03-03T03:00:00Z")
    assert world.clock.now() == START


def test_the_past_is_that_of_the_configuration_in_force_then(world: World) -> None:
    context = world.application.context
    context.live.record(now=world.clock.now())
    for path in (world.directory / "rotations").rglob("*.yaml"):
        path.write_text(path.read_text().replace("alice", "anna").replace("Alice", "Anna"))
    world.clock.advance(timedelta(days=1))
    assert context.live.reload(now=world.clock.now()).changed
    people = world.client().get(REPORT, params=FEBRUARY).json()["people"]
    assert {(one["person"], one["name"], one["time_zone"]) for one in people} == {
        ("alice", "alice", "UTC"),  # gone from people.yaml
        ("bob", "Bob <b>Example</b>", "UTC"),
    }


def test_an_override_made_at_run_time_counts(world: World) -> None:
    end = (world.clock.now() + timedelta(hours=10)).isoformat()
    made = world.client().post(
        "/api/v1/schedules/platform-primary/overrides", json={"cover": ["bob"], "end": end, "reason": "swap"}
    )
    assert made.status_code in (200, 201), made.text
    span = {"from": "2026-03-03T03:00:00Z", "to": "2026-03-03T13:00:00Z"}
    (bob,) = world.client().get(REPORT, params=span).json()["people"]
    assert (bob["person"], bob["hours"]) == ("bob", 10)


def test_csv(world: World) -> None:
    answer = world.client().get(REPORT, params={**FEBRUARY, "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["person"], row["name"], row["hours"]) for row in rows] == [
        ("alice", "Alice Example", "168.0"),
        ("bob", "Bob <b>Example</b>", "168.0"),
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", 'a "quoted", name'])
def test_no_cell_is_a_formula(name: str) -> None:
    one = BearerView(
        person="ana", name=name, time_zone="UTC", shifts=1, hours=1.0, weekday_day=1.0, weekday_night=0.0, weekend=0.0,
        holiday=0.0, share=1.0, pages=0, night_pages=0,
    )  # fmt: skip
    view = LoadView(start=START, end=START + timedelta(days=1), schedules=("web",), people=(one,))
    (row,) = csv.DictReader(io.StringIO(load.as_csv(view)))
    assert row["name"].lstrip("'") == name
    assert row["name"][0] not in "=+-@\t"


def test_the_chart_of_the_last_twelve_weeks(world: World) -> None:
    answer = world.client().get(f"{REPORT}.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "style-src 'sha256-" in policy
    assert "script-src" not in policy
    root = ET.fromstring(answer.text)  # noqa: S314 -- our own text
    told = "".join(root.itertext())
    assert "Bob <b>Example</b>" in told
    assert "15 Dec" in told
    assert "02 Mar" in told
    one = world.client().get(f"{REPORT}.svg", params={"schedule": "platform-primary"})
    assert "Load on platform-primary" in one.text


@pytest.mark.parametrize(
    "parameters, status",
    [
        ({"schedule": "nope"}, 404),
        ({"from": "2026-02-16T08:00:00Z", "to": "2026-02-02T08:00:00Z"}, 409),
        ({"from": "2020-02-16T08:00:00Z", "to": "2026-02-02T08:00:00Z"}, 409),
        ({"from": "yesterday"}, 422),
        ({"format": "xml"}, 422),
    ],
)
def test_what_cannot_be_reported(parameters: dict[str, str], status: int, world: World) -> None:
    answer = world.client().get(REPORT, params=parameters)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_schedule_has_no_chart(world: World) -> None:
    assert world.client().get(f"{REPORT}.svg", params={"schedule": "nope"}).status_code == 404


def test_a_token_is_needed(guarded: World) -> None:
    assert guarded.client().get(REPORT).status_code == 401
    assert guarded.client().get(f"{REPORT}.svg").status_code == 401
