"""A storm of incidents becomes one, and nothing of it is lost (I12)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import health
from incident_bot.flow.simulate import simulate
from tests.fakes.alertmanager import Firing, body_of
from tests.plugins.story import Story, on_every_database

TELL = Callable[..., Story]
SMALL = "storm: {openings: 3, within: 5m}"
on_files = pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)


def many(story: Story, count: int, *, first: int = 0, **labels: Any) -> None:
    for number in range(first, first + count):
        story.fires(alertname=f"Broken{number:03}", **labels)


def over(story: Story, numbers: range, **labels: Any) -> None:
    for number in numbers:
        story.resolves(alertname=f"Broken{number:03}", **labels)


@on_every_database
def test_what_overflows_is_one_incident_that_pages_once(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 10)
    titles = [one.title for one in story.incidents()]
    assert titles == ["Broken000", "Broken001", "Broken002", "Alert storm: route default"]
    assert story.incident(4).storm == "default"
    assert story.incident(4).firing == 7
    assert story.paged() == [("ana", 0)] * 4
    assert {one.incident for one in story.alerts()} == {"INC-1", "INC-2", "INC-3", "INC-4"}
    story.advance(minutes=15)
    assert story.paged()[4:] == [("ben", 15)] * 4


@on_every_database
def test_one_body_with_everything_is_one_storm(tell: TELL) -> None:
    story = tell(
        more=SMALL, default="{team: web, action: incident, severity: P1, group_by: [alertname, instance]}"
    )
    labels = [
        {"alertname": "Down", "severity": "high" if number else "critical", "instance": f"i{number}"}
        for number in range(200)
    ]
    story.told(*(Firing(one, {}, story.clock.now()) for one in labels))
    found = story.incidents()
    assert [one.storm for one in found] == [None, None, None, "default"]
    assert [one.severity for one in found] == ["P1", "P2", "P2", "P2"]
    assert story.incident(4).firing == 197
    assert [(one.name, one.firing, one.total) for one in story.incident(4).tally] == [("Down", 197, 197)]


@on_every_database
def test_a_worse_alert_raises_the_storm_and_pages_again(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 5, severity="high")
    assert story.incident(4).severity == "P2"
    before = len(story.paged())
    many(story, 1, first=5, severity="critical")
    assert story.incident(4).severity == "P1"
    assert len(story.paged()) == before + 1
    many(story, 1, first=6, severity="critical")
    assert len(story.paged()) == before + 1


@on_every_database
def test_it_is_over_when_the_bucket_is_full_again(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 5)
    story.advance(minutes=4)
    many(story, 1, first=5)
    assert len(story.incidents()) == 4
    story.advance(minutes=4, seconds=59)
    story.advance(seconds=1)
    many(story, 1, first=6)
    assert [one.title for one in story.incidents()][4:] == ["Broken006"]


@on_every_database
def test_it_resolves_when_all_that_it_adopted_is_over(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 6)
    over(story, range(3, 5))
    story.advance(minutes=3)
    assert story.incident(4).escalation == "triggered"
    over(story, range(5, 6))
    story.advance(seconds=90)
    assert story.incident(4).escalation == "resolved"
    assert [one.escalation for one in story.incidents()][:3] == ["triggered"] * 3


@on_every_database
def test_what_is_exempt_opens_alone_and_takes_no_token(tell: TELL) -> None:
    story = tell(more=f'{SMALL}\nstorm_exempt: [\'tier="0", alertname=~"Broken.*"\', \'alertname="Fire"\']')
    many(story, 5, tier="0")
    assert [one.storm for one in story.incidents()] == [None] * 5
    many(story, 5, first=5)
    story.fires(alertname="Fire")
    many(story, 1, first=10, tier="0")
    storms = [one.id for one in story.incidents() if one.storm]
    assert storms == ["INC-9"]
    assert [one.title for one in story.incidents()][9:] == ["Fire", "Broken010"]


def test_each_team_and_route_has_a_bucket_of_its_own(tell: TELL) -> None:
    routes = "[{match: ['kind=\"disk\"'], storm: {openings: 1}}, {match: ['kind=\"net\"'], storm: off}]"
    story = tell(more=SMALL, routes=routes)
    many(story, 3, kind="disk")
    many(story, 6, first=10, kind="net")
    many(story, 4, first=20, team="data")
    storms = [(one.storm, one.team, one.firing) for one in story.incidents() if one.storm]
    assert storms == [('kind="disk"', "web", 2), ("default", "data", 1)]


@on_files
def test_a_restart_and_another_replica_share_the_bucket(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 2)
    story.restart()
    many(story, 1, first=2)
    if "sqlite" not in story.url:
        story.application = story.replica()
    many(story, 3, first=3)
    story.restart()
    many(story, 3, first=6)
    assert [one.storm for one in story.incidents()] == [None, None, None, "default"]
    assert story.incident(4).firing == 6


@pytest.mark.parametrize("story_url", ["postgresql"], indirect=True)
def test_two_replicas_at_once_open_one_storm(tell: TELL) -> None:
    story = tell(more=SMALL)
    other = story.replica()
    now = story.clock.now()
    with ThreadPoolExecutor(2) as pool:
        bodies = [
            body_of(name, [Firing({"alertname": name, "severity": "critical"}, {}, now)])
            for name in (f"Broken{number:03}" for number in range(40))
        ]
        answers = [
            pool.submit(application.intake.submit("alertmanager", body).result, timeout=30)
            for body, application in zip(bodies, [story.application, other] * 20, strict=True)
        ]
        assert {answer.result().status for answer in answers} == {200}
    found = story.incidents()
    assert sorted(one.storm or "" for one in found) == ["", "", "", "default"]
    assert sum(one.firing for one in found) == 40


@on_every_database
def test_every_alert_that_came_is_listed_whatever_happens_to_it(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 12)
    over(story, range(4, 8))
    story.advance(minutes=1)
    many(story, 4, first=20)
    listed = sum(one.total for number in range(1, 5) for one in story.incident(number).tally)
    assert listed == 16
    assert sum(story.incident(number).firing for number in range(1, 5)) == 12


def test_the_page_the_card_and_the_reasons_tell_of_it(tell: TELL) -> None:
    story = tell(more=SMALL, announce='[{channel: "#all"}]')
    many(story, 3)
    story.told(*(Firing({"alertname": "Down", "instance": str(n)}, {}, story.clock.now()) for n in range(60)))
    many(story, 2, first=3)
    page = story.taken("page")[-1].message
    assert page.subject == "P1: Alert storm: route default"
    assert "Storm of 60: Down: 60 firing" in page.text
    card = story.says("info", incident=4)
    assert "Alert storm: route default" in card
    assert "Down: 60 firing\nBroken003: 1 firing\nBroken004: 1 firing" in card
    why = story.says("why", incident=4)
    reason = "adopted by the storm incident INC-4, because route default opened more than 3 incidents in 5m"
    assert reason in why
    assert "route default opened more than 3 incidents in 5m" in story.entry("opened", 4).text
    assert "adopted by the storm, instead of incidents: 1" in story.entry("alert_attached", 4).text


@on_every_database
def test_an_alert_is_taken_out_and_pages_on_its_own(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 6)
    story.says("ack", incident=4)
    before = len(story.paged())
    said = story.says("split Broken004 that one is ours", incident=4)
    assert said == "1 alert goes on as INC-5, which is paged for now. Undo: `dup INC-5 INC-4`."
    assert (story.incident(5).title, story.incident(5).firing) == ("Broken004", 1)
    assert story.incident(4).firing == 2
    assert len(story.paged()) == before + 1
    assert "Broken004" in story.entry("split_off", 4).text
    assert "that one is ours" in story.entry("split_off", 4).text
    assert "taken out of the storm INC-4" in story.entry("opened", 5).text
    story.fires(alertname="Broken004", instance="b")
    assert story.incident(5).firing == 2
    number = story.alert(alertname="Broken005").id
    story.says(f"split {number}", incident=4)
    assert story.incident(6).title == "Broken005"
    story.says("split Broken003", incident=4)
    assert story.incident(4).firing == 0
    story.advance(seconds=90)
    assert story.incident(4).escalation == "resolved"


def test_alerts_of_one_name_go_together_and_join_those_before(tell: TELL) -> None:
    story = tell(
        more=SMALL, default="{team: web, action: incident, severity: P1, group_by: [alertname, instance]}"
    )
    labels = [{"alertname": "Down", "instance": str(number)} for number in range(8)]
    story.told(*(Firing(one, {}, story.clock.now()) for one in labels))
    many(story, 1)
    story.says("split down", incident=4)
    assert (story.incident(5).firing, story.incident(4).firing) == (5, 1)
    story.fires(alertname="Down", instance="9")
    story.says("split Down", incident=4)
    assert (story.incident(5).firing, len(story.incidents())) == (6, 5)


def test_what_cannot_be_taken_out_is_refused_with_what_there_is(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 5)
    with pytest.raises(Refused, match=r"INC-4 has: Broken003, Broken004"):
        story.says("split Nothing", incident=4)
    with pytest.raises(Refused, match=r"INC-1 is no alert storm"):
        story.says("split Broken000", incident=1)
    story.says("resolve all well", incident=4)
    with pytest.raises(Refused, match=r"INC-4 is resolved"):
        story.says("split Broken003", incident=4)


def test_a_storm_that_was_merged_goes_on_in_the_other(tell: TELL) -> None:
    story = tell(more=SMALL)
    many(story, 5)
    story.says("dup INC-1", incident=4)
    many(story, 3, first=5)
    assert len(story.incidents()) == 4
    assert story.incident(1).firing == 6


def test_a_simulation_says_that_the_route_is_in_a_storm(tell: TELL) -> None:
    story = tell(more=SMALL)

    def notes() -> tuple[str, ...]:
        labels = {"alertname": "New", "severity": "critical"}
        return simulate(story.context, labels=labels, annotations={}, at=story.clock.now()).notes

    many(story, 3)
    assert not [note for note in notes() if "storm" in note]
    many(story, 1, first=3)
    assert "Its route default has been in a storm since 2026-03-03 03:00 UTC: it would be adopted." in notes()
    story.advance(minutes=5)
    assert not [note for note in notes() if "storm" in note]


def test_off_opens_an_incident_for_each(tell: TELL) -> None:
    story = tell(more="storm: off")
    many(story, 30)
    assert len(story.incidents()) == 30


def test_no_storm_of_a_few_dozen_unless_said(tell: TELL) -> None:
    story = tell()
    many(story, 40)
    assert [one.storm for one in story.incidents()] == [None] * 40


def test_what_a_storm_adopted_is_counted_by_route(tell: TELL) -> None:
    story = tell(more="storm: {openings: 20}")
    many(story, 22)
    assert [one.storm for one in story.incidents()] == [None] * 20 + ["default"]
    health.refresh_metrics(story.context, now=story.clock.now())
    shown = story.context.metrics.render().decode()
    assert 'incident_bot_storm_adopted_total{route="default"} 2.0' in shown
    assert "incident_bot_incidents_flapping 0.0" in shown
