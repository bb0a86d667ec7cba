"""Quiet hours from the alert to the page, on every database: what waits, what never does, and who says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from incident_bot.flow import why
from incident_bot.flow.simulate import simulate
from incident_bot.notifiers.base import RetryLater
from tests.plugins.story import START, Story, on_every_database
from tests.plugins.story_files import PEOPLE

pytestmark = on_every_database
USUAL = 'quiet_hours: {from: "22:00", to: "07:00"}'
ROWS = {"P4": "[{page: [person/ana]}, {after: 2h, page: [manager]}]"}
SEVEN = 180
"""The minute of 07:00 in Berlin, where ana is; the stories begin at 04:00 there."""


def quiet(tell: Callable[..., Story], **changes: object) -> Story:
    return tell(**{"rules": USUAL, "matrix": ROWS, **changes})


def test_a_page_of_low_urgency_waits_for_the_morning_and_the_manager_with_it(
    tell: Callable[..., Story],
) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    (page,) = story.pages()
    assert page.state == "pending"
    assert page.due_at == START + timedelta(hours=3)
    assert page.reason.endswith("waits until 07:00 Europe/Berlin (ana's quiet hours)")
    story.advance(minutes=SEVEN - 1)
    assert story.paged() == []
    story.advance(hours=6)
    assert story.paged()[:2] == [("ana", SEVEN), ("cleo", SEVEN + 120)]


def test_the_timeline_why_and_simulate_say_that_it_waits(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    assert "quiet hours hold back Ana Example until 06:00 UTC" in story.entry("step").text
    explained = why.explain(story.context, story.incident().number, now=story.clock.now())
    assert "waits until 07:00 Europe/Berlin (ana's quiet hours)" in str(explained["text"])
    labels = {"alertname": "Other", "severity": "info"}
    first = simulate(story.context, labels=labels, annotations={}, at=START).pages[0]
    assert (first.person, first.minute) == ("ana", SEVEN)
    assert first.reason.endswith("waits until 07:00 Europe/Berlin (ana's quiet hours)")


def test_high_urgency_never_waits(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="critical")
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 15)]


def test_an_acknowledgement_takes_back_what_waits(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    story.says("ack")
    story.advance(hours=6)
    assert story.paged() == []


def test_severity_raised_meanwhile_pages_at_once(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    story.advance(minutes=10)
    story.says("severity P1")
    assert story.paged() == [("ana", 10)]
    assert [page.state for page in story.pages()] == ["cancelled", "sent"]


def test_a_worse_alert_pages_at_once(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    story.advance(minutes=10)
    story.fires(severity="critical", instance="two")
    assert story.paged() == [("ana", 10)]


def test_escalating_by_hand_pages_at_once(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    story.advance(minutes=10)
    story.says("escalate", by="cleo")
    assert story.paged() == [("cleo", 10)]


def test_who_is_asked_for_by_name_is_paged_at_once(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    story.says("page person/ana", by="cleo")
    assert story.paged() == [("ana", 0)]


def test_the_last_resort_never_waits(tell: Callable[..., Story]) -> None:
    story = quiet(tell, matrix={"P4": "[{page: [person/gus]}]"}, fallback="[]", last_resort="[person/ana]")
    story.fires(severity="info")
    assert story.paged() == [("ana", 0)]


def test_own_quiet_hours_take_the_place_of_the_usual_ones(tell: Callable[..., Story]) -> None:
    people = PEOPLE.replace("slack: U0BEN}", "slack: U0BEN, quiet_hours: off}").replace(
        "slack: U0CLEO}", 'slack: U0CLEO, quiet_hours: [{days: mon-fri, from: "02:00", to: "04:30"}]}'
    )
    story = quiet(
        tell, people=people, matrix={"P4": "[{page: [person/ben, manager]}, {after: 5h, page: [lead]}]"}
    )
    story.fires(severity="info")
    story.advance(hours=2)
    assert story.paged() == [("ben", 0), ("cleo", 90)]


@pytest.mark.parametrize(
    "start,minute",
    [
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), 360),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 480),
    ],
)
def test_over_the_nights_of_the_clock_change(
    tell: Callable[..., Story], start: datetime, minute: int
) -> None:
    story = quiet(tell, start=start)
    story.fires(severity="info")
    story.advance(hours=9)
    assert story.paged()[0] == ("ana", minute)


def test_a_dead_channel_does_not_wake_by_the_next_one(tell: Callable[..., Story]) -> None:
    people = PEOPLE.replace(
        "email: ana@example.com",
        "email: ana@example.com, notify: {low: [{by: slack}, {by: sms, after: 90m}]}",
    )
    usual = 'quiet_hours: {from: "04:01", to: "07:00"}'
    story = quiet(tell, people=people, rules=usual)
    # The channel counts as down after a quarter of a minute at the earliest: in the quiet hours.
    story.slack.always = RetryLater("busy")
    story.sleep_through(seconds=55)
    story.fires(severity="info")
    story.advance(hours=2)
    assert story.paged() == []
    story.until(START + timedelta(minutes=SEVEN))
    assert story.paged() == [("ana", SEVEN)]


def test_a_restart_and_another_configuration_change_nothing_of_what_waits(tell: Callable[..., Story]) -> None:
    story = quiet(tell)
    story.fires(severity="info")
    if story.url != "sqlite://":  # a database in memory ends with its process
        story.restart()
    story.configure(matrix=ROWS)
    story.advance(minutes=SEVEN)
    assert story.paged() == [("ana", SEVEN)]
