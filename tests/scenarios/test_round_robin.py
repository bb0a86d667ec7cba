"""`round_robin: true`: a step pages one of those behind its targets, each incident the next one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from incident_bot.flow.simulate import simulate
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import LAYERS, PEOPLE

Tell = Callable[..., Story]

RING = "{page: [lead, manager, person/dan], round_robin: true}"
TURNS = {"P1": f"[{RING}]", "P2": f"[{RING}]"}
AWAY = (
    LAYERS
    + """
absences:
  - {who: cleo, start: "2026-03-01T00:00", end: "2026-03-05T00:00", reason: leave}
"""
)


def alone(story: Story, name: str) -> str:
    """Fire one alert, and say who was paged for it."""
    before = len(story.paged())
    story.advance(seconds=1)
    story.fires(alertname=name)
    ((person, _),) = story.paged()[before:]
    story.says("ack", by="ana")
    return person


@on_every_database
def test_each_incident_pages_the_next_one(tell: Tell) -> None:
    story = tell(matrix=TURNS)
    assert [alone(story, f"A{number}") for number in range(5)] == ["ben", "cleo", "dan", "ben", "cleo"]
    why = [page.reason for page in story.pages(2)]
    assert why == ["manager of web, next in turn after ben, step 1 of 1 of P1"]


def test_the_turn_survives_a_restart_and_the_next_round_pages_the_next_one(tell: Tell) -> None:
    story = tell(matrix=TURNS, repeat="{P1: 2}")
    story.fires()
    story.advance(minutes=5)
    story.restart()
    story.advance(minutes=5)
    assert story.paged() == [("ben", 0), ("cleo", 5), ("dan", 10)]


def test_two_that_open_in_one_delivery_page_two_people(tell: Tell) -> None:
    story = tell(
        matrix=TURNS, default="{team: web, action: incident, severity: P1, group_by: [alertname, instance]}"
    )
    story.alertmanager.fire(
        {"alertname": "HighErrorRate", "severity": "critical", "instance": "one"}, {}, since=story.clock.now()
    )
    story.fires(instance="two")
    assert story.paged() == [("ben", 0), ("cleo", 0)]


def test_every_severity_has_a_turn_of_its_own(tell: Tell) -> None:
    story = tell(matrix=TURNS)
    assert alone(story, "A") == "ben"
    story.fires(alertname="B", severity="high")
    assert story.pages()[0].person == "ben"


def test_whoever_is_away_or_out_of_reach_is_passed_over(tell: Tell) -> None:
    story = tell(matrix=TURNS, layers=AWAY)
    story.slack.unreachable = {"ben"}
    story.channels["webhook"].unreachable = {"ben"}
    assert [alone(story, f"A{number}") for number in range(3)] == ["dan", "dan", "dan"]
    step = story.entry("step")
    assert "no channel reaches Ben Example; away: Cleo Example" in step.text


def test_where_all_are_away_the_step_has_nobody(tell: Tell) -> None:
    story = tell(
        matrix={"P1": "[{page: [manager], round_robin: true}, {after: 15m, page: [lead]}]"}, layers=AWAY
    )
    story.fires()
    assert story.paged() == [("ben", 0), ("fay", 0)]
    assert story.entry("nobody").text == "Nobody to page at step 1: cleo is away"


def test_whoever_left_is_passed_over_and_the_ring_begins_again(tell: Tell) -> None:
    story = tell(matrix=TURNS)
    assert alone(story, "A") == "ben"
    assert alone(story, "B") == "cleo"
    story.configure(matrix=TURNS, people=PEOPLE.replace("slack: U0CLEO}", "slack: U0CLEO, active: false}"))
    assert alone(story, "C") == "ben"


def test_looking_ahead_moves_no_turn(tell: Tell) -> None:
    story = tell(matrix=TURNS, repeat="{P1: 1}")
    for _ in range(2):
        view = simulate(
            story.context,
            labels={"alertname": "X", "severity": "critical"},
            annotations={},
            at=story.clock.now(),
        )
        assert [page.person for page in view.pages if page.kind == "page"] == ["ben", "cleo", "theo"]
    assert alone(story, "A") == "ben"
    view = simulate(
        story.context, labels={"alertname": "X", "severity": "critical"}, annotations={}, at=story.clock.now()
    )
    assert next(page.person for page in view.pages if page.kind == "page") == "cleo"


@on_every_database
def test_replicas_never_use_the_same_turn(tell: Tell) -> None:
    story = tell(matrix=TURNS)
    replicas = [story.application]
    if story.url.startswith("postgresql"):
        replicas += [story.replica(), story.replica()]
    bodies = [
        story.alertmanager.fire(
            {"alertname": f"A{number}", "severity": "critical"}, {}, since=story.clock.now()
        )
        for number in range(9)
    ]
    with ThreadPoolExecutor(3) as pool:
        answers = [
            pool.submit(replicas[number % len(replicas)].intake.submit, "alertmanager", body)
            for number, body in enumerate(bodies)
        ]
        assert {one.result(timeout=30).result(timeout=30).status for one in answers} == {200}
    story.pump()
    people = [story.pages(incident.number)[0].person for incident in story.incidents()]
    assert sorted(people) == ["ben"] * 3 + ["cleo"] * 3 + ["dan"] * 3
