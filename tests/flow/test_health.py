"""How the bot is, as the health page and the metrics tell it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from incident_bot.flow import health
from incident_bot.flow.views import HealthView
from incident_bot.notifiers.base import GiveUp, GiveUpReason
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import documents


def found(story: Story) -> HealthView:
    return health.health(story.context, now=story.clock.now())


def details(story: Story) -> dict[str, str]:
    return {check.name: check.detail for check in found(story).checks}


def wrong(story: Story) -> list[str]:
    return [check.name for check in found(story).checks if not check.ok]


def metric(story: Story, line: str) -> float:
    health.refresh_metrics(story.context, now=story.clock.now())
    text = story.context.metrics.render().decode()
    return next(float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line + " "))


@on_every_database
def test_all_is_well(story: Story) -> None:
    story.fires()
    assert (found(story).status, wrong(story)) == ("ok", [])
    assert health.ready(story.context, now=story.clock.now())
    assert details(story)["channel slack"] == "last success 2026-03-03 03:00 UTC"
    assert details(story)["channel sms"] == "nothing sent yet"
    assert found(story).revision == story.context.live.current.revision.id


def test_what_is_due_for_more_than_a_minute_is_an_alarm(story: Story) -> None:
    story.fires()
    story.says("note x")
    story.sleep_through(minutes=15, seconds=60)
    assert wrong(story) == []
    story.sleep_through(seconds=1)
    assert wrong(story) == ["timers"]
    assert found(story).status == "degraded"
    assert details(story)["timers"] == "oldest due timer is 1 min late"
    assert metric(story, "incident_bot_timers_oldest_due_seconds") == 61
    story.pump()
    assert wrong(story) == []
    assert metric(story, "incident_bot_timers_oldest_due_seconds") == 0


def test_a_message_that_waits_too_long_is_an_alarm(story: Story) -> None:
    body = story.alertmanager.fire({"alertname": "X", "severity": "critical"}, {}, since=story.clock.now())
    story.application.intake.submit("alertmanager", body).result(timeout=30)
    story.sleep_through(minutes=2)
    assert wrong(story) == ["outbox"]
    assert metric(story, "incident_bot_outbox_oldest_due_seconds") == 120


def test_what_was_given_up_wants_a_look(story: Story) -> None:
    story.slack.fails.append(GiveUp(GiveUpReason.ADDRESS, "no such member"))
    story.fires()
    assert wrong(story) == ["parked"]
    assert details(story)["parked"] == "0 timers, 1 messages given up"
    assert metric(story, 'incident_bot_parked{kind="message"}') == 1


def test_a_refused_configuration_is_shown_while_the_old_one_works(story: Story) -> None:
    story.reload({**documents(), "rotations/routing.yaml": "nonsense: true\n"})
    assert wrong(story) == ["configuration"]
    assert "stays; the set on disk is refused: rotations/routing.yaml:1" in details(story)["configuration"]
    assert metric(story, "incident_bot_config_last_reload_successful") == 0
    story.reload(documents())
    assert wrong(story) == []


@pytest.mark.parametrize("story_url", ["sqlite"], indirect=True)
def test_without_its_database_it_fails_and_is_not_ready(story: Story) -> None:
    path = Path(story.url.removeprefix("sqlite:///"))
    story.context.store._engine.dispose()
    for file in path.parent.glob(path.name + "*"):
        file.unlink()
    path.mkdir()
    assert not health.ready(story.context, now=story.clock.now())
    assert (found(story).status, wrong(story)) == ("failing", ["database"])
    health.refresh_metrics(story.context, now=story.clock.now())


def test_the_numbers_of_the_database(story: Story) -> None:
    story.fires(alertname="One")
    story.says("ack")
    story.fires(alertname="Two")
    story.fires(alertname="Three", severity="warning")
    assert metric(story, 'incident_bot_incidents_open{escalation="acknowledged"}') == 1
    assert metric(story, 'incident_bot_incidents_open{escalation="triggered"}') == 2
    assert metric(story, 'incident_bot_incidents_open{escalation="snoozed"}') == 0
    assert metric(story, 'incident_bot_pages_total{channel="slack",result="sent"}') == 3


def test_opened_incidents_are_counted_by_severity(story: Story) -> None:
    story.fires(alertname="One")
    story.fires(alertname="One", instance="joins")
    story.fires(alertname="Two", severity="warning")
    story.says("new P1 Declared")
    assert metric(story, 'incident_bot_incidents_opened_total{severity="P1"}') == 2
    assert metric(story, 'incident_bot_incidents_opened_total{severity="P3"}') == 1


@pytest.mark.parametrize(
    "story_url, offset, ok, said",
    [
        ("sqlite", 0, True, "the machine's clock agrees with the time here"),
        ("sqlite", -7200, False, ("the machine's clock is 02:00:00 behind the time here: it was set back; "
         "time runs at half speed until it has caught up")),
        ("postgresql", -2, True, "the machine's clock agrees with the time here"),
        ("postgresql", 60, True, ("the machine's clock is 00:01:00 ahead of the time here, "
         "which is the database server's")),
        ("postgresql", -61, False, ("the machine's clock is 00:01:01 behind the time here, "
         "which is the database server's")),
    ],
    indirect=["story_url"],
)  # fmt: skip
def test_a_machine_s_clock_that_is_off_is_told(story: Story, offset: int, ok: bool, said: str) -> None:
    context = replace(story.context, clock_offset=lambda: timedelta(seconds=offset))
    view = health.health(context, now=story.clock.now())
    (check,) = [one for one in view.checks if one.name == "clock"]
    assert (check.ok, check.detail) == (ok, said)
    assert view.status == ("ok" if ok else "degraded")
    health.refresh_metrics(context, now=story.clock.now())
    assert f"incident_bot_clock_offset_seconds {offset}.0" in context.metrics.render().decode()
