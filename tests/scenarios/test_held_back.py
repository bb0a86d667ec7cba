"""Maintenance over an open incident, and silences: paging waits, and goes on when nothing holds it (section 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident_bot.flow import interventions
from tests.fakes.alertmanager import AlertmanagerApi
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]


def plan(
    story: Story, *, begins: float = 0, lasts: float = 60, matcher: str = 'alertname="HighErrorRate"'
) -> int:
    start = story.clock.now() + timedelta(minutes=begins)
    made = interventions.add_maintenance(
        story.context,
        matchers=[matcher],
        start=start,
        end=start + timedelta(minutes=lasts),
        reason="new switch",
        actor="ben",
        now=story.clock.now(),
    )
    story.pump()
    number = made["id"]
    assert isinstance(number, int)
    return number


@on_every_database
def test_a_maintenance_that_begins_over_an_open_incident_holds_its_paging_back_until_its_end(
    story: Story,
) -> None:
    story.fires()
    plan(story, begins=10, lasts=60)
    story.advance(minutes=69)
    assert story.paged() == [("ana", 0)]
    assert story.incident().escalation_state == "paused"
    assert "maintenance: new switch" in story.entry("paused").text
    story.advance(minutes=1)
    assert story.paged() == [("ana", 0), ("ana", 70)]


def test_one_that_begins_at_once_holds_back_at_once_and_ended_early_pages_at_once(story: Story) -> None:
    story.fires()
    story.advance(minutes=5)
    number = plan(story, lasts=300)
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0)]
    interventions.end_maintenance(story.context, number, actor="ben", now=story.clock.now())
    story.pump()
    assert story.paged() == [("ana", 0), ("ana", 35)]
    story.advance(minutes=15)
    assert story.paged()[-1] == ("ben", 50)


def test_a_second_window_holds_on(story: Story) -> None:
    story.fires()
    plan(story, lasts=30)
    plan(story, begins=20, lasts=40)
    story.advance(minutes=59)
    assert story.paged() == [("ana", 0)]
    story.advance(minutes=1)
    assert story.paged() == [("ana", 0), ("ana", 60)]


def test_a_window_over_some_of_its_alerts_holds_nothing_back(story: Story) -> None:
    story.fires(instance="a")
    story.fires(instance="b")
    plan(story, matcher='instance="a"')
    story.advance(minutes=15)
    assert story.paged()[-1] == ("ben", 15)


def test_what_somebody_has_is_left_alone(story: Story) -> None:
    story.fires()
    story.says("ack")
    plan(story)
    assert story.incident().escalation == "acknowledged"
    assert "paused" not in story.kinds()


@pytest.mark.parametrize("rules, waits", [("", True), ("pause_on_silence: false", False)])
def test_paging_waits_while_every_alert_is_silenced(rules: str, waits: bool, tell: Tell) -> None:
    story = tell(rules=rules)
    with AlertmanagerApi(story.alertmanager) as api:
        source = f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}'
        story.configure(sources=source, rules=rules)
        story.reconciles()
        story.fires(instance="a")
        story.fires(instance="b")
        silence(story, "a")
        story.advance(minutes=3)
        assert story.incident().escalation_state == "running"

        silence(story, "b")
        story.advance(minutes=20)
        assert (story.incident().escalation_state == "paused") is waits
        assert (story.paged() == [("ana", 0)]) is waits
        if not waits:
            return
        assert "every alert of it is silenced" in story.entry("paused").text
        epoch = story.incident().epoch

        story.alertmanager.find(instance="b").silenced_by = ()
        story.advance(minutes=2)
        assert story.incident().epoch == epoch + 1
        assert [person for person, _ in story.paged()] == ["ana", "ana"]


def silence(story: Story, instance: str) -> None:
    story.alertmanager.find(instance=instance).silenced_by = ("s-1",)


def test_a_snooze_that_ends_within_a_maintenance_wakes_nobody_before_its_end(story: Story) -> None:
    story.fires()
    story.says("snooze 20m")
    plan(story, begins=5, lasts=60)
    story.advance(minutes=64)
    assert story.paged() == [("ana", 0)]
    assert story.incident().escalation_state == "paused"
    assert story.kinds()[-2:] == ["woken", "paused"]
    story.advance(minutes=1)
    assert story.paged() == [("ana", 0), ("ana", 65)]


def test_an_acknowledgement_that_expires_within_a_maintenance_wakes_nobody_before_its_end(
    tell: Tell,
) -> None:
    story = tell(ack_timeout="{high: 30m}")
    story.fires()
    story.says("ack")
    plan(story, begins=10, lasts=60)
    story.advance(minutes=69)
    assert [heard.message.recipient for heard in story.taken("page")] == ["ana"]
    assert (story.incident().escalation, story.incident().escalation_state) == ("triggered", "paused")
    story.advance(minutes=1)
    assert story.paged()[-1] == ("ana", 70)


def test_a_snooze_that_ends_under_a_silence_wakes_nobody_before_the_silence_ends(tell: Tell) -> None:
    story = tell()
    with AlertmanagerApi(story.alertmanager) as api:
        story.configure(sources=f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}')
        story.reconciles()
        story.fires(instance="a")
        story.says("snooze 20m")
        silence(story, "a")
        story.advance(minutes=40)
        assert story.paged() == [("ana", 0)]
        assert story.incident().escalation_state == "paused"
        story.alertmanager.find(instance="a").silenced_by = ()
        story.advance(minutes=2)
        assert [person for person, _ in story.paged()] == ["ana", "ana"]
