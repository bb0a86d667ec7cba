"""What becomes of an alert before anybody is paged: delay, hours, notify, record, inhibition, maintenance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from incident_bot.flow import interventions
from tests.plugins.story import START, Story, on_every_database

Tell = Callable[..., Story]
DELAYED = """
  - {match: ['severity="warning"'], action: incident, delay: 15m}
"""
OFFICE = """
  - {match: ['severity="info"'], action: incident, hours: business}
  - {match: ['severity="warning"'], action: notify, hours: business}
  - {match: ['severity="high"'], action: incident, hours: business, delay: 30m}
"""
HOURS = """
hours:
  business: {time_zone: Europe/Berlin, windows: [{days: mon-fri, from: "09:00", to: "18:00"}]}
"""
INHIBIT = """
inhibit:
  - {source: ['alertname="NodeDown"'], target: ['alertname="ServiceDown"'], equal: [instance]}
"""


def maintain(
    story: Story, *, minutes: int, start: datetime | None = None, matcher: str = 'alertname=~".+"'
) -> None:
    begin = start or story.clock.now()
    interventions.add_maintenance(
        story.context,
        matchers=[matcher],
        start=begin,
        end=begin + timedelta(minutes=minutes),
        reason="moving the racks",
        actor="ben",
        now=story.clock.now(),
    )


@on_every_database
def test_a_delay_opens_after_its_time_if_it_still_fires(tell: Tell) -> None:
    story = tell(routes=DELAYED)
    story.fires(severity="warning")
    alert = story.alert()
    assert alert.disposition == "held"
    assert alert.reason is not None
    assert "waits until 03:15 UTC" in alert.reason
    assert "routing.yaml:" in alert.reason
    story.advance(minutes=14, seconds=59)
    assert story.incidents() == []
    story.advance(seconds=1)
    assert story.paged() == [("ben", 15)]
    assert (story.alert().incident, story.alert().reason) == ("INC-1", None)


def test_a_delay_never_opens_what_is_over_before(tell: Tell) -> None:
    story = tell(routes=DELAYED)
    story.fires(severity="warning")
    story.advance(minutes=14)
    story.resolves(severity="warning")
    story.advance(hours=2)
    assert story.incidents() == []
    alert = story.alert()
    assert (alert.status, alert.disposition) == ("resolved", "record")
    assert alert.reason is not None
    assert alert.reason.startswith("ended before it was let through (waits until 03:15 UTC")


def test_a_repeat_does_not_prolong_a_delay(tell: Tell) -> None:
    story = tell(routes=DELAYED)
    story.fires(severity="warning")
    story.advance(minutes=10)
    story.fires(severity="warning", instance="another")
    story.advance(minutes=5)
    assert story.paged() == [("ben", 15)]
    assert story.incident().firing == 1
    story.advance(minutes=10)
    assert story.incident().firing == 2
    assert story.paged() == [("ben", 15)]


def test_a_delay_survives_a_restart(tell: Tell) -> None:
    story = tell(routes=DELAYED)
    story.fires(severity="warning")
    story.restart()
    story.advance(minutes=15)
    assert story.paged() == [("ben", 15)]


def test_hours_wait_for_the_window_to_open(tell: Tell) -> None:
    story = tell(routes=OFFICE, more=HOURS)
    story.fires(severity="info")
    reason = story.alert().reason
    assert reason is not None
    assert "waits until 08:00 UTC: its route holds it to the hours business" in reason
    story.advance(hours=4, minutes=59)
    assert story.paged() == []
    story.advance(minutes=1)
    assert story.paged() == [("ben", 300)]


def test_within_hours_nothing_waits(tell: Tell) -> None:
    story = tell(routes=OFFICE, more=HOURS, start=datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    story.fires(severity="info")
    assert story.paged() == [("ben", 0)]


def test_hours_wait_over_the_weekend(tell: Tell) -> None:
    friday_evening = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
    story = tell(routes=OFFICE, more=HOURS, start=friday_evening)
    story.fires(severity="info")
    monday_morning = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
    story.until(monday_morning - timedelta(seconds=1))
    assert story.paged() == []
    story.until(monday_morning)
    assert story.paged() == [("ben", 63 * 60)]


def test_a_delay_that_ends_outside_the_hours_waits_for_them_too(tell: Tell) -> None:
    # 17:45 in Berlin: half an hour later the office is closed.
    story = tell(routes=OFFICE, more=HOURS, start=datetime(2026, 3, 3, 16, 45, tzinfo=UTC))
    story.fires(severity="high")
    story.advance(minutes=30)
    reason = story.alert().reason
    assert reason is not None
    assert "2026-03-04 08:00 UTC" in reason
    assert story.paged() == []
    story.until(datetime(2026, 3, 4, 8, 0, tzinfo=UTC))
    assert story.paged() == [("ana", 15 * 60 + 15)]


def test_notify_tells_the_teams_channel_once_and_pages_nobody(tell: Tell) -> None:
    story = tell(routes="[{match: ['severity=\"warning\"'], action: notify}]")
    story.fires(severity="warning", annotations={"summary": "disk at 80 %"})
    story.repeat()
    story.advance(hours=3)
    assert story.paged() == []
    assert story.incidents() == []
    assert story.said_to("#web") == ["notify"]
    assert "disk at 80 %" in story.taken()[0].message.text
    assert story.alert().disposition == "notify"
    assert "routing.yaml:" in str(story.alert().reason)

    story.resolves(severity="warning")
    assert story.said_to("#web") == ["notify", "notify"]


def test_notify_waits_for_its_hours(tell: Tell) -> None:
    story = tell(routes=OFFICE, more=HOURS)
    story.fires(severity="warning")
    assert story.said_to("#web") == []
    story.advance(hours=5)
    assert story.said_to("#web") == ["notify"]


def test_record_is_stored_shown_and_tells_nobody(tell: Tell) -> None:
    story = tell(routes="[{match: ['alertname=\"Watchdog\"'], action: record}]")
    story.fires(alertname="Watchdog", severity="none")
    story.advance(hours=1)
    assert story.calls == []
    assert story.incidents() == []
    alert = story.alert()
    assert (alert.status, alert.disposition, alert.incident) == ("firing", "record", None)
    assert alert.reason == "recorded only: routing.yaml:3 says so"


@on_every_database
def test_what_is_inhibited_waits_for_its_inhibitor_to_end(tell: Tell) -> None:
    story = tell(more=INHIBIT)
    story.fires(alertname="NodeDown", instance="a")
    story.fires(alertname="ServiceDown", instance="a")
    story.fires(alertname="ServiceDown", instance="b")
    assert [one.title for one in story.incidents()] == ["NodeDown on a", "ServiceDown on b"]
    held = story.alert(alertname="ServiceDown", instance="a")
    assert held.reason is not None
    assert "inhibited at 03:00 UTC by NodeDown (instance=a), which fires too" in held.reason
    story.advance(minutes=20)
    assert story.alert(alertname="ServiceDown", instance="a").incident is None
    story.resolves(alertname="NodeDown", instance="a")
    story.advance(minutes=1)
    assert story.alert(alertname="ServiceDown", instance="a").incident == "INC-2"


def test_an_inhibitor_in_the_same_delivery_counts(tell: Tell) -> None:
    story = tell(
        more="inhibit:\n  - {source: ['severity=\"critical\"'], target: ['severity=\"warning\"'], equal: [alertname]}",
        default="{team: web, action: incident, group_by: [alertname, severity]}",
    )
    story.alertmanager.fire({"alertname": "DiskFull", "severity": "critical"}, {}, since=story.clock.now())
    story.fires(alertname="DiskFull", severity="warning")
    assert [one.severity for one in story.incidents()] == ["P1"]
    assert story.alert(severity="warning").disposition == "held"


@on_every_database
def test_in_maintenance_it_opens_pages_nobody_and_starts_at_the_end(story: Story) -> None:
    maintain(story, minutes=60)
    story.advance(minutes=10)
    story.fires()
    incident = story.incident()
    assert (incident.escalation, incident.escalation_state) == ("triggered", "paused")
    assert story.entry("paused").text == "Escalation paused until 04:00 UTC: maintenance: moving the racks"
    story.advance(minutes=49)
    assert story.paged() == []
    story.advance(minutes=1)
    assert story.paged() == [("ana", 60)]
    assert "resumed" in story.kinds()
    story.advance(minutes=15)
    assert story.paged()[1:] == [("ben", 75)]


def test_what_ends_in_the_maintenance_pages_nobody_after_it(story: Story) -> None:
    maintain(story, minutes=60)
    story.fires()
    story.advance(minutes=30)
    story.resolves()
    story.advance(hours=3)
    assert story.paged() == []
    assert story.incident().phase == "resolved"


def test_what_ends_just_before_the_maintenance_does_pages_nobody(story: Story) -> None:
    maintain(story, minutes=60)
    story.fires()
    story.advance(minutes=59, seconds=30)
    story.resolves()
    story.advance(hours=3)
    assert story.paged() == []


def test_what_does_not_match_the_maintenance_pages(story: Story) -> None:
    maintain(story, minutes=60, matcher='alertname="DiskFull"')
    story.fires()
    assert story.paged() == [("ana", 0)]


def test_a_maintenance_to_come_holds_nothing_yet(story: Story) -> None:
    maintain(story, minutes=60, start=START + timedelta(hours=2))
    story.fires()
    assert story.paged() == [("ana", 0)]


def test_what_reopens_in_a_maintenance_pages_nobody_before_its_end(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.resolves()
    story.advance(minutes=5)
    maintain(story, minutes=30)
    story.advance(minutes=5)
    story.fires()
    assert (story.incident().escalation, story.incident().escalation_state) == ("triggered", "paused")
    story.advance(minutes=24)
    assert story.paged() == [("ana", 0)]
    story.advance(minutes=1)
    assert story.paged() == [("ana", 0), ("ana", 35)]


def test_an_alert_outside_the_maintenance_is_paged_for_though_it_joins_one_inside(story: Story) -> None:
    maintain(story, minutes=60, matcher='instance="a"')
    story.fires(instance="a")
    story.advance(minutes=5)
    assert story.paged() == []
    story.fires(instance="b")
    assert story.paged() == [("ana", 5)]
    assert story.entry("resumed").text == "Escalation resumed: An alert outside the maintenance joined"


def test_an_alert_outside_the_maintenance_is_paged_for_though_it_comes_with_one_inside(story: Story) -> None:
    maintain(story, minutes=60, matcher='instance="a"')
    story.alertmanager.fire(
        {"alertname": "HighErrorRate", "severity": "critical", "instance": "a"}, {}, since=story.clock.now()
    )
    story.fires(instance="b")
    assert story.paged() == [("ana", 0)]


def test_each_alert_ends_on_one_way_with_the_reason(tell: Tell) -> None:
    story = tell(
        routes="""
  - {match: ['severity="none"'], action: record}
  - {match: ['severity="info"'], action: notify}
  - {match: ['severity="warning"'], delay: 15m}
"""
    )
    for severity in ("none", "info", "warning", "critical"):
        story.fires(alertname=f"A-{severity}", severity=severity)
    ways = {one.labels["severity"]: (one.disposition, one.incident) for one in story.alerts()}
    assert ways == {
        "none": ("record", None),
        "info": ("notify", None),
        "warning": ("held", None),
        "critical": ("incident", "INC-1"),
    }
    assert all((one.reason is None) == (one.incident is not None) for one in story.alerts())
    why = story.alert(severity="critical").why
    assert why is not None
    assert why["route"] == "default"
    tried = why["tried"]
    assert isinstance(tried, list)
    assert len(tried) == 3
